//! Node.js, which a distribution may have too old.

use crate::debian;
use crate::process;
use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::process::Command;

/// The oldest that Playwright runs on; the build of the console is content with 18.
const OLDEST: u32 = 20;

/// The path of a Node.js that is new enough; installs Debian's when there is none.
///
/// # Errors
/// One sentence that says what to install, when it is too old.
pub fn require() -> Result<PathBuf> {
    let node = debian::require("node", &["nodejs", "npm"])?;
    let version = process::output(Command::new(&node).arg("--version"))?;
    ensure!(
        major(&version) >= Some(OLDEST),
        "Node.js {} is too old for Playwright: install Node.js {OLDEST} or newer (https://nodejs.org/en/download)",
        version.trim()
    );
    Ok(node)
}

/// 20 of `v20.19.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, major};
    use serde_json::Value;
    use std::fs;

    #[test]
    fn reads_nodes_version() {
        assert_eq!(major("v20.19.2\n"), Some(20));
        assert_eq!(major("garbage"), None);
    }

    #[test]
    fn what_is_demanded_is_what_playwright_needs() {
        for folder in ["e2e/browser", "bench/console"] {
            let lock = fs::read_to_string(crate::root().join(folder).join("package-lock.json")).expect("a lock file");
            let lock: Value = serde_json::from_str(&lock).expect("JSON");
            let needed = &lock["packages"]["node_modules/playwright-core"]["engines"]["node"];
            assert_eq!(needed.as_str(), Some(format!(">={OLDEST}").as_str()), "{folder}");
        }
    }
}
