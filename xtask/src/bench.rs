//! `cargo xtask bench`: the tools, the release build, room for the data and a PostgreSQL; the package `bench` measures.
//!
//! That package is a program of its own, so that xtask stays quick to build.

use crate::console;
use crate::debian;
use crate::node;
use crate::postgres::Cluster;
use crate::process::{self, say};
use crate::test::chromium;
use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tempfile::TempDir;

/// Disk space that a row needs while it is measured, in bytes: two copies of its database, with indexes and logs.
const BYTES_A_ROW: u64 = 3_000;
/// What else needs room, in bytes.
const BYTES_MORE: u64 = 1_000_000_000;

/// Programs that are measured beside, or that load data, and Debian's packages of them.
const TOOLS: [(&str, &[&str]); 5] = [
    ("sqlite3", &["sqlite3"]),
    ("psql", &["postgresql-client"]),
    ("curl", &["curl"]),
    ("python3", &["python3"]),
    ("postfix", &["postfix", "postfix-cdb"]),
];

/// PostgreSQL as somebody would run it for this service: durable, with a little more room than the defaults of 2005.
const SETTINGS: [&str; 3] = ["shared_buffers=1GB", "max_wal_size=4GB", "maintenance_work_mem=256MB"];

#[derive(clap::Args)]
pub struct Arguments {
    /// registration, search, download, publication, events, run, policy, console; all of them when left out
    names: Vec<String>,
    /// With how many rows
    #[arg(long, value_delimiter = ',', default_value = "1000000,10000000")]
    rows: Vec<u64>,
    /// On which database
    #[arg(long, default_value = "both")]
    database: Database,
}

impl Arguments {
    fn measures_console(&self) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == "console")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
    Both,
}

/// Measures; fails when a work could not be measured, not when a bar is missed.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    for (program, packages) in TOOLS {
        debian::require(program, packages)?;
    }
    let folder = room(arguments.rows.iter().copied().max().unwrap_or_default())?;
    let browser = arguments.measures_console().then(browser).transpose()?;
    let program = build()?;
    // From here on Ctrl-C ends the measuring; we go on, and remove what is left.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let cluster = match arguments.database {
        Database::Sqlite => None,
        Database::Postgres | Database::Both => Some(Cluster::start(folder.path(), &SETTINGS)?),
    };
    let mut command = Command::new(program);
    command.args(&arguments.names).arg("--folder").arg(folder.path());
    command.arg("--rows").arg(arguments.rows.iter().map(u64::to_string).collect::<Vec<_>>().join(","));
    if let Some(cluster) = &cluster {
        command.arg("--postgres").arg(cluster.url());
    }
    if let Some(browser) = browser {
        command.arg("--browser").arg(browser);
    }
    if arguments.database != Database::Postgres {
        command.arg("--sqlite");
    }
    let typed: Vec<_> = std::env::args().skip(1).collect();
    command.arg("--command").arg(format!("cargo xtask {}", typed.join(" ")));
    let mut child = command.spawn().context("cannot start the bench")?;
    let process = Pid::from_child(&child);
    let handle = signals.handle();
    let forward = std::thread::spawn(move || {
        for _ in signals.forever() {
            // Fails only when it has ended already.
            let _ = kill_process(process, Signal::TERM);
        }
    });
    let status = child.wait();
    handle.close();
    let _ = forward.join();
    Ok(if status?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The console to be measured, the packages that drive a browser, and a browser.
fn browser() -> Result<PathBuf> {
    node::require()?;
    console::build()?;
    console::npm_ci(&crate::root().join("bench/console"))?;
    chromium()
}

/// Builds what is released, and the bench in the same go: it shares their dependencies. Unless the console is measured,
/// what there is of it is embedded.
fn build() -> Result<PathBuf> {
    say("building the programs for release (about eight minutes on two cores)");
    let packages = ["build", "--release", "--bins", "--package", "backend", "--package", "agent", "--package", "bench"];
    process::check(&mut process::cargo(packages)).context("the programs do not build")?;
    Ok(crate::target_dir().join("release/bench"))
}

/// A temporary folder on the disk with more room.
fn room(rows: u64) -> Result<TempDir> {
    let needed = rows * BYTES_A_ROW + BYTES_MORE;
    fs::create_dir_all(crate::target_dir())?;
    let places = [std::env::temp_dir(), crate::target_dir()];
    let (free, place) = places
        .iter()
        .map(|place| Ok((free(place)?, place)))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .max_by_key(|(free, _)| *free)
        .context("there is no place")?;
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    ensure!(
        free >= needed,
        "the data needs {}, but there are only {} free in {}: make room, set TMPDIR, or ask for fewer --rows",
        gigabytes(needed),
        gigabytes(free),
        place.display()
    );
    say(format_args!("the data needs up to {} in {} ({} free)", gigabytes(needed), place.display(), gigabytes(free)));
    let folder = tempfile::Builder::new().prefix("stoplist-bench-").tempdir_in(place)?;
    // PostgreSQL and Postfix have users of their own.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Free space where a folder lies, in bytes.
fn free(folder: &Path) -> Result<u64> {
    let disk = rustix::fs::statvfs(folder).with_context(|| format!("cannot look at {}", folder.display()))?;
    Ok(disk.f_bavail * disk.f_frsize)
}
