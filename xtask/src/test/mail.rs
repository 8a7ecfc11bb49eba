//! The path through real Postfix servers. The tests configure and start private ones of their own.

use super::build::binary;
use super::count::Count;
use super::rust;
use crate::debian;
use crate::postgres::Cluster;
use crate::process::{output, say};
use anyhow::Result;
use std::fs;
use std::process::Command;

/// The whole suite on SQLite, then on PostgreSQL.
pub fn run() -> Result<Count> {
    debian::require("postfix", &["postfix"])?;
    // The fallback file is a cdb, which Debian packs apart.
    if !table_types()?.lines().any(|kind| kind == "cdb") {
        debian::install(&["postfix-cdb"])?;
    }
    binary("stoplist")?;
    binary("stoplist-agent")?;
    say("on SQLite");
    let mut count = rust::mail(None)?;
    say("on PostgreSQL");
    let cluster = Cluster::for_tests()?;
    count += rust::mail(Some(cluster.url()))?;
    Ok(count)
}

/// The kinds of tables that this machine's Postfix knows, a line each. An empty configuration is enough for that: the
/// machine itself may have none.
fn table_types() -> Result<String> {
    let configuration = tempfile::tempdir()?;
    fs::write(configuration.path().join("main.cf"), "compatibility_level = 3.6\n")?;
    let postconf = debian::require("postconf", &["postfix"])?;
    output(Command::new(postconf).arg("-c").arg(configuration.path()).arg("-m"))
}
