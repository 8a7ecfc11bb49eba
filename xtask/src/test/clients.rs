//! The API with the clients of others, unchanged: tus-js-client on Node.js, tuspy and schemathesis on Python.

use super::build::binary;
use super::count::{self, Count};
use super::rust::on_database;
use crate::console::npm_ci;
use crate::debian;
use crate::node;
use crate::postgres::Cluster;
use crate::process::{self, say};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Uploads on SQLite, then what concerns clients on PostgreSQL.
pub fn uploads() -> Result<Count> {
    debian::require("unshare", &["util-linux"])?;
    say("on SQLite");
    let mut count = tests(&["tests/clients.test.mjs", "tests/disk.test.mjs"], None)?;
    say("on PostgreSQL");
    let cluster = Cluster::for_tests()?;
    count += tests(&["tests/clients.test.mjs"], Some(cluster.url()))?;
    Ok(count)
}

/// The service answers as openapi/openapi.json says, whatever is asked.
pub fn contract() -> Result<Count> {
    tests(&["tests/contract.test.mjs"], None)
}

/// Files of e2e/clients.
fn tests(files: &[&str], database: Option<&str>) -> Result<Count> {
    let stoplist = binary("stoplist")?;
    let node = node::require()?;
    let folder = crate::root().join("e2e/clients");
    npm_ci(&folder)?;
    let python = python(&folder)?;
    let mut command = Command::new(&node);
    command.current_dir(&folder).args(["--test", "--test-concurrency=1", "--test-reporter=tap"]).args(files);
    command.env("STOPLIST_BIN", &stoplist).env("STOPLIST_TUSPY_PYTHON", &python);
    command.env("STOPLIST_SCHEMATHESIS", python.with_file_name("schemathesis"));
    on_database(&mut command, database);
    let (status, output) = process::tee(&mut command)?;
    let count = count::node(&output).context("Node.js closed without a count")?;
    Ok(count.of_program(status))
}

/// The Python of an environment of our own, with what `requirements.txt` names.
fn python(folder: &Path) -> Result<PathBuf> {
    let environment = crate::target_dir().join("xtask/python");
    let requirements = fs::read_to_string(folder.join("requirements.txt"))?;
    // Its programs name its folder: they do not work in a target folder that was moved.
    let installed = format!("{}\n{requirements}", environment.display());
    let python = environment.join("bin/python");
    let stamp = environment.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|before| before == installed) && python.exists() {
        return Ok(python);
    }
    let system = debian::require("python3", &["python3", "python3-venv"])?;
    let make = |system: &Path| process::check(Command::new(system).args(["-m", "venv", "--clear"]).arg(&environment));
    if make(&system).is_err() {
        // Debian packs it apart.
        debian::install(&["python3-venv"])?;
        make(&system)?;
    }
    say(format_args!("installing Python packages in {}", environment.display()));
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    process::check(pip.arg(folder.join("requirements.txt"))).context("Python packages cannot be installed")?;
    ensure!(python.exists(), "there is no {}", python.display());
    fs::write(stamp, installed)?;
    Ok(python)
}
