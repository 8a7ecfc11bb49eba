//! Licences, bans and sources of everything in the tree, as `deny.toml` has them. Advisories need the network:
//! `cargo deny check` asks for those as well.

use super::count::Count;
use crate::process::{cargo, say};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use spdx::{Expression, ParseMode};
use std::{fs, path::Path};

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The part of `deny.toml` that is checked here.
struct Rules {
    allowed: Vec<String>,
    banned: Vec<String>,
}

impl Rules {
    fn read(text: &str) -> Result<Self> {
        let rules: toml::Table = text.parse().context("deny.toml cannot be read")?;
        let texts = |list: &toml::Value, key: Option<&str>| -> Option<Vec<String>> {
            let text = |entry: &toml::Value| Some(key.map_or(Some(entry), |key| entry.get(key))?.as_str()?.to_owned());
            list.as_array()?.iter().map(text).collect()
        };
        let part = |table: &str, key: &str| rules.get(table)?.get(key);
        Ok(Self {
            allowed: part("licenses", "allow").and_then(|list| texts(list, None)).context("no licenses.allow")?,
            banned: part("bans", "deny").and_then(|list| texts(list, Some("name"))).context("no bans.deny")?,
        })
    }

    /// What is wrong with a package of `cargo metadata`.
    fn objection(&self, package: &Value) -> Option<String> {
        let text = |key: &str| package[key].as_str();
        let name = text("name").unwrap_or_default();
        if self.banned.iter().any(|banned| banned == name) {
            return Some("is banned".to_owned());
        }
        match text("source") {
            None | Some(REGISTRY) => {}
            Some(source) => return Some(format!("comes from {source}")),
        }
        let Some(licence) = text("license").or_else(|| in_file(package)) else {
            return Some("names no licence".to_owned());
        };
        let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => return Some(format!("has the unreadable licence {licence:?}: {}", error.reason)),
        };
        let fits = expression.evaluate(|required| self.allowed.contains(&required.to_string()));
        (!fits).then(|| format!("is licensed as {licence}, which deny.toml does not allow"))
    }
}

/// The licence of a package that names none but has a file with it, as far as its title tells.
fn in_file(package: &Value) -> Option<&'static str> {
    let manifest = Path::new(package["manifest_path"].as_str()?);
    let text = fs::read_to_string(manifest.with_file_name(package["license_file"].as_str()?)).ok()?;
    (text.lines().next()?.trim() == "MIT License").then_some("MIT")
}

/// Every package of the tree.
pub fn run() -> Result<Count> {
    let rules = Rules::read(&fs::read_to_string(crate::root().join("deny.toml"))?)?;
    let output = cargo(["metadata", "--format-version", "1", "--locked", "--all-features"]).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    ensure!(packages.len() > 100, "cargo metadata names only {} packages", packages.len());
    let objections: Vec<String> = packages
        .iter()
        .filter_map(|package| Some(format!("{} {}", package["name"].as_str()?, rules.objection(package)?)))
        .collect();
    if !objections.is_empty() {
        bail!("{}", objections.join("; "));
    }
    say(format_args!("{} packages may be in the tree", packages.len()));
    Ok(Count::PASSED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn objection(package: &Value) -> Option<String> {
        let rules = "[licenses]\nallow = [\"MIT\", \"Apache-2.0 WITH LLVM-exception\"]\n\
                     [bans]\ndeny = [{ name = \"bad\" }]";
        Rules::read(rules).expect("rules").objection(package)
    }

    fn licensed(licence: &str) -> Value {
        json!({ "name": "x", "source": REGISTRY, "license": licence })
    }

    #[test]
    fn one_allowed_choice_is_enough_and_every_part_is_needed() {
        for licence in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-2.0", "MIT AND Apache-2.0 WITH LLVM-exception"] {
            assert_eq!(objection(&licensed(licence)), None, "{licence}");
        }
        for licence in ["GPL-3.0", "MIT AND GPL-3.0-or-later", "Apache-2.0", "whatever"] {
            assert!(objection(&licensed(licence)).is_some(), "{licence}");
        }
    }

    #[test]
    fn bans_sources_and_missing_licences_are_named() {
        let bad = json!({ "name": "bad", "source": REGISTRY, "license": "MIT" });
        assert_eq!(objection(&bad).as_deref(), Some("is banned"));
        let git = json!({ "name": "x", "source": "git+https://example.com/x", "license": "MIT" });
        assert!(objection(&git).is_some_and(|text| text.contains("comes from git+")));
        assert_eq!(
            objection(&json!({ "name": "x", "source": null, "license": null })).as_deref(),
            Some("names no licence")
        );
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = json!({ "name": "file", "source": REGISTRY, "license": null, "license_file": "LICENSE",
            "manifest_path": folder.path().join("Cargo.toml") });
        for (title, fits) in [("MIT License\n\nCopyright", true), ("GNU GENERAL PUBLIC LICENSE", false)] {
            fs::write(folder.path().join("LICENSE"), title).expect("a file");
            assert_eq!(objection(&file).is_none(), fits, "{title}");
        }
        file["license_file"] = json!("COPYING");
        assert!(objection(&file).is_some());
    }
}
