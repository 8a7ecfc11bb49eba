//! Where the programs under test are.

use anyhow::Context;
use std::path::PathBuf;

/// The service: `STOPLIST_BIN`, or what cargo built beside this test.
pub fn stoplist() -> anyhow::Result<PathBuf> {
    find("STOPLIST_BIN", "stoplist")
}

/// The agent: `STOPLIST_AGENT_BIN`, or what cargo built beside this test.
pub fn agent() -> anyhow::Result<PathBuf> {
    find("STOPLIST_AGENT_BIN", "stoplist-agent")
}

/// The service with its time in a file; cargo builds it with these tests.
pub fn stoplist_with_clock() -> anyhow::Result<PathBuf> {
    beside_this_test("stoplist-with-clock")
}

fn find(variable: &str, name: &str) -> anyhow::Result<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) => Ok(path.into()),
        None => beside_this_test(name),
    }
}

fn beside_this_test(name: &str) -> anyhow::Result<PathBuf> {
    // target/debug/deps/proof-0123 → target/debug/NAME
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(|deps| deps.parent()).context("the test program is in no folder")?;
    let path = folder.join(name);
    anyhow::ensure!(
        path.exists(),
        "{} is missing: run `cargo xtask test --only mail`, or `cargo build -p backend -p agent` before",
        path.display()
    );
    Ok(path)
}
