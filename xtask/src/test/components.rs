//! clippy and rustfmt, which a toolchain may lack: rustup's minimal profile leaves them out.

use crate::process::{self, cargo, say};
use anyhow::{Context, Result, ensure};
use std::process::Command;

/// The components, and what cargo calls them by.
const COMPONENTS: [(&str, &str); 2] = [("clippy", "clippy"), ("rustfmt", "fmt")];

/// Makes sure that both are there; adds by rustup what is missing.
///
/// # Errors
/// One sentence that says what to install, when there is no rustup or it cannot.
pub fn require() -> Result<()> {
    let lacking = missing();
    if lacking.is_empty() {
        return Ok(());
    }
    let names = lacking.join(" and ");
    ensure!(
        process::find("rustup").is_some(),
        "Rust's {names} cannot be started and there is no rustup to add what is missing: install your distribution's \
         packages (Debian: rust-clippy, rustfmt), or Rust from https://rustup.rs"
    );
    let by_hand = format!("run `rustup component add {}` and try again", lacking.join(" "));
    say(format_args!("adding {names} with rustup"));
    process::check(Command::new("rustup").current_dir(crate::root()).args(["component", "add"]).args(&lacking))
        .with_context(|| format!("rustup cannot add {names}: {by_hand}"))?;
    // rustup's toolchain may be another than the one whose cargo runs us.
    ensure!(missing().is_empty(), "Rust's {names} cannot be started by this cargo: install what belongs to it");
    Ok(())
}

/// The components that cargo cannot start. rustup has programs of their names also while they are missing, so that
/// only starting them tells.
fn missing() -> Vec<&'static str> {
    let is_missing = |subcommand: &str| process::output(&mut cargo([subcommand, "--version"])).is_err();
    COMPONENTS.iter().filter(|(_, subcommand)| is_missing(subcommand)).map(|(name, _)| *name).collect()
}
