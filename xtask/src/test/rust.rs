//! Rust's own tests, program by program.

use super::build::{self, TestProgram};
use super::count::{self, Count};
use crate::postgres::Cluster;
use crate::process::{self, say};
use anyhow::{Result, ensure};
use std::process::Command;
use std::thread;

/// The environment variable that makes the tests of the service use PostgreSQL. Each test creates its own database.
const DATABASE_VARIABLE: &str = "STOPLIST_TEST_DATABASE_URL";

/// The package with the tests that need real mail servers.
const MAIL_PACKAGE: &str = "mail-e2e";

/// How many of those tests run at a time, whatever the cores: they mostly wait for mail servers.
const MAIL_TEST_THREADS: usize = 6;

/// How many tests of the service run at a time on each core: a quarter of their time they wait for the disk.
const SERVICE_TESTS_A_CORE: usize = 2;

/// The tests of every package but the real mail servers.
pub fn on_sqlite() -> Result<Count> {
    run_programs(|program| program.package != MAIL_PACKAGE, None)
}

/// The tests of the service once more, on a PostgreSQL of our own.
pub fn on_postgres() -> Result<Count> {
    build::programs()?;
    let cluster = Cluster::for_tests()?;
    run_programs(|program| program.package == "backend", Some(cluster.url()))
}

/// The tests with real mail servers, on SQLite or the PostgreSQL at `database`.
pub fn mail(database: Option<&str>) -> Result<Count> {
    run_programs(|program| program.package == MAIL_PACKAGE, database)
}

/// The examples in documentation comments, of the libraries that make sense by themselves.
pub fn documentation() -> Result<Count> {
    let arguments = ["test", "--package", "shared", "--package", "bounces", "--doc", "--no-fail-fast"];
    let (status, output) = process::tee(&mut build::cargo(arguments))?;
    let count = count::rust(&output).unwrap_or_default().of_program(status);
    ensure!(count != Count::default(), "there are no examples");
    Ok(count)
}

/// Leaves out the tests that are about the other database: they are in modules of these names.
fn without_others(command: &mut Command, database: Option<&str>) {
    command.args(["--skip", if database.is_some() { "on_sqlite::" } else { "on_postgres::" }]);
}

/// Makes a program of tests use SQLite, or the PostgreSQL at `database`.
pub fn on_database(command: &mut Command, database: Option<&str>) {
    match database {
        Some(url) => command.env(DATABASE_VARIABLE, url),
        None => command.env_remove(DATABASE_VARIABLE),
    };
}

fn run_programs(wanted: impl Fn(&TestProgram) -> bool, database: Option<&str>) -> Result<Count> {
    let mut count = Count::default();
    for program in build::programs()?.iter().filter(|program| wanted(program)) {
        say(format_args!("tests of {} ({})", program.package, program.name));
        let mut command = Command::new(&program.executable);
        command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
        command.env("STOPLIST_BIN", crate::target_dir().join("debug/stoplist"));
        command.env("STOPLIST_AGENT_BIN", crate::target_dir().join("debug/stoplist-agent"));
        on_database(&mut command, database);
        without_others(&mut command, database);
        if program.package == MAIL_PACKAGE {
            // What they measure.
            command.arg("--show-output");
        }
        let threads = match program.package.as_str() {
            MAIL_PACKAGE => Some(MAIL_TEST_THREADS),
            "backend" => thread::available_parallelism().ok().map(|cores| SERVICE_TESTS_A_CORE * cores.get()),
            _ => None,
        };
        if let Some(threads) = threads {
            command.env("RUST_TEST_THREADS", threads.to_string());
        }
        let (status, output) = process::tee(&mut command)?;
        let mut result = count::rust(&output).unwrap_or_default();
        if !status.success() && result.failed == 0 {
            result.failures.push(format!("{} ended with {status}", program.executable.display()));
        }
        count += result.of_program(status);
    }
    ensure!(count != Count::default(), "there are no such tests");
    Ok(count)
}
