//! A CSV file from disk to registered, beside importing and deduplicating it in SQL on the same schema.

use super::Place;
use crate::{
    api::{Api, checked, until},
    data::file::{self, ADDRESS_COLUMN, COLUMNS},
    database::{Database, Kind, load},
    measure::{Pairs, median, pairs, seconds, timed},
    report::{Line, megabytes},
    tools,
};
use anyhow::{Context, ensure};
use mail_e2e::field::clock;
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Bytes in one PATCH.
const CHUNK: u64 = 16 << 20;

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Line> {
    let path = place.folder("file")?.join("customers.csv");
    let written = path.clone();
    let content = tokio::task::spawn_blocking(move || file::write(&written, rows)).await??;
    let size = path.metadata()?.len();
    let mut times = Pairs::default();
    let (mut memory, mut parts) = (0, [vec![], vec![], vec![]]);
    for _ in 0..pairs(rows) {
        let database = place.base.copy("registration").await?;
        let (service, api) = place.serve(&database).await?;
        service.reset_peak()?;
        let (ours, took) = timed(register(&api, &path)).await?;
        memory = memory.max(service.peak()?);
        service.stop().await?;
        for (all, took) in parts.iter_mut().zip(took) {
            all.push(took);
        }
        let blocked = database.count("blocked_addresses").await?;
        ensure!(blocked == content.addresses, "{blocked} of {} addresses were registered", content.addresses);
        database.remove().await?;

        let database = place.base.copy("beside").await?;
        let beside = import(place, &database, &path).await?;
        let blocked = database.count("blocked_addresses").await?;
        ensure!(blocked == content.addresses, "SQL found {blocked} of {} addresses", content.addresses);
        database.remove().await?;
        times.add(ours.as_secs_f64(), beside);
    }
    std::fs::remove_file(&path)?;
    let [upload, analysis, registration] = parts.map(|part| seconds(median(part)));
    let beside = match place.kind() {
        Kind::Sqlite => ".import, INSERT … SELECT",
        Kind::Postgres => "\\copy, INSERT … SELECT",
    };
    Ok(Line {
        work: "CSV file to registered",
        database: place.kind(),
        rows,
        ours: seconds(times.ours()),
        beside: format!("{beside} {}", seconds(times.beside())),
        ratio: Some(times.ratio()),
        bar: "at most 2",
        met: Some(times.ratio() <= 2.0),
        memory,
        grows: Some(times.ours()),
        remark: format!("{}: upload {upload}, analysis {analysis}, registration {registration}", megabytes(size)),
    })
}

/// What the console does: tus, analysis, registration. Returns the seconds of each.
async fn register(api: &Api, path: &Path) -> anyhow::Result<[f64; 3]> {
    let (sending, upload) = timed(send(api, path)).await?;
    let upload = format!("/uploads/{upload}");
    let (analysing, ()) = timed(until("the file is analysed", async || {
        let upload: Value = api.get(&api.of_configuration(&upload), &[]).await?;
        ensure!(upload["state"] != "failed", "the file cannot be read: {upload}");
        Ok((upload["state"] == "ready").then_some(()))
    }))
    .await?;
    let (registering, ()) = timed(async {
        let path = api.of_configuration(&format!("{upload}/registration"));
        let operation: Value = api.post(&path, &json!({ "delivery_timing": "next_execution" })).await?;
        let id = operation["id"].as_str().context("the operation has no id")?;
        let path = api.of_configuration(&format!("/list-operations/{id}"));
        until("the file is registered", async || {
            let operation: Value = api.get(&path, &[]).await?;
            ensure!(operation["state"] != "failed", "the registration failed: {operation}");
            Ok((operation["state"] == "done").then_some(()))
        })
        .await
    })
    .await?;
    Ok([sending, analysing, registering].map(|took| took.as_secs_f64()))
}

/// Sends a file by tus 1.0, in pieces, and returns the upload's id.
async fn send(api: &Api, path: &Path) -> anyhow::Result<Uuid> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let tus = |method, path: &str| api.request(method, path).header("Tus-Resumable", "1.0.0");
    let uploads = api.of_configuration("/uploads");
    // The name, in Base64.
    let metadata = "filename Y3VzdG9tZXJzLmNzdg==";
    let create = tus(Method::POST, &uploads).header("Upload-Length", size).header("Upload-Metadata", metadata);
    let created = checked(create).await?;
    let location = created.headers().get(header::LOCATION).context("the upload has no place")?;
    let id = location.to_str()?.rsplit('/').next().unwrap_or_default().parse()?;
    let mut offset = 0;
    while offset < size {
        let mut piece = Vec::with_capacity(CHUNK as usize);
        file.by_ref().take(CHUNK).read_to_end(&mut piece)?;
        let length = piece.len() as u64;
        let append = tus(Method::PATCH, &format!("{uploads}/{id}")).header("Upload-Offset", offset);
        checked(append.header(header::CONTENT_TYPE, "application/offset+octet-stream").body(piece)).await?;
        offset += length;
    }
    Ok(id)
}

/// What a person would do who has only the tables: import the file as it is, then select each address once. The schema is
/// the service's own, with every index and trigger that it has. Returns the time in seconds.
async fn import(place: &Place, database: &Database, path: &Path) -> anyhow::Result<f64> {
    let (set, now) = (Uuid::now_v7(), clock::now().timestamp_millis());
    load::insert_set(database, place.account.configuration, set, now).await?;
    let (set, configuration) = (database.id(set), database.id(place.account.configuration));
    let columns: Vec<String> = COLUMNS.iter().map(|column| format!("{column} TEXT")).collect();
    let staging = format!("CREATE TABLE staging ({})", columns.join(", "));
    // Ids in ascending order, as those of the service: random ones would cost more.
    let (import, id, domain) = match database.kind() {
        Kind::Sqlite => (
            format!(".import --csv --skip 1 {} staging", quoted(path)),
            "CAST(printf('%016d', no) AS BLOB)",
            "substr(key, instr(key, '@') + 1)",
        ),
        Kind::Postgres => (
            format!("\\copy staging FROM {} (FORMAT csv, HEADER)", quoted(path)),
            "CAST(lpad(no, 32, '0') AS UUID)",
            "substr(key, strpos(key, '@') + 1)",
        ),
    };
    let select = format!(
        "INSERT INTO blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, origin, \
         blocked_at, added_set_id) \
         SELECT {id}, {configuration}, key, {ADDRESS_COLUMN}, {domain}, 'registered', 'upload', {now}, {set} \
         FROM (SELECT no, lower(trim({ADDRESS_COLUMN})) AS key, {ADDRESS_COLUMN} FROM staging) AS addresses \
         WHERE key LIKE '%_@_%' AND NOT EXISTS (SELECT 1 FROM exemptions e \
         WHERE e.server_configuration_id = {configuration} AND e.address_key = key) \
         ORDER BY CAST(no AS BIGINT) ON CONFLICT (server_configuration_id, address_key) DO NOTHING"
    );
    let mut shell = database.shell();
    match database.kind() {
        Kind::Sqlite => shell.args([staging, import]),
        Kind::Postgres => shell.arg("-c").arg(staging).arg("-c").arg(import),
    };
    let (took, ()) = timed(async {
        tools::output(&mut shell).await?;
        database.execute(&select).await
    })
    .await?;
    Ok(took.as_secs_f64())
}

fn quoted(path: &Path) -> String {
    format!("'{}'", PathBuf::from(path).display())
}
