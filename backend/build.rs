//! The console's folder, which the service embeds: it must be there when the service is compiled, and may be empty.

use std::{env, fs, io};

const CONSOLE: &str = "../frontend/dist";

fn main() -> io::Result<()> {
    fs::create_dir_all(CONSOLE)?;
    // Built for release, the files are in the program; otherwise it reads them when they are asked for.
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo::rerun-if-changed={}", if release { CONSOLE } else { "build.rs" });
    Ok(())
}
