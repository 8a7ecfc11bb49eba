//! The machine and the programs that a run was measured on.

use crate::{report::Facts, tools};
use mail_e2e::field::clock;
use std::{fs, path::Path, process::Command};

/// Date, machine and versions. `command` is what the person typed.
pub async fn facts(command: &str, folder: &Path, postgres: bool) -> Facts {
    let mut facts = vec![
        ("Date", clock::now().format("%Y-%m-%d %H:%M UTC").to_string()),
        ("Command", format!("`{command}`")),
        ("Commit", commit().await),
        ("Processor", processor()),
        ("Memory", memory()),
        ("Load when it began (1, 5, 15 minutes)", load()),
        ("System", format!("{}, {}", release(), first_line(Command::new("uname").arg("-r")).await)),
        ("Disk", disk(folder).await),
        ("sqlite3 (imports and exports)", first_line(Command::new("sqlite3").arg("--version")).await),
    ];
    if postgres {
        facts.push(("PostgreSQL", first_line(Command::new("psql").arg("--version")).await));
    }
    facts.push(("curl", first_line(Command::new("curl").arg("--version")).await));
    facts.push(("Postfix", first_line(Command::new("/usr/sbin/postconf").args(["-h", "-d", "mail_version"])).await));
    Facts(facts)
}

/// How busy the machine is, also with the work of others.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The first line that a program prints; what it says when it cannot.
async fn first_line(command: &mut Command) -> String {
    match tools::output(command).await {
        Ok(output) => output.lines().next().unwrap_or_default().trim().to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

/// File system and free space, below the headings.
async fn disk(folder: &Path) -> String {
    let output = tools::output(Command::new("df").args(["--output=fstype,avail", "-h"]).arg(folder)).await;
    let output = output.unwrap_or_default();
    output.lines().nth(1).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(", free: ")
}

async fn commit() -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(arguments);
        command
    };
    let hash = first_line(&mut git(&["rev-parse", "--short", "HEAD"])).await;
    let changed = tools::output(&mut git(&["status", "--porcelain"])).await.is_ok_and(|changes| !changes.is_empty());
    if changed { format!("{hash}, with changes") } else { hash }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |m| m.1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = kilobytes.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.map_or_else(|| "unknown".to_owned(), |kilobytes| format!("{:.1} GB", kilobytes as f64 / 1e6))
}

fn release() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("unknown").trim_matches('"').to_owned()
}
