//! `cargo xtask test`: every check and every test there is, and one line that counts them.

mod browser;
mod build;
mod citations;
mod clients;
mod components;
mod count;
mod failures;
mod layering;
mod layering_colours;
mod layering_rules;
mod licences;
mod mail;
mod openapi;
mod rust;
mod source;

pub use browser::chromium;

use crate::console;
use crate::node;
use crate::process::{cargo, check, say};
use anyhow::{Context, Result, bail};
use count::Count;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

/// A part of the tests that can run alone.
struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<Count>,
}

const fn step(name: &'static str, what: &'static str, run: fn() -> Result<Count>) -> Step {
    Step { name, what, run }
}

/// One after the other: each keeps the processors busy.
const BUSY: [Step; 9] = [
    step("format", "rustfmt changes nothing", format),
    step("layering", "imports and dependencies follow docs/ARCHITECTURE", layering::run),
    step("licences", "what is in the tree may be, by deny.toml", licences::run),
    step("clippy", "everything builds, and clippy finds nothing in it", build::clippy),
    step("rust", "Rust tests, on SQLite", rust::on_sqlite),
    step("doc", "the examples in the documentation of shared and bounces", rust::documentation),
    step("postgres", "the service's tests again, on PostgreSQL", rust::on_postgres),
    step("openapi", "openapi/openapi.json is what the service answers", openapi::run),
    step("browser", "the console in a real browser", browser::run),
];

/// Beside them, one after the other too: these keep one processor busy, or mostly wait.
const BESIDE: [Step; 4] = [
    step("console", "the console builds and its first load is small", build_console),
    step("mail", "the path through real Postfix servers; the service killed in the middle of its work", mail::run),
    step("uploads", "uploads by the tus clients of others", clients::uploads),
    step("contract", "the API answers as its document says, whatever schemathesis asks", clients::contract),
];

/// The steps whose tests run on Node.js.
const ON_NODE: [&str; 3] = ["browser", "uploads", "contract"];

struct Outcome {
    name: &'static str,
    seconds: f64,
    count: Count,
}

/// Runs the steps (all, or those named) and prints a table and the closing line. Steps that fail do not keep the
/// others from running.
pub fn run(only: &[String], list: bool) -> Result<ExitCode> {
    if list {
        for Step { name, what, .. } in BUSY.iter().chain(&BESIDE) {
            println!("{name:<12} {what}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<_> = BUSY.iter().chain(&BESIDE).map(|step| step.name).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no step {unknown}: `cargo xtask test --list` names them");
    }
    // Before any step: the console's build may call rustup too, and two of it at once get in each other's way.
    components::require()?;
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    // Before the long build, too.
    if BUSY.iter().chain(&BESIDE).filter(wanted).any(|step| ON_NODE.contains(&step.name)) {
        node::require()?;
    }
    let start = Instant::now();
    let perform = |steps: &'static [Step]| steps.iter().filter(wanted).map(|step| step.perform(start)).collect();
    let outcomes = thread::scope(|scope| {
        // Its lines carry the thread's name.
        let beside = thread::Builder::new().name("beside".to_owned()).spawn_scoped(scope, || perform(&BESIDE))?;
        let mut outcomes: Vec<Outcome> = perform(&BUSY);
        outcomes.extend(beside.join().ok().context("the steps beside the others broke off")?);
        Ok::<_, anyhow::Error>(outcomes)
    })?;
    Ok(report(&outcomes, start))
}

impl Step {
    fn perform(&self, start: Instant) -> Outcome {
        let Self { name, what, run } = *self;
        say(format_args!("[{:4.0} s] {name}: {what}", start.elapsed().as_secs_f64()));
        let begun = Instant::now();
        let count = run().unwrap_or_else(|error| {
            say(format_args!("{name} FAILED: {error:#}"));
            Count::failure(format!("{error:#}"))
        });
        Outcome { name, seconds: begun.elapsed().as_secs_f64(), count }
    }
}

fn report(outcomes: &[Outcome], start: Instant) -> ExitCode {
    println!("\n{:<12} {:>8} {:>7} {:>7}", "step", "seconds", "passed", "failed");
    let mut total = Count::default();
    for Outcome { name, seconds, count } in outcomes {
        println!("{name:<12} {seconds:>8.1} {:>7} {:>7}", count.passed, count.failed);
        total.passed += count.passed;
        total.failed += count.failed;
    }
    println!("{:<12} {:>8.1}", "in all", start.elapsed().as_secs_f64());
    for Outcome { name, count, .. } in outcomes {
        for figure in &count.figures {
            println!("{name}: {figure}");
        }
    }
    let failures: Vec<_> = outcomes
        .iter()
        .flat_map(|of| of.count.failures.iter().map(|failure| format!("{} FAILED: {failure}", of.name)))
        .collect();
    for failure in &failures {
        println!("{failure}");
    }
    // Once more, a line each, for whoever sees the last lines only.
    for headline in failures.iter().filter_map(|failure| failure.lines().next()) {
        println!("{headline}");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// rustfmt would change nothing.
fn format() -> Result<Count> {
    check(&mut cargo(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    Ok(Count::PASSED)
}

fn build_console() -> Result<Count> {
    console::build()?;
    Ok(Count::PASSED)
}
