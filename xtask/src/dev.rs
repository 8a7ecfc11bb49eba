//! `cargo xtask dev`: builds and starts again after every change.

use crate::console::Edition;
use crate::process::say;
use crate::service;
use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// Looking at the times of a few hundred files takes about a millisecond.
const INTERVAL: Duration = Duration::from_millis(300);

/// What a change of makes a new build necessary.
const WATCHED: [&str; 11] = [
    "shared",
    "bounces",
    "migrations",
    "backend",
    "frontend/src",
    "frontend/static",
    "frontend/styles",
    "frontend/index.html",
    "frontend/Cargo.toml",
    "Cargo.toml",
    "Cargo.lock",
];

/// Serves until it is interrupted. A build that fails leaves the last good service running.
pub fn run(sample: bool, serve_arguments: &[String]) -> Result<ExitCode> {
    let mut running: Option<Child> = None;
    loop {
        let before = modified_times();
        match service::prepare(Edition::Development, sample, serve_arguments) {
            Ok(mut serve) => {
                if let Some(old) = running.take() {
                    stop(old)?;
                }
                running = Some(serve.spawn()?);
                say("every building block of the console is shown at its page /gallery");
            }
            Err(error) => say(format_args!("{error:#}; waiting for a change")),
        }
        while modified_times() == before {
            sleep(INTERVAL);
        }
        // An editor may write several files; start from the last.
        sleep(INTERVAL);
        say("something changed, building again");
    }
}

/// Asks the service to finish what it does, and waits for it.
fn stop(mut service: Child) -> Result<()> {
    if service.try_wait()?.is_none() {
        kill_process(Pid::from_child(&service), Signal::TERM)?;
        service.wait()?;
    }
    Ok(())
}

fn modified_times() -> BTreeMap<PathBuf, SystemTime> {
    let mut times = BTreeMap::new();
    for path in WATCHED {
        note(&crate::root().join(path), &mut times);
    }
    times
}

/// Files that vanish while we look are a change all the same: they are missing in the result.
fn note(path: &Path, times: &mut BTreeMap<PathBuf, SystemTime>) {
    if let Ok(entries) = fs::read_dir(path) {
        entries.flatten().for_each(|entry| note(&entry.path(), times));
    } else if let Ok(modified) = fs::metadata(path).and_then(|metadata| metadata.modified()) {
        times.insert(path.to_path_buf(), modified);
    }
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, WATCHED, note};

    #[test]
    fn everything_that_the_console_and_the_service_are_made_of_is_watched() {
        let mut watched = BTreeMap::new();
        WATCHED.iter().for_each(|path| note(&crate::root().join(path), &mut watched));
        for path in [
            "Cargo.toml",
            "frontend/Cargo.toml",
            "frontend/index.html",
            "frontend/static/icon.svg",
            "frontend/styles/tokens.css",
            "backend/Cargo.toml",
            "shared/src/lib.rs",
        ] {
            assert!(watched.contains_key(&crate::root().join(path)), "{path}");
        }
    }
}
