//! How to build for `wasm32-unknown-unknown`. Its standard library comes from rustup or, where rustup cannot download,
//! is built from Debian's `rust-src` of the same version or together with Debian's `rustc-web`.

use crate::debian;
use crate::process::{self, say};
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The name rustc knows the target by.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may take; a mirror that does not answer would hold us for minutes.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(60);

/// Debian suites that may carry the source of a given version of Rust.
const SUITES: [&str; 3] = ["trixie-backports", "forky", "sid"];

/// Where Debian's `rustc-web` installs the compiler that it keeps new enough for its browsers.
const DEBIANS_RUSTC: &str = "/usr/bin/rustc";

/// A compiler that can build for WebAssembly.
pub struct Toolchain {
    /// Debian's compiler and the linker of the installed one, which it lacks; `None`: the installed compiler as it is.
    debian: Option<(PathBuf, PathBuf)>,
}

impl Toolchain {
    /// A cargo command that uses it.
    pub fn cargo(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = process::cargo(arguments);
        command.args(["--target", TARGET]);
        if let Some((rustc, linker)) = &self.debian {
            command.env("RUSTC", rustc).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }
}

/// Finds a compiler for WebAssembly, or makes one.
///
/// # Errors
/// One sentence that names the command to type, when no way worked.
pub fn toolchain() -> Result<Toolchain> {
    // Two steps of the tests may miss it at the same time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let installed = Rustc::at("rustc")?;
    if installed.has_target() {
        return Ok(Toolchain { debian: None });
    }
    if let Ok(debian) = Rustc::at(DEBIANS_RUSTC)
        && debian.has_target()
    {
        return Ok(Toolchain { debian: Some((debian.program, installed.linker()?)) });
    }
    let missing = |error: anyhow::Error| {
        anyhow::anyhow!(
            "Rust's WebAssembly target is missing ({error:#}): run `rustup target add {TARGET}` and try again"
        )
    };
    for way in [add_with_rustup, build_from_debians_source] {
        match way(&installed) {
            Ok(()) if installed.has_target() => return Ok(Toolchain { debian: None }),
            Ok(()) => {}
            Err(error) => say(format_args!("{error:#}; trying another way")),
        }
    }
    let debian = build_with_debians_compiler().map_err(missing)?;
    Ok(Toolchain { debian: Some((debian.program, installed.linker()?)) })
}

struct Rustc {
    program: PathBuf,
    sysroot: PathBuf,
    /// As in `1.95.0`.
    version: String,
    /// As in `x86_64-unknown-linux-gnu`.
    host: String,
}

impl Rustc {
    fn at(program: impl Into<PathBuf>) -> Result<Self> {
        let program = program.into();
        let ask = |arguments: &[&str]| {
            process::output(Command::new(&program).args(arguments).current_dir(crate::root()))
                .context("Rust is missing: install it from https://rustup.rs")
        };
        let about = ask(&["-vV"])?;
        let field = |name: &str| about.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        let sysroot = ask(&["--print", "sysroot"])?.trim().into();
        Ok(Self { sysroot, version: field("release: "), host: field("host: "), program })
    }

    fn library(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(TARGET).join("lib")
    }

    fn has_target(&self) -> bool {
        let Ok(files) = fs::read_dir(self.library()) else { return false };
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    }

    fn linker(&self) -> Result<PathBuf> {
        let linker = self.sysroot.join("lib/rustlib").join(&self.host).join("bin/rust-lld");
        ensure!(linker.exists(), "there is no linker for WebAssembly at {}", linker.display());
        Ok(linker)
    }

    /// Builds the standard library from the source in its sysroot, and installs it there. Takes about a minute on two
    /// cores.
    fn build_library(&self) -> Result<()> {
        say("building Rust's standard library for WebAssembly (about a minute)");
        let folder = tempfile::tempdir()?;
        let krate = folder.path();
        fs::create_dir_all(krate.join("src"))?;
        fs::write(krate.join("src/lib.rs"), "")?;
        fs::write(krate.join("Cargo.toml"), "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n")?;
        // Without bitcode in the library, link-time optimisation does not link.
        process::check(
            process::cargo(["build", "--release", "-Z", "build-std=std,panic_abort,proc_macro", "--target", TARGET])
                .current_dir(krate)
                .env("RUSTC", &self.program)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTFLAGS", "-Cembed-bitcode=yes")
                .env("CARGO_TARGET_DIR", krate.join("target")),
        )?;
        let built = krate.join("target").join(TARGET).join("release/deps");
        let library = self.library();
        fs::create_dir_all(&library)?;
        for file in fs::read_dir(built)?.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && !name.starts_with("libempty-") {
                fs::copy(file.path(), library.join(name))?;
            }
        }
        Ok(())
    }
}

