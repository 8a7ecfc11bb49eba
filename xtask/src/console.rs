//! The console's build: cargo, wasm-split, wasm-bindgen, wasm-opt, esbuild, and names that change with the content, into
//! `frontend/dist`.
//!
//! `frontend/dist` then holds `index.html`, every file of `frontend/static` under its own name, and below
//! `assets/<hash>/` what may be cached for ever: the program, the parts of it that are loaded when they are opened, with
//! `parts.js`, which loads them, `boot.js`, which starts it, and the style sheet, which is every file of
//! `frontend/styles` in the order of their names.

use crate::debian;
use crate::process::{self, say};
use crate::wasm_target::{self, copy_tree};
use anyhow::{Context, Result, anyhow, ensure};
use sha2::{Digest, Sha256};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// The most that a browser may have to load before the console shows, brotli-compressed, in bytes.
const FIRST_LOAD_LIMIT: usize = 500_000;

/// The most that all of the console may be, with the parts that are loaded later.
const WHOLE_LIMIT: usize = 600_000;

/// Loads the parts.
const PARTS: &str = "parts.js";

/// WebAssembly features that rustc uses by itself, and that every browser has had since 2021.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// What the console is built for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Users.
    Released,
    /// Who works on it: with the gallery of its building blocks, of any size.
    Development,
}

/// Builds the console; does nothing when `frontend/dist` is up to date.
///
/// # Errors
/// When a tool is missing and cannot be installed, when the build fails, or when the first load is over its limit.
pub fn build() -> Result<()> {
    build_for(Edition::Released)
}

/// Builds an edition of the console; does nothing when `frontend/dist` is up to date.
///
/// # Errors
/// As [`build`].
pub fn build_for(edition: Edition) -> Result<()> {
    // Two steps of the tests may want it at the same time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let arguments = ["rustc", "--package", "frontend", "--lib", "--crate-type", "cdylib", "--profile", "wasm-release"];
    let mut command = wasm_target::toolchain()?.cargo(arguments);
    if edition == Edition::Development {
        command.args(["--features", "gallery"]);
    }
    command.arg("--config").arg(without_paths()?);
    // By its relocations wasm-split learns which function uses which.
    command.args(["--", "-C", "link-arg=--emit-relocs"]);
    process::check(&mut command).context("the console does not build")?;
    let wasm = crate::target_dir().join(wasm_target::TARGET).join("wasm-release/frontend.wasm");
    let inputs = Inputs::read(&wasm, edition)?;
    let stamp = crate::target_dir().join("xtask/console.stamp");
    let dist = crate::root().join("frontend/dist");
    let hash = inputs.hash();
    unless_done(&stamp, &hash, dist.join("index.html").exists(), || {
        assemble(&inputs, &dist, &hash)?;
        compress(&dist, &hash, edition)
    })
}

/// Does `work`, unless its result is there and `stamp` names it. The stamp is emptied before: what breaks off or is refused
/// leaves a result that is not the one of before any more.
fn unless_done(stamp: &Path, hash: &str, is_there: bool, work: impl FnOnce() -> Result<()>) -> Result<()> {
    if is_there && fs::read_to_string(stamp).is_ok_and(|done| done == hash) {
        return Ok(());
    }
    fs::create_dir_all(stamp.parent().expect("the stamp lies in a folder"))?;
    fs::write(stamp, "")?;
    work()?;
    fs::write(stamp, hash)?;
    Ok(())
}

/// Keeps the paths of this machine out of the program, where messages of panics would name them: it is smaller, and the same
/// wherever it is built.
fn without_paths() -> Result<String> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("no home folder is known")?;
    let flag = format!("--remap-path-prefix={}=", cargo_home.join("registry/src").display());
    Ok(format!("target.{}.rustflags={:?}", wasm_target::TARGET, [flag]))
}

/// Everything that decides what the console's build looks like.
struct Inputs {
    wasm: Vec<u8>,
    template: String,
    styles: String,
    static_files: Vec<(PathBuf, Vec<u8>)>,
}

impl Inputs {
    fn read(wasm: &Path, edition: Edition) -> Result<Self> {
        let frontend = crate::root().join("frontend");
        let mut styles = String::new();
        let mut sheets = files_below(&frontend.join("styles"))?;
        if edition == Edition::Development {
            sheets.push(frontend.join("src/gallery/gallery.css"));
        }
        for file in sheets {
            styles.push_str(&fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        let static_files = files_below(&frontend.join("static"))?
            .into_iter()
            .map(|file| fs::read(&file).map(|content| (file, content)))
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            wasm: fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?,
            template: fs::read_to_string(frontend.join("index.html")).context("cannot read frontend/index.html")?,
            styles,
            static_files,
        })
    }

