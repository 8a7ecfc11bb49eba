//! Delivery events taken in, with somebody reading the error log meanwhile.

use super::Place;
use crate::{
    api::Api,
    data::events::Events,
    database::Kind,
    measure::{quantile, seconds, timed},
    report::{Line, thousands},
};
use anyhow::ensure;
use mail_e2e::field::clock;
use shared::delivery_event::NewDeliveryEvent;
use std::{cell::Cell, time::Duration};
use tokio::sync::{Mutex, mpsc};

/// Events in a request.
const BATCH: usize = 5_000;
/// Between two looks into the error log.
const PAUSE: Duration = Duration::from_millis(250);
/// Events a second that are asked for on SQLite.
const BAR: f64 = 20_000.0;
/// What is asked of the error log, in turn: its first page, and that of a search.
const LOOKS: [&[(&str, &str)]; 2] = [&[("outcome", "error")], &[("outcome", "error"), ("q", "sakura")]];

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Line> {
    let database = place.base.copy("events").await?;
    let (service, api) = place.serve(&database).await?;
    let events = Events::new(clock::now() - chrono::TimeDelta::days(1));
    service.reset_peak()?;
    let reported = Cell::new(false);
    let report = async {
        let taken = timed(report(&api, events, usize::try_from(rows)?)).await;
        reported.set(true);
        Ok(taken?.0.as_secs_f64())
    };
    let read = async {
        let mut latencies = Vec::new();
        for query in LOOKS.iter().cycle() {
            let (took, _) = timed(api.page("/delivery-events", query)).await?;
            latencies.push(took.as_secs_f64());
            tokio::time::sleep(PAUSE).await;
            if reported.get() {
                break;
            }
        }
        anyhow::Ok(latencies)
    };
    let (took, latencies) = tokio::try_join!(report, read)?;
    let memory = service.peak()?;
    service.stop().await?;
    let stored = database.count("delivery_events").await?;
    ensure!(stored == rows, "{stored} of {rows} events are stored");
    database.remove().await?;
    let rate = rows as f64 / took;
    let asked = place.kind() == Kind::Sqlite;
    Ok(Line {
        work: "events taken in, error log read",
        database: place.kind(),
        rows,
        ours: format!("{}/s", thousands(rate as u64)),
        beside: String::new(),
        ratio: None,
        bar: if asked { "20,000/s" } else { "" },
        met: asked.then_some(rate >= BAR),
        memory,
        grows: Some(took),
        remark: format!(
            "two reporters, {} events a request, with ids that grow, as agents make them; the error log's first page \
             meanwhile, {} times, half of them searched: p50 {}, worst {}",
            thousands(BATCH as u64),
            latencies.len(),
            seconds(quantile(latencies.clone(), 0.5)),
            seconds(quantile(latencies, 1.0)),
        ),
    })
}

/// Reports `count` events, two requests at a time. The events are made on a thread of their own, a little ahead.
async fn report(api: &Api, mut events: Events, count: usize) -> anyhow::Result<()> {
    let (made, waiting) = mpsc::channel::<Vec<NewDeliveryEvent>>(8);
    let producer = tokio::task::spawn_blocking(move || {
        let mut left = count;
        while left > 0 {
            let batch: Vec<_> = events.by_ref().take(BATCH.min(left)).collect();
            left -= batch.len();
            if made.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    let waiting = Mutex::new(waiting);
    let reporter = async || {
        loop {
            let Some(batch) = waiting.lock().await.recv().await else { return anyhow::Ok(()) };
            api.report(&batch).await?;
        }
    };
    tokio::try_join!(reporter(), reporter())?;
    Ok(producer.await?)
}
