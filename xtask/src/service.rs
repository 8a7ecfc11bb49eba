//! `cargo xtask run`: the service on this machine, from its sources.

use crate::console::{self, Edition};
use crate::process::{self, say};
use anyhow::{Context, Result};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The data folder of a service started from the sources.
const DATA: &str = "data";

/// Builds everything and becomes the service: signals reach it directly, its exit code is ours.
pub fn run(sample: bool, serve_arguments: &[String]) -> Result<ExitCode> {
    let mut serve = prepare(Edition::Released, sample, serve_arguments)?;
    let error = serve.exec();
    Err(error).context("cannot start the service")
}

/// Builds console and service, fills a fresh database when asked to, and returns the command that serves.
pub fn prepare(edition: Edition, sample: bool, serve_arguments: &[String]) -> Result<Command> {
    console::build_for(edition)?;
    let stoplist = build()?;
    let command = |subcommand: &str| {
        let mut command = Command::new(&stoplist);
        // A relative folder reads better in what the service prints, and needs the working folder.
        command.current_dir(crate::root()).arg(subcommand);
        if given_data_dir(serve_arguments).is_none() {
            command.args(["--data-dir", DATA]);
        }
        command
    };
    if sample {
        fill_with_sample(command("sample"), serve_arguments)?;
    }
    let mut serve = command("serve");
    serve.args(serve_arguments);
    Ok(serve)
}

/// Builds the service without optimisation: seconds after a change instead of the minutes of `release`.
///
/// Selecting the workspace gives the dependencies the features that the tests give them, so that both share what they
/// build; only the service itself is linked.
pub fn build() -> Result<PathBuf> {
    process::check(&mut process::cargo(["build", "--workspace", "--bin", "stoplist"]))
        .context("the service does not build")?;
    Ok(crate::target_dir().join("debug/stoplist"))
}

/// Fills the database with sample data, once: later starts keep what is there. Each prints how to sign in.
fn fill_with_sample(mut sample: Command, serve_arguments: &[String]) -> Result<()> {
    let data = given_data_dir(serve_arguments).unwrap_or_else(|| DATA.into());
    sample.args(database_arguments(serve_arguments));
    print!("{}", sample_sign_in(sample, &crate::root().join(&data).join("sample-loaded"))?);
    Ok(())
}

/// What `stoplist sample` printed when it filled the database. `kept` remembers it, and that it is filled: only who may
/// read the data folder may read that.
fn sample_sign_in(mut sample: Command, kept: &Path) -> Result<String> {
    if kept.exists() {
        return Ok(fs::read_to_string(kept)?);
    }
    say("filling the database with sample data");
    let printed = process::output(&mut sample)
        .context("sample data needs a fresh database: remove the data folder or leave out --sample")?;
    // It does not know that it is written down.
    let lines = printed.lines().filter(|line| !line.contains("shown this once"));
    let sign_in: String = lines.map(|line| format!("{line}\n")).collect();
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(kept)?.write_all(sign_in.as_bytes())?;
    Ok(sign_in)
}

/// The folder for the service's files that the caller chose, if any.
fn given_data_dir(arguments: &[String]) -> Option<PathBuf> {
    let Some(at) = arguments.iter().position(|argument| argument.starts_with("--data-dir")) else {
        return std::env::var_os("STOPLIST_DATA_DIR").map(PathBuf::from);
    };
    match arguments[at].split_once('=') {
        Some((_, folder)) => Some(folder.into()),
        None => arguments.get(at + 1).map(PathBuf::from),
    }
}

/// Of the arguments to `serve`, those that say which database is meant.
fn database_arguments(serve_arguments: &[String]) -> Vec<String> {
    let mut chosen = Vec::new();
    let mut arguments = serve_arguments.iter();
    while let Some(argument) = arguments.next() {
        let name = argument.split('=').next().unwrap_or_default();
        if ["--data-dir", "--database-url", "--config"].contains(&name) {
            chosen.push(argument.clone());
            if !argument.contains('=') {
                chosen.extend(arguments.next().cloned());
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::{database_arguments, given_data_dir, sample_sign_in};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    #[test]
    fn the_chosen_data_folder_is_found() {
        for arguments in [&["--data-dir", "/x"][..], &["--listen", "127.0.0.1:0", "--data-dir=/x"]] {
            let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
            assert_eq!(given_data_dir(&arguments).as_deref(), Some(Path::new("/x")));
        }
    }

    #[test]
    fn how_to_sign_in_to_the_sample_is_told_at_every_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = folder.path().join("sample-loaded");
        let mut sample = Command::new("echo");
        sample.arg("Sign in: a@example.com  password x\nThe passwords are shown this once.");
        let first = sample_sign_in(sample, &kept).expect("a sign-in");
        assert_eq!(first, "Sign in: a@example.com  password x\n");
        assert_eq!(kept.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(sample_sign_in(Command::new("false"), &kept).expect("the same"), first);
    }

    #[test]
    fn the_sample_goes_into_the_database_that_is_served() {
        let arguments =
            ["--listen", "127.0.0.1:0", "--database-url", "postgres://x", "--config=a.toml"].map(String::from);
        assert_eq!(database_arguments(&arguments), ["--database-url", "postgres://x", "--config=a.toml"]);
    }
}
