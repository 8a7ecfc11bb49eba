//! `cargo xtask dev`: builds and starts again after every change.

use crate::console::Edition;
use crate::process::say;
use crate::service;
use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::ffi::c_int;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, exit};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
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

/// The service, while one runs. Whoever holds it may start and stop it.
type Running = Mutex<Option<Child>>;

static RUNNING: Running = Mutex::new(None);

/// Serves until it is interrupted. A build that fails leaves the last good service running.
pub fn run(sample: bool, serve_arguments: &[String]) -> Result<ExitCode> {
    let signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(|| end_when_asked(signals));
    loop {
        let before = modified_times();
        match service::prepare(Edition::Development, sample, serve_arguments) {
            Ok(mut serve) => {
                let mut running = hold(&RUNNING);
                stop(&mut running)?;
                *running = Some(serve.spawn()?);
                drop(running);
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

/// Ends this process, and the service before. Ctrl-C in a terminal reaches both, what a supervisor sends only us.
fn end_when_asked(signals: Signals) {
    let (signal, _held) = stopped_when_asked(signals, &RUNNING);
    exit(128 + signal);
}

/// Waits for a signal and stops the service; while the answer is kept, no other is started.
fn stopped_when_asked(mut signals: Signals, running: &Running) -> (c_int, MutexGuard<'_, Option<Child>>) {
    let signal = signals.forever().next().expect("nobody closes them");
    let mut running = hold(running);
    if let Err(error) = stop(&mut running) {
        say(format_args!("the service cannot be stopped: {error:#}"));
    }
    (signal, running)
}

fn hold(running: &Running) -> MutexGuard<'_, Option<Child>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the service to finish what it does, and waits for it.
fn stop(running: &mut Option<Child>) -> Result<()> {
    let Some(mut service) = running.take() else { return Ok(()) };
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
    use super::{BTreeMap, Mutex, Pid, Running, Signals, WATCHED, note, stopped_when_asked};
    use rustix::process::test_kill_process;
    use signal_hook::consts::SIGUSR1;
    use signal_hook::low_level::raise;
    use std::process::Command;

    #[test]
    fn the_service_ends_with_us() {
        // Not one that would end the tests.
        let signals = Signals::new([SIGUSR1]).expect("a handler");
        let service = Command::new("sleep").arg("600").spawn().expect("a process");
        let process = Pid::from_child(&service);
        let running: Running = Mutex::new(Some(service));
        raise(SIGUSR1).expect("a signal");
        let (signal, held) = stopped_when_asked(signals, &running);
        assert!(signal == SIGUSR1 && held.is_none());
        assert!(test_kill_process(process).is_err(), "it runs on");
    }

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
