//! The arrows between folders, as data, and the check of one file against them.

use super::source::{Source, identifiers, names_below_root};

/// What the files below a folder must not use.
struct Rule {
    folder: &'static str,
    /// Modules of the same crate, directly below its root.
    modules: &'static [&'static str],
    /// Other crates; a trailing `*` stands for any ending.
    crates: &'static [&'static str],
    reason: &'static str,
}

const DATABASE: &[&str] = &["sea_orm", "sea_query", "sqlx", "migrations"];

const RULES: [Rule; 14] = [
    Rule {
        folder: "backend/src/http/",
        modules: &["store", "jobs"],
        crates: DATABASE,
        reason: "http may use only service and shared",
    },
    Rule { folder: "backend/src/http/", modules: &[], crates: &["apalis*"], reason: "only jobs may use apalis" },
    Rule {
        folder: "backend/src/service/",
        modules: &["http", "jobs"],
        crates: &["actix*", "apalis*"],
        reason: "service may use only store, shared and bounces",
    },
    Rule { folder: "backend/src/service/", modules: &[], crates: DATABASE, reason: "only store may use the database" },
    Rule {
        folder: "backend/src/store/",
        modules: &["http", "service", "jobs"],
        crates: &["actix*", "apalis*"],
        reason: "store may use only shared",
    },
    Rule {
        folder: "backend/src/jobs/",
        modules: &["http", "store"],
        crates: &["actix*"],
        reason: "jobs may use only service",
    },
    // Not `migrations`: the queue's own storage has a function of that name.
    Rule {
        folder: "backend/src/jobs/",
        modules: &[],
        crates: &["sea_orm", "sea_query", "sqlx"],
        reason: "only store may use the database",
    },
    Rule {
        folder: "shared/src/",
        modules: &[],
        crates: &["actix*", "apalis*", "sea_orm", "sqlx", "tokio", "reqwest"],
        reason: "shared holds rules without I/O",
    },
    Rule {
        folder: "bounces/src/",
        modules: &[],
        crates: &["actix*", "apalis*", "sea_orm", "sqlx", "tokio", "reqwest"],
        reason: "bounces may use only shared and mail-parser",
    },
    Rule {
        folder: "agent/src/",
        modules: &[],
        crates: &["actix*", "apalis*", "sea_orm", "sqlx", "backend"],
        reason: "the agent may use only shared and bounces",
    },
    // `backend` and `agent`, an ordinary word there, are kept out by the packages' arrows.
    Rule {
        folder: "bench/src/",
        modules: &[],
        crates: &["actix*", "apalis*", "sea_orm"],
        reason: "the bench measures whole programs from outside",
    },
    Rule {
        folder: "frontend/src/api/",
        modules: &["ui", "layout", "pages"],
        crates: &[],
        reason: "api only speaks to the service",
    },
    Rule {
        folder: "frontend/src/state/",
        modules: &["ui", "layout", "pages"],
        crates: &[],
        reason: "state shows nothing",
    },
    Rule { folder: "frontend/src/ui/", modules: &["layout", "pages"], crates: &[], reason: "ui knows no page" },
];

/// The longest file that one still reads in a sitting, in lines.
const LONGEST: usize = 400;

/// What a file does against the rules: its line (from 1) and the reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    pub line: usize,
    pub reason: String,
}

/// Imports against the arrows. `path` is relative to the workspace, with `/`.
pub fn imports(path: &str, text: &str) -> Vec<Violation> {
    let rules: Vec<_> = RULES.iter().filter(|rule| path.starts_with(rule.folder)).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let source = Source::new(text);
    let mut violations = Vec::new();
    let uses = names_below_root(&source.code).map(|(line, name)| (line, name, true));
    let mentions = identifiers(&source.code).map(|(line, name)| (line, name, false));
    for (line, name, is_module) in uses.chain(mentions) {
        for rule in &rules {
            let forbidden = if is_module { rule.modules } else { rule.crates };
            if forbidden.iter().any(|pattern| matches(pattern, name)) {
                violations.push(Violation { line, reason: format!("uses {name}: {}", rule.reason) });
            }
        }
    }
    violations.dedup();
    violations
}

/// Addresses of the service outside `frontend/src/api`, and of other sites anywhere in the console.
pub fn urls(path: &str, text: &str) -> Vec<Violation> {
    if !path.starts_with("frontend/") || path.starts_with("frontend/src/api/") || path == "frontend/src/api.rs" {
        return Vec::new();
    }
    let is_url = |literal: &str| {
        // The name of the SVG namespace only looks like an address.
        let literal = literal.replace("http://www.w3.org/", "");
        literal.contains("/api/") || literal.contains("http://") || literal.contains("https://")
    };
    let parts: Vec<_> = if path.ends_with(".rs") {
        Source::new(text).strings
    } else {
        text.lines().enumerate().map(|(at, line)| (at + 1, line.trim().to_owned())).collect()
    };
    let urls = parts.into_iter().filter(|(_, part)| is_url(part));
    urls.map(|(line, part)| Violation { line, reason: format!("has the address {part:?}: only api knows addresses") })
        .collect()
}

/// Files that are too long to be read in one sitting.
pub fn length(text: &str) -> Vec<Violation> {
    let lines = text.lines().count();
    let reason = || format!("has {lines} lines, more than {LONGEST}: split it");
    (lines > LONGEST).then(|| Violation { line: lines, reason: reason() }).into_iter().collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::{Violation, imports, length, urls};

    fn lines(violations: &[Violation]) -> Vec<usize> {
        violations.iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_handler_that_reaches_for_the_store_is_found() {
        let handler = "use crate::service::runs;\nuse crate::{clock, store::runs as rows};\nuse super::super::jobs;\n";
        assert_eq!(lines(&imports("backend/src/http/runs.rs", handler)), [2, 3]);
        assert!(imports("backend/src/app.rs", handler).is_empty(), "the composition root may use everything");
    }

    #[test]
    fn a_use_case_with_a_framework_in_it_is_found() {
        let use_case = "use sea_orm::DatabaseConnection;\nuse actix_web::web;\nfn f() { apalis_core::x(); }\n";
        assert_eq!(lines(&imports("backend/src/service/runs.rs", use_case)), [1, 2, 3]);
        assert_eq!(lines(&imports("backend/src/store/runs.rs", use_case)), [2, 3]);
    }

    #[test]
    fn comments_and_texts_are_not_imports() {
        let text = "//! Like crate::store, but sea_orm is far away.\nconst A: &str = \"crate::store sqlx\";\n";
        assert!(imports("backend/src/http/runs.rs", text).is_empty());
    }

    #[test]
    fn an_address_outside_api_is_found() {
        let page = "const A: &str = \"/api/v1/me\";\n// https://example.com\nconst B: &str = \"http://www.w3.org/2000/svg\";\n";
        assert_eq!(lines(&urls("frontend/src/pages/blocked.rs", page)), [1]);
        assert!(urls("frontend/src/api/me.rs", page).is_empty());
        let start =
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n<script src=\"https://cdn.example.com/x.js\"></script>\n";
        assert_eq!(lines(&urls("frontend/index.html", start)), [2]);
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(length(&"x\n".repeat(400)).is_empty());
        assert_eq!(lines(&length(&"x\n".repeat(401))), [401]);
    }
}
