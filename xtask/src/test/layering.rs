//! The layering test: the arrows of docs/ARCHITECTURE, in the sources, in the manifests and in what is linked.

use super::citations;
use super::count::Count;
use super::layering_colours::colours;
use super::layering_rules::{self as rules, Violation};
use crate::process::{cargo, output, say};
use crate::wasm_target::TARGET;
use anyhow::Result;
use serde_json::Value;
use std::fs;
use std::process::Command;

/// What each package may use of the workspace, apart from tests.
const ARROWS: [(&str, &[&str]); 8] = [
    ("shared", &[]),
    ("bounces", &["shared"]),
    ("migrations", &[]),
    ("backend", &["shared", "bounces", "migrations"]),
    ("agent", &["shared", "bounces"]),
    ("frontend", &["shared"]),
    ("xtask", &[]),
    ("bench", &["shared", "mail-e2e"]),
];

/// Crates that neither the console nor the agent may carry, even indirectly.
const SERVER_ONLY: [&str; 6] = ["sea-orm", "sqlx", "sqlx-core", "libsqlite3-sys", "actix-web", "apalis"];

/// A rule on one file: what it is called in the report, and the check.
type FileRule = (&'static str, fn(&str, &str) -> Vec<Violation>);

const FILE_RULES: [FileRule; 4] = [
    ("imports follow the arrows", rules::imports),
    ("only api knows addresses", rules::urls),
    ("only the tokens file knows colours", colours),
    ("no file is too long", |_, text| rules::length(text)),
];

/// Checks every tracked source file, the manifests and the dependency trees.
pub fn run() -> Result<Count> {
    let sources = sources()?;
    let mut count = Count::default();
    for (name, rule) in FILE_RULES {
        let found = sources.iter().flat_map(|(path, text)| {
            rule(path, text)
                .into_iter()
                .map(move |violation| format!("{path}:{}: {}", violation.line, violation.reason))
        });
        count += verdict(name, &found.collect::<Vec<_>>());
    }
    count += verdict("what the security checklist cites is there", &citations::wrong()?);
    count += verdict("packages follow the arrows", &package_violations()?);
    count += verdict("the console carries nothing of a server", &tree_violations("frontend", &["--target", TARGET])?);
    count += verdict("the agent carries nothing of the service", &tree_violations("agent", &[])?);
    Ok(count)
}

fn verdict(name: &str, violations: &[String]) -> Count {
    say(format_args!("{name}: {}", if violations.is_empty() { "yes" } else { "NO" }));
    if violations.is_empty() {
        Count::PASSED
    } else {
        Count::failure(format!("{name}: NO\n  {}", violations.join("\n  ")))
    }
}

/// What the rules are about.
const KINDS: [&str; 7] = ["*.rs", "*.css", "*.ts", "*.js", "*.mjs", "*.html", "*.svg"];

/// Path and text of every file of these kinds that git knows or would add.
fn sources() -> Result<Vec<(String, String)>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "--"];
    let listed = output(Command::new("git").current_dir(crate::root()).args(arguments).args(KINDS))?;
    let mut sources = Vec::new();
    for path in listed.lines() {
        let file = crate::root().join(path);
        // Deleted, but not yet for git.
        if file.exists() {
            sources.push((path.to_owned(), fs::read_to_string(file)?));
        }
    }
    Ok(sources)
}

fn package_violations() -> Result<Vec<String>> {
    let metadata: Value =
        serde_json::from_str(&output(&mut cargo(["metadata", "--no-deps", "--format-version", "1"]))?)?;
    Ok(arrow_violations(&metadata))
}

/// Dependencies in the answer of `cargo metadata` that are against the arrows.
fn arrow_violations(metadata: &Value) -> Vec<String> {
    let mut violations = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(package, _)| *package == name) else { continue };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let ours = dependency["path"].is_string();
            if ours && dependency["kind"] != "dev" && !allowed.contains(&used) {
                violations.push(format!("{name} depends on {used}"));
            }
        }
    }
    violations
}

fn tree_violations(package: &str, more: &[&str]) -> Result<Vec<String>> {
    let arguments =
        ["tree", "--package", package, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"];
    let tree = output(cargo(arguments).args(more))?;
    Ok(forbidden_in_tree(package, &tree))
}

fn forbidden_in_tree(package: &str, tree: &str) -> Vec<String> {
    let mut found: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| SERVER_ONLY.contains(name))
        .map(|name| format!("{package} pulls in {name}: `cargo tree --package {package} --invert {name}` shows how"))
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::{arrow_violations, forbidden_in_tree};
    use serde_json::json;

    #[test]
    fn an_agent_that_uses_the_service_is_found() {
        let dependency = |name: &str, kind: Option<&str>| json!({"name": name, "kind": kind, "path": "/x"});
        let metadata = json!({"packages": [
            {"name": "agent", "dependencies": [
                dependency("shared", None), dependency("backend", None), dependency("migrations", Some("dev")),
            ]},
        ]});
        assert_eq!(arrow_violations(&metadata), ["agent depends on backend"]);
    }

    #[test]
    fn a_database_in_the_console_is_found() {
        let tree = "frontend v0.1.0 (/x)\nsea-orm v2.0.4\nserde v1.0.0\nsea-orm v2.0.4 (*)\n";
        assert_eq!(forbidden_in_tree("frontend", tree).len(), 1);
        assert_eq!(forbidden_in_tree("agent", "agent v0.1.0\nserde v1.0.0\n").len(), 0);
    }
}
