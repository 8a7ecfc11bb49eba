//! `cargo xtask test`: every check and every test there is, and one line that counts them.

mod browser;
mod count;
mod layering;
mod layering_rules;
mod lint;
mod mail;
mod openapi;
mod rust;
mod source;
mod uploads;

use crate::console;
use crate::process::say;
use anyhow::{Result, bail};
use count::Count;
use std::process::ExitCode;
use std::time::Instant;

/// One step: its name, what it does, and how.
type Step = (&'static str, &'static str, fn() -> Result<Count>);

/// In this order; each can run alone.
const STEPS: [Step; 12] = [
    ("format", "rustfmt changes nothing", lint::format),
    ("layering", "imports and dependencies follow docs/ARCHITECTURE", layering::run),
    ("clippy", "clippy finds nothing in the workspace", lint::clippy),
    (
        "clippy-wasm",
        "clippy finds nothing in the console, and the shared model builds for WebAssembly",
        lint::clippy_wasm,
    ),
    ("console", "the console builds and its first load is small", build_console),
    ("rust", "Rust tests, on SQLite", rust::on_sqlite),
    ("doc", "the examples in the documentation of the code", rust::documentation),
    ("postgres", "the service's tests again, on PostgreSQL", rust::on_postgres),
    ("openapi", "openapi/openapi.json is what the service answers", openapi::run),
    ("mail", "the path through real Postfix servers; the service killed in the middle of its work", mail::run),
    ("uploads", "uploads by the tus clients of others", uploads::run),
    ("browser", "the console in a real browser", browser::run),
];

struct Outcome {
    name: &'static str,
    seconds: f64,
    count: Count,
}

/// Runs the steps (all, or those named) and prints a table and the closing line. Steps that fail do not keep the
/// others from running.
pub fn run(only: &[String], list: bool) -> Result<ExitCode> {
    if list {
        for (name, what, _) in STEPS {
            println!("{name:<12} {what}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = only.iter().find(|name| !STEPS.iter().any(|step| step.0 == name.as_str())) {
        bail!("there is no step {unknown}: `cargo xtask test --list` names them");
    }
    let start = Instant::now();
    let mut outcomes = Vec::new();
    for (name, what, step) in STEPS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        say(format_args!("[{:4.0} s] {name}: {what}", start.elapsed().as_secs_f64()));
        let begun = Instant::now();
        let count = step().unwrap_or_else(|error| {
            say(format_args!("{name} FAILED: {error:#}"));
            Count { passed: 0, failed: 1 }
        });
        outcomes.push(Outcome { name, seconds: begun.elapsed().as_secs_f64(), count });
    }
    Ok(report(&outcomes))
}

fn report(outcomes: &[Outcome]) -> ExitCode {
    println!("\n{:<12} {:>8} {:>7} {:>7}", "step", "seconds", "passed", "failed");
    let mut total = Count::default();
    for Outcome { name, seconds, count } in outcomes {
        println!("{name:<12} {seconds:>8.1} {:>7} {:>7}", count.passed, count.failed);
        total += *count;
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn build_console() -> Result<Count> {
    console::build()?;
    Ok(Count::PASSED)
}
