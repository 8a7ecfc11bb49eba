//! The path through real Postfix servers. The tests configure and start private ones of their own.

use super::count::Count;
use super::postgres::Cluster;
use super::rust::{self, binary};
use crate::debian;
use crate::process::say;
use anyhow::Result;

/// The whole suite on SQLite, then on PostgreSQL.
pub fn run() -> Result<Count> {
    debian::require("postfix", &["postfix"])?;
    binary("stoplist")?;
    binary("stoplist-agent")?;
    say("on SQLite");
    let mut count = rust::mail(None)?;
    say("on PostgreSQL");
    let cluster = Cluster::start()?;
    count += rust::mail(Some(cluster.url()))?;
    Ok(count)
}
