//! rustfmt and clippy.

use super::count::Count;
use crate::process::{cargo, check};
use crate::wasm_target;
use anyhow::{Context, Result};

/// rustfmt would change nothing.
pub fn format() -> Result<Count> {
    check(&mut cargo(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    Ok(Count::PASSED)
}

/// clippy on everything that runs on a server, with its tests.
pub fn clippy() -> Result<Count> {
    let arguments = ["clippy", "--workspace", "--exclude", "frontend", "--all-targets", "--", "--deny", "warnings"];
    check(&mut cargo(arguments))?;
    Ok(Count::PASSED)
}

/// clippy on what runs in the browser. Building `shared` there proves that it does no I/O of its own. A compiler of
/// Debian's has no clippy that fits: the installed one then looks at the console as if it ran on this machine.
pub fn clippy_wasm() -> Result<Count> {
    let toolchain = wasm_target::toolchain()?;
    check(&mut toolchain.cargo(["build", "--package", "shared"]))?;
    let clippy = ["clippy", "--package", "shared", "--package", "frontend"];
    let mut clippy = if toolchain.is_installed() { toolchain.cargo(clippy) } else { cargo(clippy) };
    check(clippy.args(["--", "--deny", "warnings"]))?;
    Ok(Count { passed: 2, failed: 0 })
}
