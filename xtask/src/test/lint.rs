//! rustfmt and clippy.

use super::count::Count;
use crate::process::{cargo, check};
use crate::wasm_target;
use anyhow::{Context, Result};
use std::fs;

/// rustfmt would change nothing.
pub fn format() -> Result<Count> {
    check(&mut cargo(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    Ok(Count::PASSED)
}

/// clippy on everything that runs on a server, with its tests.
pub fn clippy() -> Result<Count> {
    fs::create_dir_all(crate::root().join("frontend/dist"))?;
    let arguments = ["clippy", "--workspace", "--exclude", "frontend", "--all-targets", "--", "--deny", "warnings"];
    check(&mut cargo(arguments))?;
    Ok(Count::PASSED)
}

/// clippy on what runs in the browser. Building `shared` there proves that it does no I/O of its own.
pub fn clippy_wasm() -> Result<Count> {
    wasm_target::ensure()?;
    let mut count = Count::default();
    for package in ["shared", "frontend"] {
        let arguments = ["clippy", "--package", package, "--target", wasm_target::TARGET, "--", "--deny", "warnings"];
        check(&mut cargo(arguments))?;
        count += Count::PASSED;
    }
    Ok(count)
}