fn add_with_rustup(_: &Rustc) -> Result<()> {
    ensure!(process::find("rustup").is_some(), "rustup is not installed");
    say(format_args!("adding the target {TARGET} with rustup"));
    let child = Command::new("rustup").current_dir(crate::root()).args(["target", "add", TARGET]).spawn()?;
    wait(child, RUSTUP_PATIENCE).context("rustup cannot add the target")
}

fn wait(mut child: Child, patience: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "it ended with {status}");
            return Ok(());
        }
        if start.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            bail!("no answer within {} s", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Builds the standard library from the `rust-src` package of exactly rustc's version.
fn build_from_debians_source(rustc: &Rustc) -> Result<()> {
    for program in ["apt-get", "dpkg"] {
        ensure!(process::find(program).is_some(), "{program} is not installed");
    }
    let folder = tempfile::tempdir()?;
    let source = SUITES
        .iter()
        .find_map(|suite| match download_source(suite, &rustc.version, folder.path()) {
            Ok(source) => Some(source),
            Err(error) => {
                say(format_args!("no source in Debian {suite}: {error:#}"));
                None
            }
        })
        .with_context(|| format!("Debian has no rust-src {}", rustc.version))?;
    let destination = rustc.sysroot.join("lib/rustlib/src/rust/library");
    copy_tree(&source, &destination).context("cannot copy the source into the toolchain")?;
    rustc.build_library()
}

/// Debian's pair of compiler and source, whatever its version: good enough for the console alone. A compiler that is
/// there already stays: the pair would replace it.
fn build_with_debians_compiler() -> Result<Rustc> {
    if !Path::new(DEBIANS_RUSTC).exists() {
        debian::install(&["rustc-web", "rust-web-src"])?;
    }
    let debian = Rustc::at(DEBIANS_RUSTC)?;
    debian.build_library()?;
    ensure!(debian.has_target(), "Debian's rustc {} built no standard library", debian.version);
    Ok(debian)
}

/// Fetches `rust-src` with a package list of our own, so that the machine's configuration stays as it is. Returns
/// the folder `library` of the source.
fn download_source(suite: &str, version: &str, folder: &Path) -> Result<PathBuf> {
    let folder = folder.join(suite);
    fs::create_dir_all(folder.join("lists/partial"))?;
    fs::create_dir_all(folder.join("cache/archives/partial"))?;
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let sources = folder.join("sources.list");
    fs::write(&sources, format!("deb [signed-by={keyring}] http://deb.debian.org/debian {suite} main\n"))?;
    let apt = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(&folder);
        let options = [
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={}", folder.join("lists").display()),
            format!("Dir::Cache={}", folder.join("cache").display()),
            // We hold the download folder ourselves; the unprivileged user of apt cannot write there.
            "APT::Sandbox::User=root".to_owned(),
        ];
        for option in options {
            command.args(["-o", &option]);
        }
        command
    };
    process::output(apt("apt-get").args(["-qq", "update"]))?;
    let offered = process::output(apt("apt-cache").args(["madison", "rust-src"]))?;
    let exact = matching_version(&offered, version).with_context(|| format!("it has no rust-src {version}"))?;
    say(format_args!("downloading rust-src {exact} from Debian {suite}"));
    process::output(apt("apt-get").args(["-qq", "download", &format!("rust-src={exact}")]))?;
    let package = fs::read_dir(&folder)?
        .flatten()
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get download left no package")?;
    let unpacked = folder.join("unpacked");
    process::output(Command::new("dpkg").arg("-x").arg(&package).arg(&unpacked))?;
    fs::read_dir(unpacked.join("usr/src"))?
        .flatten()
        .map(|entry| entry.path().join("library"))
        .find(|library| library.join("Cargo.lock").exists() || library.join("std").exists())
        .context("the package holds no library source")
}

/// The package version of `apt-cache madison`'s answer that belongs to Rust's `version`.
fn matching_version(madison: &str, version: &str) -> Option<String> {
    madison
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|candidate| candidate.starts_with(&format!("{version}+")))
        .map(str::to_owned)
}

/// Copies a folder with everything below; links are followed.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?.path();
        let destination = to.join(entry.file_name().expect("an entry has a name"));
        if entry.is_dir() {
            copy_tree(&entry, &destination)?;
        } else if entry.exists() {
            fs::copy(&entry, &destination).with_context(|| format!("cannot copy {}", entry.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::matching_version;

    #[test]
    fn takes_the_source_of_exactly_the_compilers_version() {
        let madison = "  rust-src | 1.96.1+dfsg1-2~bpo13+1 | http://deb.debian.org/debian x\n  \
                       rust-src | 1.95.0+dfsg1-2~bpo13+1 | http://deb.debian.org/debian x\n";
        assert_eq!(matching_version(madison, "1.95.0").as_deref(), Some("1.95.0+dfsg1-2~bpo13+1"));
        assert_eq!(matching_version(madison, "1.95"), None);
        assert_eq!(matching_version(madison, "1.94.0"), None);
    }
}