    /// Also covers this file and the tools from npm: a change of the build itself is a change of its result.
    fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let build: [&[u8]; 2] = [include_bytes!("console.rs"), include_bytes!("../npm/package-lock.json")];
        let inputs = [self.wasm.as_slice(), self.template.as_bytes(), self.styles.as_bytes()];
        for part in inputs.into_iter().chain(build) {
            hasher.update(part.len().to_le_bytes());
            hasher.update(part);
        }
        for (path, content) in &self.static_files {
            hasher.update(path.as_os_str().as_encoded_bytes());
            hasher.update(content.len().to_le_bytes());
            hasher.update(content);
        }
        hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Every file below a folder in the order of their names; none when the folder does not exist.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes the whole result beside `dist`, then puts it in its place, so that a running service never sees a half.
fn assemble(inputs: &Inputs, dist: &Path, hash: &str) -> Result<()> {
    let new = dist.with_extension("new");
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    let assets = new.join("assets").join(hash);
    fs::create_dir_all(&assets)?;
    let first = split(&inputs.wasm, &assets)?;
    let start = Instant::now();
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path(first).web(true)?.typescript(false).out_name("frontend");
    // The parts use what wasm-split exports, by the names that it gave.
    bindgen.keep_lld_exports(true).demangle(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.generate(&assets).context("wasm-bindgen failed (its version must equal the one in Cargo.lock)")?;
    say(format_args!("wasm-bindgen took {:.1} s", start.elapsed().as_secs_f32()));
    fs::write(assets.join("console.css"), &inputs.styles)?;
    fs::write(new.join("index.html"), page(&inputs.template, hash)?)?;
    copy_tree(&crate::root().join("frontend/static"), &new)?;
    // Part of the program, so it is named like it.
    fs::rename(new.join("boot.js"), assets.join("boot.js")).context("cannot find frontend/static/boot.js")?;
    optimise(&assets)?;
    let old = dist.with_extension("old");
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    if dist.exists() {
        fs::rename(dist, &old)?;
    }
    fs::rename(&new, dist).context("cannot write frontend/dist")?;
    if old.exists() {
        fs::remove_dir_all(&old)?;
    }
    Ok(())
}

/// Takes out of the program what `#[wasm_split]` says is loaded later, into files of its own; answers where the rest is.
fn split(wasm: &[u8], assets: &Path) -> Result<PathBuf> {
    let first = crate::target_dir().join("xtask/frontend.wasm");
    fs::create_dir_all(first.parent().expect("the program lies in a folder"))?;
    let start = Instant::now();
    let mut options = wasm_split_cli_support::Options::new(wasm);
    let link = format!("./{PARTS}");
    options.output_dir = assets;
    options.main_out_path = &first;
    options.link_name = &link;
    options.main_module = "./frontend.js";
    wasm_split_cli_support::transform(options).map_err(|error| anyhow!("wasm-split failed: {error:#}"))?;
    say(format_args!("wasm-split took {:.1} s", start.elapsed().as_secs_f32()));
    Ok(first)
}

/// Makes the program's files small, with tools from npm that `xtask/npm/package-lock.json` pins.
fn optimise(assets: &Path) -> Result<()> {
    let folder = crate::root().join("xtask/npm");
    npm_ci(&folder)?;
    let (tools, start) = (folder.join("node_modules/.bin"), Instant::now());
    let (programs, texts): (Vec<_>, Vec<_>) =
        files_below(assets)?.into_iter().partition(|file| file.extension().is_some_and(|ending| ending == "wasm"));
    for file in programs {
        let mut wasm_opt = Command::new(tools.join("wasm-opt"));
        // What is stripped only says by which tools it was made, and for which browsers.
        wasm_opt.args(["--strip-producers", "--strip-target-features", "-Oz"]).args(FEATURES);
        process::check(wasm_opt.arg(&file).arg("-o").arg(&file))?;
    }
    let mut esbuild = Command::new(tools.join("esbuild"));
    esbuild.args(["--minify", "--allow-overwrite", "--log-level=warning"]).args(texts);
    // wasm-bindgen names the parts once for each thing that it takes from them.
    esbuild.arg("--log-override:duplicate-object-key=silent").arg(format!("--outdir={}", assets.display()));
    process::check(&mut esbuild)?;
    say(format_args!("wasm-opt and esbuild took {:.1} s", start.elapsed().as_secs_f32()));
    Ok(())
}

/// Installs what a folder's `package-lock.json` names, unless that is what is installed.
pub fn npm_ci(folder: &Path) -> Result<()> {
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let npm = debian::require("npm", &["nodejs", "npm"])?;
    say(format_args!("installing npm packages in {}", folder.display()));
    let arguments = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    process::check(Command::new(npm).current_dir(folder).args(arguments))
        .context("npm packages cannot be installed")?;
    fs::write(stamp, lock)?;
    Ok(())
}

/// The page that starts the console: the template with the addresses of this build.
fn page(template: &str, hash: &str) -> Result<String> {
    let mut page = template.to_owned();
    for (place, file) in [
        ("{{css}}", "console.css"),
        ("{{js}}", "frontend.js"),
        ("{{parts}}", PARTS),
        ("{{wasm}}", "frontend_bg.wasm"),
        ("{{boot}}", "boot.js"),
    ] {
        ensure!(template.contains(place), "frontend/index.html must contain {place}");
        page = page.replace(place, &format!("/assets/{hash}/{file}"));
    }
    Ok(page)
}

/// Writes a brotli file beside each file of the program, which the service sends as it is, and limits their size.
fn compress(dist: &Path, hash: &str, edition: Edition) -> Result<()> {
    let mut files = files_below(&dist.join("assets").join(hash))?;
    files.push(dist.join("index.html"));
    let (mut first, mut later) = (0, 0);
    for file in files {
        let content = fs::read(&file)?;
        let compressed = brotli_compressed(&content)?;
        fs::write(format!("{}.br", file.display()), &compressed)?;
        let compressed = compressed.len();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        *(if is_later(&name) { &mut later } else { &mut first }) += compressed;
        say(format_args!("{name:>24} {:>9} bytes, {compressed:>7} compressed", content.len()));
    }
    let whole = first + later;
    if edition == Edition::Development {
        say(format_args!("with the gallery, the console is {} kB brotli", whole / 1000));
        return Ok(());
    }
    let (first_limit, whole_limit) = (FIRST_LOAD_LIMIT / 1000, WHOLE_LIMIT / 1000);
    say(format_args!("first load of the console: {} kB brotli (limit {first_limit} kB)", first / 1000));
    say(format_args!("all of the console: {} kB brotli (limit {whole_limit} kB)", whole / 1000));
    ensure!(first <= FIRST_LOAD_LIMIT, "the console's first load is over its limit of {FIRST_LOAD_LIMIT} bytes");
    ensure!(whole <= WHOLE_LIMIT, "the console is over its limit of {WHOLE_LIMIT} bytes");
    Ok(())
}

/// Whether a file is a part of the program that is loaded when it is opened.
fn is_later(name: &str) -> bool {
    name.ends_with(".wasm") && name != "frontend_bg.wasm"
}

fn brotli_compressed(content: &[u8]) -> Result<Vec<u8>> {
    let parameters =
        brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: content.len(), ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut compressed, &parameters)?;
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use super::{anyhow, brotli_compressed, fs, is_later, page, unless_done};

    #[test]
    fn the_page_loads_only_what_is_named_by_its_content() {
        let page = page("{{css}} {{js}} {{parts}} {{wasm}} {{boot}} {{js}}", "0123").expect("a good template");
        assert_eq!(
            page,
            "/assets/0123/console.css /assets/0123/frontend.js /assets/0123/parts.js /assets/0123/frontend_bg.wasm \
             /assets/0123/boot.js /assets/0123/frontend.js"
        );
    }

    #[test]
    fn a_template_without_a_place_is_refused() {
        assert!(page("{{css}} {{js}} {{wasm}}", "0123").is_err());
    }

    #[test]
    fn the_first_load_is_all_but_the_parts() {
        for first in ["frontend_bg.wasm", "frontend.js", "parts.js", "console.css", "index.html"] {
            assert!(!is_later(first), "{first}");
        }
        assert!(is_later("split_report.wasm") && is_later("chunk_3.wasm"));
    }

    #[test]
    fn what_broke_off_is_done_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let stamp = folder.path().join("xtask/console.stamp");
        unless_done(&stamp, "first", true, || Ok(())).expect("it is done");
        unless_done(&stamp, "first", true, || Err(anyhow!("again"))).expect("it is there");
        assert!(unless_done(&stamp, "first", false, || Err(anyhow!("refused"))).is_err(), "its result is gone");
        assert!(unless_done(&stamp, "first", true, || Err(anyhow!("refused"))).is_err(), "a half of it may be there");
        unless_done(&stamp, "first", true, || Ok(())).expect("it is done");
        assert!(unless_done(&stamp, "second", true, || Err(anyhow!("too large"))).is_err());
        assert!(unless_done(&stamp, "first", true, || Err(anyhow!("again"))).is_err(), "the second may be there");
        assert_eq!(fs::read_to_string(stamp).expect("a stamp"), "");
    }

    #[test]
    fn what_repeats_is_compressed() {
        assert!(brotli_compressed(&[b'a'; 10_000]).expect("compresses").len() < 50);
    }
}
