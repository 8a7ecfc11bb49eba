//! `cargo xtask bench`: what Stoplist takes for its heaviest works, beside what a user would use instead.
//!
//! Whole processes are measured: the service and the agents as they are released, over HTTP and SMTP, on a real database
//! and a real disk. Ratios come from pairs that run one after the other, so that a machine that others use too, or that
//! gets slower, is so for both.

mod account;
mod api;
mod data;
mod database;
mod machine;
mod measure;
mod report;
mod service;
mod tools;
mod works;

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};
use database::Server;
use mail_e2e::field::clock;
use report::{Facts, Report};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};
use tokio::signal::unix::{SignalKind, signal};
use works::{Place, Work};

/// What xtask hands over: it has installed the tools and started PostgreSQL.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; all of it when left out.
    works: Vec<Work>,
    /// With how many rows, the fewest first.
    #[arg(long, value_delimiter = ',', required = true)]
    rows: Vec<u64>,
    /// For all data; xtask removes it.
    #[arg(long)]
    folder: PathBuf,
    /// A PostgreSQL server to measure on, by the URL of its database `postgres`.
    #[arg(long)]
    postgres: Option<String>,
    /// Whether to measure on SQLite.
    #[arg(long)]
    sqlite: bool,
    /// A Chromium, for the console.
    #[arg(long)]
    browser: Option<PathBuf>,
    /// What the person typed, for the report.
    #[arg(long)]
    command: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let result = runtime.block_on(until_stopped(arguments));
    // A thread that loads rows would hold us up after an interruption; its shell ends with its input.
    runtime.shutdown_background();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("\nbench: {error:#}");
    ExitCode::FAILURE
}

/// Runs to the end, or until Ctrl-C or SIGTERM: then everything that was started is stopped, because it is dropped.
async fn until_stopped(arguments: Arguments) -> anyhow::Result<bool> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = run(arguments) => result,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("told to stop"),
    }
}

/// Measures everything; false when a work could not be measured.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let mut rows = arguments.rows;
    rows.sort_unstable();
    rows.dedup();
    ensure!(rows.iter().all(|rows| *rows >= 1_000), "--rows must be 1,000 or more: less says nothing");
    let works = if arguments.works.is_empty() { Work::value_variants() } else { &arguments.works };
    let mut facts = machine::facts(&arguments.command, &arguments.folder, arguments.postgres.is_some()).await;
    let mut servers = Vec::new();
    if arguments.sqlite {
        servers.push(Server::Sqlite(arguments.folder.clone()));
    }
    servers.extend(arguments.postgres.map(Server::Postgres));
    let page = page()?;
    let mut report = Report::default();
    for server in servers {
        let folder = arguments.folder.join(server.kind().to_string().to_lowercase());
        let place =
            Place::new(&server, &folder, arguments.browser.clone()).await.context("the service cannot be set up")?;
        for work in works {
            for (n, rows) in rows.iter().enumerate() {
                if n > 0 && !work.grows() {
                    continue;
                }
                let name = format!("{work:?} on {} with {} rows", place.kind(), report::thousands(*rows));
                eprintln!("bench: [{:4.0} s] {name}", begun.elapsed().as_secs_f64());
                match work.measure(&place, *rows).await {
                    Ok(lines) => lines.into_iter().for_each(|line| report.add(line)),
                    Err(error) => {
                        eprintln!("bench: {name}: {error:#}");
                        report.fail(format!("{name}: {error:#}"));
                    }
                }
                write(&report, &facts, &page)?;
            }
        }
    }
    facts.0.push(("Load when it ended", machine::load()));
    facts.0.push(("Took", measure::seconds(begun.elapsed().as_secs_f64())));
    write(&report, &facts, &page)?;
    println!("\n{}\nwritten to {}", report.table(), page.display());
    Ok(report.is_complete())
}

/// Writes what there is so far: an interrupted run has measured something, too.
fn write(report: &Report, facts: &Facts, page: &Path) -> anyhow::Result<()> {
    std::fs::write(page, report.page(facts)).with_context(|| format!("cannot write {}", page.display()))
}

/// The page of this run under `docs/bench`.
fn page() -> anyhow::Result<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bench"));
    std::fs::create_dir_all(folder)?;
    Ok(folder.canonicalize()?.join(format!("{}.md", clock::now().format("%Y-%m-%d-%H%M%S"))))
}
