//! `cargo xtask`: everything that builds, runs and tests Stoplist. Installs what it misses; no other tool is needed.

mod bench;
mod console;
mod debian;
mod dev;
mod node;
mod postgres;
mod process;
mod release;
mod service;
mod test;
mod wasm_target;

use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests Stoplist")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build console and service, then start the service on the data folder ./data
    Run {
        /// Fill a fresh database with sample data first
        #[arg(long)]
        sample: bool,
        /// Passed on to `stoplist serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        serve_arguments: Vec<String>,
    },
    /// Run every check and every test there is
    Test {
        /// Only this step (repeatable)
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
        /// Name the steps and run none
        #[arg(long)]
        list: bool,
    },
    /// Like `run`, and again after every change of a source file
    Dev {
        /// Fill a fresh database with sample data first
        #[arg(long)]
        sample: bool,
        /// Passed on to `stoplist serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        serve_arguments: Vec<String>,
    },
    /// Measure the released programs beside what a user would use instead, and write a page under docs/bench
    Bench(bench::Arguments),
    /// Build target/release/stoplist (console inside) and target/release/stoplist-agent
    Release,
    /// Build the console into frontend/dist
    Console,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run { sample, serve_arguments } => service::run(sample, &serve_arguments),
        Command::Test { only, list } => test::run(&only, list),
        Command::Dev { sample, serve_arguments } => dev::run(sample, &serve_arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Release => release::build(),
        Command::Console => console::build().map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("\nxtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where cargo puts what it builds.
fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}
