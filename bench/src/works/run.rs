//! A run on many tallies of which one in a hundred newly passes, beside one `INSERT … SELECT` with the same selection.

use super::Place;
use crate::{
    database::{Database, Kind, load},
    measure::{Pairs, pairs, seconds, timed},
    report::Line,
};
use anyhow::ensure;
use mail_e2e::field::clock;
use serde_json::json;
use shared::list::ReleaseResult;
use std::{cell::Cell, time::Duration};
use uuid::Uuid;

/// Between two releases.
const PAUSE: Duration = Duration::from_millis(20);

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Line> {
    let loaded = place.base.copy("tallies").await?;
    load::tallies(&loaded, &place.account, rows).await?;
    let mut times = Pairs::default();
    let mut memory = 0;
    for _ in 0..pairs(rows) {
        // Each on a copy of its own: both see the same state.
        let database = loaded.copy("run").await?;
        let (service, api) = place.serve(&database).await?;
        service.reset_peak()?;
        let (ours, run) = timed(api.run()).await?;
        memory = memory.max(service.peak()?);
        service.stop().await?;
        let blocked: i64 = run.blocked.iter().map(|count| count.count).sum();
        ensure!(u64::try_from(blocked)? == rows / 100, "the run blocked {blocked} addresses");
        database.remove().await?;

        let database = loaded.copy("beside").await?;
        let beside = statement(place, &database).await?;
        let blocked = database.count("blocked_addresses").await?;
        ensure!(blocked == rows / 100, "the statement blocked {blocked} addresses");
        database.remove().await?;
        times.add(ours.as_secs_f64(), beside);
    }
    let waited = release_meanwhile(place, &loaded).await?;
    loaded.remove().await?;
    Ok(Line {
        work: "run over tallies, 1 % newly pass",
        database: place.kind(),
        rows,
        ours: seconds(times.ours()),
        beside: format!("INSERT … SELECT {}", seconds(times.beside())),
        ratio: Some(times.ratio()),
        bar: "at most 2",
        met: Some(times.ratio() <= 2.0),
        memory,
        grows: Some(times.ours()),
        remark: format!(
            "2 % of the tallies changed, half of them pass; ours also empties the table of changed ones and queues the \
             distribution; the longest release during another such run: {}",
            seconds(waited)
        ),
    })
}

/// How long the slowest of the releases takes that are asked for one after the other while a run is performed, in
/// seconds.
async fn release_meanwhile(place: &Place, loaded: &Database) -> anyhow::Result<f64> {
    let database = loaded.copy("waits").await?;
    let (service, api) = place.serve(&database).await?;
    let done = Cell::new(false);
    let run = async {
        let run = api.run().await;
        done.set(true);
        run
    };
    let release = async {
        let mut longest = Duration::ZERO;
        while !done.get() {
            let body = json!({ "addresses": ["nobody@example.test"] });
            let (took, _) = timed(api.post::<ReleaseResult>(&api.of_configuration("/releases"), &body)).await?;
            longest = longest.max(took);
            tokio::time::sleep(PAUSE).await;
        }
        Ok(longest.as_secs_f64())
    };
    let (_, longest) = tokio::try_join!(run, release)?;
    service.stop().await?;
    database.remove().await?;
    Ok(longest)
}

/// What a person would write who has only the tables. Returns its time in seconds, that of starting the shell included.
async fn statement(place: &Place, database: &Database) -> anyhow::Result<f64> {
    let (set, now) = (Uuid::now_v7(), clock::now().timestamp_millis());
    load::insert_set(database, place.account.configuration, set, now).await?;
    let (set, configuration) = (database.id(set), database.id(place.account.configuration));
    // Ids in ascending order, as those of the service: random ones would cost more.
    let (id, domain) = match database.kind() {
        Kind::Sqlite => (
            "CAST(printf('%016d', row_number() OVER ()) AS BLOB)",
            "substr(t.address_key, instr(t.address_key, '@') + 1)",
        ),
        Kind::Postgres => (
            "CAST(lpad(to_hex(row_number() OVER ()), 32, '0') AS UUID)",
            "substr(t.address_key, strpos(t.address_key, '@') + 1)",
        ),
    };
    let sql = format!(
        "INSERT INTO blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, origin, \
         blocked_at, added_set_id) \
         SELECT {id}, t.server_configuration_id, t.address_key, t.address, {domain}, t.reason, 'condition', {now}, {set} \
         FROM changed_tallies d CROSS JOIN error_tallies t JOIN blocking_conditions c \
         ON c.server_configuration_id = t.server_configuration_id AND c.reason = t.reason \
         WHERE d.server_configuration_id = {configuration} AND t.server_configuration_id = {configuration} \
         AND t.address_key = d.address_key AND t.reason = d.reason AND c.enabled AND t.count >= c.frequency \
         AND NOT EXISTS (SELECT 1 FROM exemptions e WHERE e.server_configuration_id = t.server_configuration_id \
         AND e.address_key = t.address_key) \
         AND NOT EXISTS (SELECT 1 FROM blocked_addresses b WHERE b.server_configuration_id = t.server_configuration_id \
         AND b.address_key = t.address_key)"
    );
    let (took, ()) = timed(database.execute(&sql)).await?;
    Ok(took.as_secs_f64())
}
