//! The whole blocked list as a CSV file, beside what the database's own shell exports of the same columns.

use super::Place;
use crate::{
    database::{
        Database, Kind,
        load::{self, Published},
    },
    measure::{Pairs, pairs, seconds, timed},
    report::{Line, megabytes},
    tools,
};
use anyhow::ensure;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    process::Command,
};

/// The most that the service may use meanwhile, in bytes.
const MEMORY_BAR: u64 = 300_000_000;

/// The columns of a download. Times stay numbers: the export has less to do than the service.
const EXPORT: &str = "SELECT b.address, b.reason, b.origin, \
                      CASE WHEN s.version IS NULL THEN 'pending' ELSE 'in_effect' END AS state, b.blocked_at, \
                      s.version, NULL AS removal_cause, NULL AS removed_at \
                      FROM blocked_addresses b JOIN change_sets s ON s.id = b.added_set_id";

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Line> {
    let database = place.base.copy("download").await?;
    load::blocked_list(&database, &place.account, rows, Published::Yes).await?;
    let (service, api) = place.serve(&database).await?;
    let file = place.folder("files")?.join("blocked-list.csv");
    let url = api.url(&api.of_configuration("/blocked-addresses.csv"));
    let (mut times, mut size) = (Pairs::default(), 0);
    service.reset_peak()?;
    for _ in 0..pairs(rows) {
        let mut curl = Command::new("curl");
        curl.args(["-sSf", "-H", &format!("Authorization: Bearer {}", place.account.token), &url]);
        let (ours, ()) = timed(tools::save(&mut curl, &file)).await?;
        size = file.metadata()?.len();
        ensure!(lines(&file)? == rows + 1, "the download has not every row");
        let (beside, ()) = timed(tools::save(&mut export(&database), &file)).await?;
        ensure!(lines(&file)? == rows, "the export has not every row");
        times.add(ours.as_secs_f64(), beside.as_secs_f64());
    }
    let memory = service.peak()?;
    service.stop().await?;
    database.remove().await?;
    std::fs::remove_file(&file)?;
    let beside = match place.kind() {
        Kind::Sqlite => "sqlite3 -csv",
        Kind::Postgres => "COPY TO STDOUT",
    };
    Ok(Line {
        work: "download the blocked list",
        database: place.kind(),
        rows,
        ours: seconds(times.ours()),
        beside: format!("{beside} {}", seconds(times.beside())),
        ratio: Some(times.ratio()),
        bar: "at most 2, memory under 300 MB",
        met: Some(times.ratio() <= 2.0 && memory < MEMORY_BAR),
        memory,
        grows: Some(times.ours()),
        remark: format!("{} by curl, newest first; the export has no order", megabytes(size)),
    })
}

fn export(database: &Database) -> Command {
    let mut shell = database.shell();
    match database.kind() {
        Kind::Sqlite => shell.args(["-csv", EXPORT]),
        Kind::Postgres => shell.arg("-c").arg(format!("COPY ({EXPORT}) TO STDOUT (FORMAT csv)")),
    };
    shell
}

/// Addresses hold no line breaks, so lines are rows.
fn lines(file: &Path) -> anyhow::Result<u64> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(file)?);
    let mut count = 0;
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return Ok(count);
        }
        count += part.iter().filter(|byte| **byte == b'\n').count() as u64;
        let length = part.len();
        reader.consume(length);
    }
}
