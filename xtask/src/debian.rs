//! Debian packages: installed when missing and when we may.

use crate::process::{self, say};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The path of `program`; installs `packages` when it is missing.
pub fn require(program: &str, packages: &[&str]) -> Result<PathBuf> {
    if let Some(path) = process::find(program) {
        return Ok(path);
    }
    install(packages)?;
    process::find(program).with_context(|| format!("{} is installed, but has no {program}", packages.join(", ")))
}

/// Installs Debian packages without questions and without starting what they bring.
///
/// # Errors
/// One sentence with the command to type, when we are not root or this is not Debian.
pub fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let by_hand = format!("install it with: sudo apt-get install {names}");
    let Some(apt) = process::find("apt-get") else { bail!("{names} is missing and this is not Debian: install it") };
    ensure!(rustix::process::geteuid().is_root(), "{names} is missing: {by_hand}");
    // Two steps at once may miss something; the policy below is one file.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    say(format_args!("installing the Debian packages {names}"));
    let no_services = NoServices::new()?;
    let apt_get = || {
        let mut command = Command::new(&apt);
        command.env("DEBIAN_FRONTEND", "noninteractive").args([
            "-qq",
            "-o",
            "Dpkg::Use-Pty=0",
            "-o",
            "DPkg::Lock::Timeout=120",
        ]);
        command
    };
    // Fails when one of many sources is away; the installation then tells whether that matters.
    if process::check(apt_get().arg("update")).is_err() {
        say("the package lists could not all be refreshed; going on with what is there");
    }
    let installed = process::check(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages));
    drop(no_services);
    installed.with_context(|| format!("{names} cannot be installed; {by_hand}"))
}

/// Keeps Debian's package scripts from starting services (`policy-rc.d` answering 101) while it lives, unless the
/// machine has such a policy of its own.
struct NoServices(Option<PathBuf>);

impl NoServices {
    fn new() -> Result<Self> {
        let path = Path::new("/usr/sbin/policy-rc.d");
        if path.exists() {
            return Ok(Self(None));
        }
        fs::write(path, "#!/bin/sh\nexit 101\n").context("cannot write /usr/sbin/policy-rc.d")?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(Self(Some(path.to_path_buf())))
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = fs::remove_file(path)
        {
            say(format_args!("cannot remove {}: {error}; remove it, or services will not start", path.display()));
        }
    }
}
