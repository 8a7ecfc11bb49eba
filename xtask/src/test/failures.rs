//! What failed in other programs of tests, and why, from what they print: the end of a long output says it again.

use serde_json::Value;

/// How many lines are told of a failure.
const LINES: usize = 20;

/// Rust's test harness: under `failures:`, for each test `---- name stdout ----` and what it printed. The same stands of
/// tests that passed under `successes:`, where that is asked for. A test that no block tells of is named all the same.
pub fn rust(output: &str) -> Vec<String> {
    let (mut failing, mut blocks, mut named) = (false, Vec::<(&str, Vec<&str>)>::new(), Vec::new());
    for line in output.lines() {
        let block = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
        match (line, block) {
            ("successes:", _) => failing = false,
            // Once above the blocks, once above the names alone.
            ("failures:", _) => failing = !failing,
            (_, Some(name)) if failing => blocks.push((name, Vec::new())),
            _ if failing => blocks.last_mut().into_iter().for_each(|(_, text)| text.push(line)),
            _ => named.extend(line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))),
        }
    }
    let silent = named.into_iter().filter(|name| !blocks.iter().any(|(told, _)| told == name)).map(str::to_owned);
    let silent: Vec<_> = silent.collect();
    let told = blocks.into_iter().map(|(name, text)| {
        // What a test ends with is said last. A backtrace leads through the harness; the first line says where it happened.
        let text = text.into_iter().take_while(|line| !line.eq_ignore_ascii_case("stack backtrace:"));
        let text: Vec<_> = text.filter(|line| !line.trim().is_empty()).collect();
        let end = &text[text.len().saturating_sub(LINES - 1)..];
        told(&format!("{name}\n{}", end.join("\n")))
    });
    told.chain(silent).collect()
}

/// Node.js' test runner in the format TAP: `not ok N - name`, and what is indented under it between `---` and `...`.
pub fn node(output: &str) -> Vec<String> {
    let mut failures = Vec::new();
    let mut lines = output.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("not ok ") {
            let details = lines.by_ref().take_while(|line| line.trim() != "...");
            failures.push(told(&[line].into_iter().chain(details).collect::<Vec<_>>().join("\n")));
        }
    }
    failures
}

/// Playwright's JSON report: files hold suites, these hold tests, whose results hold errors.
pub fn playwright(report: &Value) -> Vec<String> {
    let mut failures = Vec::new();
    visit(report, &mut failures);
    failures
}

fn visit(suite: &Value, failures: &mut Vec<String>) {
    for spec in list(suite, "specs").filter(|spec| spec["ok"] == false) {
        let results = list(spec, "tests").flat_map(|test| list(test, "results"));
        let errors = results.flat_map(|result| list(result, "errors")).filter_map(|error| error["message"].as_str());
        let place = format!("{}:{}", spec["file"].as_str().unwrap_or_default(), spec["line"]);
        let title = spec["title"].as_str().unwrap_or_default();
        failures.push(told(&format!("{place} {title}\n{}", errors.collect::<Vec<_>>().join("\n"))));
    }
    for inner in list(suite, "suites") {
        visit(inner, failures);
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[name].as_array().into_iter().flatten()
}

/// Its first lines, without what is empty.
fn told(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).take(LINES).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::{LINES, node, playwright, rust};
    use serde_json::json;

    #[test]
    fn names_what_failed_in_rust_and_what_it_said() {
        let output = "test a::b ... FAILED\ntest c ... ok\n\nfailures:\n\n---- a::b stdout ----\n\n\
            thread 'a::b' panicked at x.rs:1:2:\nleft: 1\nstack backtrace:\n   0: __rustc\n\n\nfailures:\n    a::b\n\ntest result: FAILED. 1 passed; 1 failed";
        assert_eq!(rust(output), ["a::b\n  thread 'a::b' panicked at x.rs:1:2:\n  left: 1"]);
        assert!(rust("test c ... ok\n").is_empty());
    }

    #[test]
    fn tells_what_failed_in_rust_apart_from_what_passed() {
        let output = "test a ... FAILED\ntest b ... ok\ntest c ... FAILED\n\nsuccesses:\n\n---- b stdout ----\nfine\n\n\n\
            successes:\n    b\n\nfailures:\n\n---- a stdout ----\nError: \"bad\"\n\n\nfailures:\n    a\n    c\n";
        assert_eq!(rust(output), ["a\n  Error: \"bad\"", "c"]);
    }

    #[test]
    fn tells_how_a_failure_ends() {
        let log: String = (0..60).map(|n| format!("line {n}\n")).collect();
        let output = format!(
            "failures:\n\n---- a stdout ----\n{log}Error: bad\n\nStack backtrace:\n   0: x\n\nfailures:\n    a\n"
        );
        let told = rust(&output);
        let lines: Vec<_> = told[0].lines().collect();
        assert_eq!((lines[0], lines[1], lines[LINES - 1], lines.len()), ("a", "  line 42", "  Error: bad", LINES));
    }

    #[test]
    fn names_what_failed_in_node_and_what_it_said() {
        let output = "ok 1 - a\n  ---\n  duration_ms: 1\n  ...\nnot ok 2 - b\n  ---\n  error: '3 !== 4'\n  ...\n1..2\n";
        assert_eq!(node(output), ["not ok 2 - b\n    ---\n    error: '3 !== 4'"]);
    }

    #[test]
    fn names_what_failed_in_the_browser_and_what_it_said() {
        let spec = |title: &str, ok: bool, errors: &[&str]| {
            let errors: Vec<_> = errors.iter().map(|text| json!({"message": text})).collect();
            json!({
                "title": title, "ok": ok, "file": "a.spec.ts", "line": 3,
                "tests": [{"results": [{"errors": errors}]}],
            })
        };
        let good = spec("good", true, &[]);
        let bad = spec("bad", false, &["Error: too late"]);
        let report = json!({"suites": [{"specs": [good], "suites": [{"specs": [bad]}]}]});
        assert_eq!(playwright(&report), ["a.spec.ts:3 bad\n  Error: too late"]);
    }
}
