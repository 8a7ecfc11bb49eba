//! One build for everything: all programs and tests of the workspace, looked over by clippy on the way.
//!
//! clippy is a compiler that finds more to say: it stands in for rustc in a build, so that nothing is compiled a second
//! time only to be checked. The console is looked over like the rest, as if it ran on this machine: nothing in it depends
//! on the target.

use super::count::Count;
use crate::process;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

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

/// What a build made.
struct Built {
    programs: Vec<TestProgram>,
    /// How often the compiler or clippy warned.
    warnings: u32,
}

/// A cargo command that uses clippy to compile the workspace.
pub fn cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = process::cargo(arguments);
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    command
}

/// clippy finds nothing in the workspace.
pub fn clippy() -> Result<Count> {
    let warnings = built()?.warnings;
    ensure!(warnings == 0, "there are warnings");
    Ok(Count::PASSED)
}

/// The programs of tests.
pub fn programs() -> Result<&'static [TestProgram]> {
    Ok(&built()?.programs)
}

/// A program of the workspace, built together with the tests.
pub fn binary(name: &str) -> Result<PathBuf> {
    built()?;
    let path = crate::target_dir().join("debug").join(name);
    ensure!(path.exists(), "cargo built no {}", path.display());
    Ok(path)
}

/// Builds once in a run of ours.
fn built() -> Result<&'static Built> {
    static BUILT: OnceLock<Result<Built, String>> = OnceLock::new();
    match BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}"))) {
        Ok(built) => Ok(built),
        Err(error) => bail!("{error}"),
    }
}

fn build() -> Result<Built> {
    process::say("building the programs and their tests");
    let mut command = cargo(["build", "--workspace", "--bins", "--tests", "--message-format=json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let (mut programs, mut warnings) = (Vec::new(), 0);
    for line in BufReader::new(child.stdout.take().expect("standard output is piped")).lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else { continue };
        programs.extend(test_program(&message));
        if let Some(text) = diagnostic(&message) {
            eprint!("{text}");
            warnings += 1;
        }
    }
    ensure!(child.wait()?.success(), "the programs and their tests do not build");
    programs.sort_by(|left, right| (&left.package, &left.name).cmp(&(&right.package, &right.name)));
    Ok(Built { programs, warnings })
}

/// The program of tests that one of cargo's messages is about.
fn test_program(message: &Value) -> Option<TestProgram> {
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    Some(TestProgram {
        package: package_name(message["package_id"].as_str()?)?.to_owned(),
        name: message["target"]["name"].as_str()?.to_owned(),
        folder: Path::new(message["manifest_path"].as_str()?).parent()?.to_path_buf(),
        executable: message["executable"].as_str()?.into(),
    })
}

/// What the compiler or clippy says in one of cargo's messages. cargo says it again at each build until it is mended.
fn diagnostic(message: &Value) -> Option<&str> {
    if message["reason"] == "compiler-message" { message["message"]["rendered"].as_str() } else { None }
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
    use super::{diagnostic, package_name, test_program};
    use serde_json::json;

    #[test]
    fn reads_both_kinds_of_package_ids() {
        assert_eq!(package_name("path+file:///x/e2e/mail#mail-e2e@0.1.0"), Some("mail-e2e"));
        assert_eq!(package_name("path+file:///x/backend#0.1.0"), Some("backend"));
    }

    #[test]
    fn takes_only_programs_of_tests() {
        let artifact = |test: bool| {
            json!({
                "reason": "compiler-artifact", "package_id": "path+file:///x/backend#0.1.0",
                "manifest_path": "/x/backend/Cargo.toml", "target": {"name": "api"},
                "profile": {"test": test}, "executable": "/t/api-1",
            })
        };
        assert_eq!(test_program(&artifact(false)), None);
        let program = test_program(&artifact(true)).expect("a program of tests");
        assert_eq!((program.package.as_str(), program.name.as_str()), ("backend", "api"));
        assert_eq!(program.executable.to_str(), Some("/t/api-1"));
        assert_eq!(program.folder.to_str(), Some("/x/backend"));
    }

    #[test]
    fn a_warning_is_shown_as_the_compiler_puts_it() {
        let said = json!({"reason": "compiler-message", "message": {"level": "warning", "rendered": "warning: x"}});
        assert_eq!(diagnostic(&said), Some("warning: x"));
        assert_eq!(diagnostic(&json!({"reason": "build-finished", "success": true})), None);
    }
}
