//! Rust's own tests: built once for the whole workspace, then run program by program.

use super::count::{self, Count};
use crate::postgres::Cluster;
use crate::process::{self, cargo, say};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The environment variable that makes the tests of the service use PostgreSQL. Each test creates its own database.
const DATABASE_VARIABLE: &str = "STOPLIST_TEST_DATABASE_URL";

/// The package with the tests that need real mail servers.
const MAIL_PACKAGE: &str = "mail-e2e";

/// How many of those tests run at a time, whatever the cores: they mostly wait for mail servers.
const MAIL_TEST_THREADS: &str = "6";

/// A program of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestProgram {
    /// The package that it tests.
    pub package: String,
    /// The target's name.
    pub name: String,
    /// The package's folder: tests run there, as with `cargo test`.
    pub folder: PathBuf,
    pub executable: PathBuf,
}

/// The tests of every package but the real mail servers.
pub fn on_sqlite() -> Result<Count> {
    run_programs(|program| program.package != MAIL_PACKAGE, None)
}

/// The tests of the service once more, on a PostgreSQL of our own.
pub fn on_postgres() -> Result<Count> {
    programs()?;
    let cluster = Cluster::for_tests()?;
    run_programs(|program| program.package == "backend", Some(cluster.url()))
}

/// The tests with real mail servers, on SQLite or the PostgreSQL at `database`.
pub fn mail(database: Option<&str>) -> Result<Count> {
    run_programs(|program| program.package == MAIL_PACKAGE, database)
}

/// The examples in documentation comments. Only libraries that make sense by themselves have some, the others say
/// `doctest = false`.
pub fn documentation() -> Result<Count> {
    let (status, output) = process::tee(&mut cargo(["test", "--workspace", "--doc", "--no-fail-fast"]))?;
    let count = count::rust(&output).unwrap_or_default().of_program(status);
    ensure!(count != Count::default(), "there are no examples");
    Ok(count)
}

/// Makes a program of tests use SQLite, or the PostgreSQL at `database`.
pub fn on_database(command: &mut Command, database: Option<&str>) {
    match database {
        Some(url) => command.env(DATABASE_VARIABLE, url),
        None => command.env_remove(DATABASE_VARIABLE),
    };
}

/// A program of the workspace, built together with the tests.
pub fn binary(name: &str) -> Result<PathBuf> {
    programs()?;
    let path = crate::target_dir().join("debug").join(name);
    ensure!(path.exists(), "cargo built no {}", path.display());
    Ok(path)
}

fn run_programs(wanted: impl Fn(&TestProgram) -> bool, database: Option<&str>) -> Result<Count> {
    let mut count = Count::default();
    for program in programs()?.iter().filter(|program| wanted(program)) {
        say(format_args!("tests of {} ({})", program.package, program.name));
        let mut command = Command::new(&program.executable);
        command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
        command.env("STOPLIST_BIN", crate::target_dir().join("debug/stoplist"));
        command.env("STOPLIST_AGENT_BIN", crate::target_dir().join("debug/stoplist-agent"));
        on_database(&mut command, database);
        if program.package == MAIL_PACKAGE {
            command.env("RUST_TEST_THREADS", MAIL_TEST_THREADS);
        }
        let (status, output) = process::tee(&mut command)?;
        let result = count::rust(&output).unwrap_or_default();
        if !status.success() && result.failed == 0 {
            say(format_args!("{} ended with {status}", program.executable.display()));
        }
        count += result.of_program(status);
    }
    ensure!(count != Count::default(), "there are no such tests");
    Ok(count)
}

/// Builds all tests and the programs beside them; once in a run of ours.
fn programs() -> Result<&'static [TestProgram]> {
    static PROGRAMS: OnceLock<Result<Vec<TestProgram>, String>> = OnceLock::new();
    match PROGRAMS.get_or_init(|| build().map_err(|error| format!("{error:#}"))) {
        Ok(programs) => Ok(programs),
        Err(error) => bail!("{error}"),
    }
}

fn build() -> Result<Vec<TestProgram>> {
    say("building the tests");
    let mut command = cargo(["build", "--workspace", "--bins", "--tests"]);
    command.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let output = command.spawn().context("cannot start cargo")?.wait_with_output()?;
    ensure!(output.status.success(), "the tests do not build");
    let messages = String::from_utf8(output.stdout).context("cargo's messages are not UTF-8")?;
    Ok(test_programs(&messages))
}

/// The programs of tests among cargo's messages.
fn test_programs(messages: &str) -> Vec<TestProgram> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs: Vec<_> = messages
        .filter(|message| message["reason"] == "compiler-artifact" && message["profile"]["test"] == true)
        .filter_map(|message| {
            let manifest = Path::new(message["manifest_path"].as_str()?);
            let package = message["package_id"].as_str()?;
            Some(TestProgram {
                package: package_name(package)?.to_owned(),
                name: message["target"]["name"].as_str()?.to_owned(),
                folder: manifest.parent()?.to_path_buf(),
                executable: message["executable"].as_str()?.into(),
            })
        })
        .collect();
    programs.sort_by(|left, right| (&left.package, &left.name).cmp(&(&right.package, &right.name)));
    programs
}

/// `path+file:///x/e2e/mail#mail-e2e@0.1.0` and `path+file:///x/backend#0.1.0` both carry the name.
fn package_name(id: &str) -> Option<&str> {
    let (path, fragment) = id.rsplit_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name),
        None => path.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::{package_name, test_programs};

    #[test]
    fn reads_both_kinds_of_package_ids() {
        assert_eq!(package_name("path+file:///x/e2e/mail#mail-e2e@0.1.0"), Some("mail-e2e"));
        assert_eq!(package_name("path+file:///x/backend#0.1.0"), Some("backend"));
    }

    #[test]
    fn takes_only_programs_of_tests() {
        let artifact = |test: bool, executable: &str| {
            serde_json::json!({
                "reason": "compiler-artifact", "package_id": "path+file:///x/backend#0.1.0",
                "manifest_path": "/x/backend/Cargo.toml", "target": {"name": "api"},
                "profile": {"test": test}, "executable": executable,
            })
            .to_string()
        };
        let messages = [artifact(false, "/t/stoplist"), artifact(true, "/t/api-1"), "not JSON".to_owned()].join("\n");
        let programs = test_programs(&messages);
        assert_eq!(programs.len(), 1);
        assert_eq!(programs[0].package, "backend");
        assert_eq!(programs[0].executable.to_str(), Some("/t/api-1"));
        assert_eq!(programs[0].folder.to_str(), Some("/x/backend"));
    }
}
