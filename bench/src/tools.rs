//! Other programs: psql, sqlite3, curl, cp.

use anyhow::{Context, ensure};
use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

/// Runs a program to its end and returns what it printed. It is killed when the caller gives up waiting.
///
/// # Errors
/// It cannot be started or fails; the message has its last words.
pub async fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let printed = run(command.stdout(Stdio::piped())).await?;
    String::from_utf8(printed).with_context(|| format!("{name} answers in another encoding"))
}

/// As [`output`], with what the program prints in a file: straight from the one to the other.
///
/// # Errors
/// As [`output`], or the file cannot be made.
pub async fn save(command: &mut Command, file: &Path) -> anyhow::Result<()> {
    let file = File::create(file).with_context(|| format!("cannot make {}", file.display()))?;
    run(command.stdout(file)).await.map(|_| ())
}

async fn run(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(std::mem::replace(command, Command::new("")));
    command.kill_on_drop(true).stdin(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let output = child.wait_with_output().await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed ({}): {}", output.status, errors.trim());
    Ok(output.stdout)
}
