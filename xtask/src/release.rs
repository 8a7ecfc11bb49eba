//! `cargo xtask release`: the two programs as they are shipped.

use crate::console;
use crate::process::{self, say};
use anyhow::{Context, Result};
use std::fs;
use std::process::ExitCode;

/// Builds the console, then `stoplist` with the console inside and `stoplist-agent`, both stripped.
pub fn build() -> Result<ExitCode> {
    console::build()?;
    say("building stoplist and stoplist-agent for release (about eight minutes on two cores)");
    process::check(&mut process::cargo([
        "build",
        "--release",
        "--package",
        "backend",
        "--package",
        "agent",
        "--bins",
    ]))?;
    for name in ["stoplist", "stoplist-agent"] {
        let path = crate::target_dir().join("release").join(name);
        let size = fs::metadata(&path).with_context(|| format!("cannot find {}", path.display()))?.len();
        println!("{}  {:.1} MB", path.display(), size as f64 / 1e6);
    }
    Ok(ExitCode::SUCCESS)
}
