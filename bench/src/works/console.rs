//! The console in a browser: from a click to its rows, typing, memory over many page changes, Lighthouse. The programs in
//! `bench/console` drive the browser.

use super::Place;
use crate::{
    account::{ADMINISTRATOR, PASSWORD},
    database::load::{self, Published},
    measure::quantile,
    report::Line,
    tools,
};
use anyhow::Context;
use serde::Deserialize;
use std::{path::Path, process::Command};

/// From a click to its rows, in milliseconds, for 95 of 100 clicks.
const CLICK: f64 = 100.0;
/// Of 100.
const PERFORMANCE: u32 = 95;
/// What noise may add to memory that does not grow, as a part of it.
const FLAT: f64 = 0.02;

/// What `bench/console/main.mjs` prints.
#[derive(Debug, Deserialize)]
struct Figures {
    /// Milliseconds of each click.
    clicked: Vec<f64>,
    typed: Typed,
    /// From the first page changes after the warm-up to the last.
    changed: Vec<Sample>,
    desktop: Audits,
    mobile: Audits,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed {
    letters: u32,
    /// Milliseconds of each task over 50.
    long_tasks: Vec<f64>,
    slowest_key: f64,
}

#[derive(Debug, Deserialize)]
struct Sample {
    changes: u32,
    /// Bytes of the console's own memory, and of the browser's for its objects.
    wasm: f64,
    heap: f64,
    nodes: f64,
    listeners: f64,
}

#[derive(Debug, Deserialize)]
struct Audits {
    /// Performance, accessibility, best practices.
    scores: [u32; 3],
    /// What costs points.
    costly: Vec<String>,
}

pub async fn measure(place: &Place, rows: u64) -> anyhow::Result<Vec<Line>> {
    let browser = place.browser.as_ref().context("there is no browser: start the bench by `cargo xtask bench`")?;
    let database = place.base.copy("console").await?;
    load::blocked_list(&database, &place.account, rows, Published::Yes).await?;
    let (service, _) = place.serve(&database).await?;
    service.reset_peak()?;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/console"));
    let mut command = Command::new("node");
    command.arg(folder.join("main.mjs")).env("CHROMIUM", browser).env("STOPLIST_URL", service.url());
    command.env("STOPLIST_EMAIL", ADMINISTRATOR).env("STOPLIST_PASSWORD", PASSWORD);
    let printed = tools::output(&mut command).await?;
    let figures: Figures = serde_json::from_str(&printed).context("the browser's figures cannot be read")?;
    let memory = service.peak()?;
    service.stop().await?;
    database.remove().await?;
    let line = |work, ours, bar, met, remark| Line {
        work,
        database: place.kind(),
        rows,
        ours,
        beside: String::new(),
        ratio: None,
        bar,
        met: Some(met),
        memory,
        grows: None,
        remark,
    };
    let clicked = &figures.clicked;
    let [half, most, worst] = [0.5, 0.95, 1.0].map(|part| quantile(clicked.clone(), part));
    let long = figures.typed.long_tasks.len();
    let longest = figures.typed.long_tasks.iter().copied().fold(0.0, f64::max);
    let (first, last) = (figures.changed.first(), figures.changed.last());
    let (first, last) = first.zip(last).context("no page was changed")?;
    let scores = |audits: &Audits| audits.scores.map(|score| score.to_string()).join(", ");
    let [performance, others @ ..] = figures.desktop.scores;
    Ok(vec![
        line(
            "console, from a click to rows",
            format!("p50 {half:.0} ms, p95 {most:.0} ms, worst {worst:.0} ms"),
            "p95 under 100 ms",
            most < CLICK,
            format!("{} clicks on pages, filters and orders, until the rows are on the screen", clicked.len()),
        ),
        line(
            "console, typing in the search",
            format!("{long} tasks over 50 ms"),
            "none",
            long == 0,
            format!(
                "{} letters; the longest task took {longest:.0} ms, the slowest key {:.0} ms to its picture",
                figures.typed.letters, figures.typed.slowest_key
            ),
        ),
        line(
            "console, memory over page changes",
            format!("{} to {}", in_memory(first), in_memory(last)),
            "at most 2 % more",
            last.is_flat_since(first),
            figures.changed.iter().map(Sample::told).collect::<Vec<_>>().join("; "),
        ),
        line(
            "console, Lighthouse",
            scores(&figures.desktop),
            "95, 100, 100",
            performance >= PERFORMANCE && others == [100, 100],
            format!(
                "performance, accessibility, best practices of the signed-in blocked list on a desktop; costs points: {}. \
                 On a slow phone {}: {}",
                listed(&figures.desktop.costly),
                scores(&figures.mobile),
                listed(&figures.mobile.costly)
            ),
        ),
    ])
}

impl Sample {
    /// Whether nothing grew by more than noise.
    fn is_flat_since(&self, first: &Self) -> bool {
        let pairs = [
            (first.wasm, self.wasm),
            (first.heap, self.heap),
            (first.nodes, self.nodes),
            (first.listeners, self.listeners),
        ];
        pairs.iter().all(|(before, after)| *after <= before * (1.0 + FLAT))
    }

    fn told(&self) -> String {
        let Self { changes, nodes, listeners, .. } = self;
        format!("after {changes} {}, {nodes} nodes, {listeners} listeners", in_memory(self))
    }
}

/// The console's own memory and the browser's for its objects.
fn in_memory(sample: &Sample) -> String {
    let megabytes = |bytes: f64| format!("{:.2} MB", bytes / 1e6);
    format!("{} + {}", megabytes(sample.wasm), megabytes(sample.heap))
}

fn listed(costly: &[String]) -> String {
    if costly.is_empty() { "nothing".to_owned() } else { costly.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn what_grows_is_not_flat() {
        let sample = |wasm, listeners| Sample { changes: 0, wasm, heap: 1e6, nodes: 500.0, listeners };
        assert!(sample(2e6, 101.0).is_flat_since(&sample(2e6, 100.0)));
        for grown in [sample(2.1e6, 100.0), sample(2e6, 110.0)] {
            assert!(!grown.is_flat_since(&sample(2e6, 100.0)), "{grown:?}");
        }
    }
}
