//! The console in Chromium, by Playwright. The tests start the service themselves.

use super::build::binary;
use super::count::{self, Count};
use crate::console::{self, npm_ci};
use crate::debian;
use crate::process::find;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// All of e2e/browser.
pub fn run() -> Result<Count> {
    console::build()?;
    let stoplist = binary("stoplist")?;
    let chromium = chromium()?;
    let folder = crate::root().join("e2e/browser");
    npm_ci(&folder)?;
    let report = crate::target_dir().join("xtask/playwright.json");
    if report.exists() {
        fs::remove_file(&report)?;
    }
    let mut playwright = Command::new(folder.join("node_modules/.bin/playwright"));
    playwright.current_dir(&folder).args(["test", "--reporter=list,json"]);
    playwright.env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report);
    playwright.env("STOPLIST_BIN", stoplist).env("CHROMIUM", chromium);
    let status = playwright.status().context("cannot start Playwright")?;
    let report = fs::read_to_string(report).context("Playwright wrote no report")?;
    let count = count::playwright(&report)?;
    ensure!(count != Count::default(), "e2e/browser has no tests");
    Ok(count.of_program(status))
}

/// Chromium as Debian builds it for programs: the same pages without the windows around them, in two thirds of the time.
/// Elsewhere whatever Chromium there is.
pub fn chromium() -> Result<PathBuf> {
    let known = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    match known.iter().find_map(|name| find(name)) {
        Some(path) => Ok(path),
        None => debian::require("chromium-headless-shell", &["chromium-headless-shell"]),
    }
}
