//! That what docs/ASVS.md cites is there: files, and in them functions, tests, constants or headings.

use anyhow::{Context, Result};
use std::fs;

const CHECKLIST: &str = "docs/ASVS.md";
/// What a citation may end with; other words in code quotes are no files.
const KINDS: [&str; 10] = [".rs", ".md", ".ts", ".mjs", ".js", ".toml", ".txt", ".json", ".lock", ".css"];

/// What the checklist names and nobody finds, and whether it counts its own rows right.
pub fn wrong() -> Result<Vec<String>> {
    let text = fs::read_to_string(crate::root().join(CHECKLIST)).context(CHECKLIST)?;
    let mut wrong = Vec::new();
    for (line, citation) in citations(&text) {
        let path = whole_path(citation.path);
        match fs::read_to_string(crate::root().join(&path)) {
            // A file of whoever runs the service, such as agent.toml.
            Err(_) if !path.contains('/') => {}
            Err(_) => wrong.push(format!("{CHECKLIST}:{line}: there is no {path}")),
            Ok(file) => {
                let missing = citation.names.iter().filter(|name| !names(&path, &file, name));
                wrong.extend(missing.map(|name| format!("{CHECKLIST}:{line}: {path} has no {name}")));
            }
        }
    }
    wrong.extend(miscounted(&text));
    Ok(wrong)
}

/// A file, and what of it.
#[derive(Debug, PartialEq, Eq)]
struct Citation<'a> {
    path: &'a str,
    names: Vec<&'a str>,
}

/// Each with its line (from 1): a path in code quotes, and the names in the parentheses after it.
fn citations(text: &str) -> Vec<(usize, Citation<'_>)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let parts: Vec<&str> = line.split('`').collect();
        for at in (1..parts.len()).step_by(2) {
            let path = parts[at];
            if !KINDS.iter().any(|kind| path.ends_with(kind)) || path.contains([' ', '*']) {
                continue;
            }
            let after = parts.get(at + 1).copied().unwrap_or_default();
            let names = match after.strip_prefix(" (") {
                // Names in code quotes, up to the closing parenthesis.
                Some("") => {
                    let rest = &parts[at + 2..];
                    let closing = rest.iter().skip(1).step_by(2).position(|between| between.contains(')'));
                    rest.iter().step_by(2).take(closing.map_or(0, |closing| closing + 1)).copied().collect()
                }
                // Headings of a document.
                Some(headings) if path.ends_with(".md") => {
                    headings.split(')').next().unwrap_or_default().split(", ").collect()
                }
                _ => Vec::new(),
            };
            found.push((index + 1, Citation { path, names }));
        }
    }
    found
}

/// A path of the checklist from the root: the layers and single files of the service are written without their folder.
fn whole_path(path: &str) -> String {
    let is_layer = ["http/", "service/", "store/", "jobs/"].iter().any(|layer| path.starts_with(layer));
    let is_single = !path.contains('/') && path.ends_with(".rs");
    if is_layer || is_single {
        format!("backend/src/{path}")
    } else if path.starts_with("tests/api/") {
        format!("backend/{path}")
    } else {
        path.to_owned()
    }
}

fn names(path: &str, file: &str, name: &str) -> bool {
    if path.ends_with(".md") {
        return file.lines().any(|line| line.starts_with('#') && line.trim_start_matches('#').trim() == name);
    }
    file.contains(name)
}

/// What the line at the top says otherwise than the rows.
fn miscounted(text: &str) -> Option<String> {
    let rows = |met: &str| text.lines().filter(|line| line.contains(&format!("| {met} |"))).count();
    let expected = format!("{} met, {} partly, {} not met", rows("yes"), rows("partly"), rows("**no**"));
    (!text.contains(&expected)).then(|| format!("{CHECKLIST}: its rows are {expected}"))
}

#[cfg(test)]
mod tests {
    use super::{Citation, citations, miscounted, names, whole_path};

    #[test]
    fn files_are_found_with_what_is_cited_of_them() {
        let text =
            "Said in `docs/API.md` (Errors, Lists), by\n`http/a.rs` (`one`, `two`), `X-Header` and `b.rs`; see `c`.";
        let found = citations(text);
        let expected = [
            (1, Citation { path: "docs/API.md", names: vec!["Errors", "Lists"] }),
            (2, Citation { path: "http/a.rs", names: vec!["one", "two"] }),
            (2, Citation { path: "b.rs", names: vec![] }),
        ];
        assert_eq!(found, expected);
        assert_eq!(whole_path("http/a.rs"), "backend/src/http/a.rs");
        assert_eq!(whole_path("tests/api/a.rs"), "backend/tests/api/a.rs");
        assert_eq!(whole_path("xtask/src/a.rs"), "xtask/src/a.rs");
    }

    #[test]
    fn a_name_is_in_its_file_or_heads_a_part_of_it() {
        assert!(names("a.rs", "fn one() {}", "one") && !names("a.rs", "fn one() {}", "two"));
        assert!(names("a.md", "text\n### Keys\n", "Keys") && !names("a.md", "Keys\n", "Keys"));
    }

    #[test]
    fn the_rows_are_counted() {
        let text = "2 met, 0 partly, 1 not met\n| a | yes | b |\n| c | yes | d |\n| e | **no** | f |\n";
        assert_eq!(miscounted(text), None);
        assert!(miscounted(&text.replace("2 met", "3 met")).is_some());
    }
}
