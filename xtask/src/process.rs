//! Starting other programs and saying so.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

/// Tells the person waiting what happens now.
pub fn say(text: impl std::fmt::Display) {
    eprintln!("{}xtask: {text}", lane());
}

/// What lines begin with that come from beside the main thread: its name.
fn lane() -> String {
    match thread::current().name() {
        None | Some("main") => String::new(),
        Some(name) => format!("{name} | "),
    }
}

/// A cargo command in the workspace, free of what `cargo run` put into our own environment: build scripts that read
/// those variables would otherwise run again each time the caller changes.
pub fn cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "LD_LIBRARY_PATH" {
            command.env_remove(&*name);
        }
    }
    command.current_dir(crate::root()).args(arguments);
    command
}

/// Runs to the end; an error names the command when it fails.
pub fn check(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", describe(command)))?;
    ensure!(status.success(), "{} failed ({status})", describe(command));
    Ok(())
}

/// Runs to the end and returns standard output; standard error is shown when it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", describe(command)))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({}): {}", describe(command), output.status, error.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} answered in another encoding", describe(command)))
}

/// Runs to the end, shows each line of standard output as it comes and returns all of them.
pub fn tee(command: &mut Command) -> Result<(ExitStatus, String)> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start {}", describe(command)))?;
    let mut text = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("standard output is piped"));
    let (mut line, lane) = (Vec::new(), lane());
    while reader.read_until(b'\n', &mut line)? > 0 {
        let shown = String::from_utf8_lossy(&line);
        eprint!("{lane}{shown}");
        text.push_str(&shown);
        line.clear();
    }
    Ok((child.wait()?, text))
}

/// The program's path when it is installed.
pub fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    // Where Debian keeps servers, often missing in the PATH of an ordinary user.
    std::env::split_paths(&paths)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
