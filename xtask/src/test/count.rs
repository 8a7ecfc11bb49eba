//! Counting the tests of other programs from what they print.

use super::failures;
use anyhow::{Context, Result};
use std::ops::AddAssign;
use std::process::ExitStatus;

/// How many tests passed and failed. A test that was skipped has failed: it proved nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    /// What failed and why, for the end of a long output.
    pub failures: Vec<String>,
    /// What was measured on the way.
    pub figures: Vec<String>,
}

impl Count {
    /// One check that passed.
    pub const PASSED: Self = Self { passed: 1, failed: 0, failures: Vec::new(), figures: Vec::new() };

    /// One check that failed.
    pub fn failure(why: String) -> Self {
        Self { failed: 1, failures: vec![why], ..Self::default() }
    }

    /// What a program counted that ended so: without success, at least one has failed.
    #[must_use]
    pub fn of_program(self, status: ExitStatus) -> Self {
        let failed = if status.success() { self.failed } else { self.failed.max(1) };
        Self { failed, ..self }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.figures.extend(other.figures);
    }
}

/// The sum of all `test result:` lines of Rust's test harness; `None` when there is none (it crashed).
pub fn rust(output: &str) -> Option<Count> {
    let mut count = None;
    for line in output.lines() {
        let Some(result) = line.trim_start().strip_prefix("test result: ") else { continue };
        let number_before = |word: &str| {
            let parts = result.split(['.', ';']).map(str::trim);
            parts.filter_map(|part| part.strip_suffix(word)).find_map(|number| number.trim().parse::<u64>().ok())
        };
        let (Some(passed), Some(failed), Some(ignored)) =
            (number_before("passed"), number_before("failed"), number_before("ignored"))
        else {
            continue;
        };
        *count.get_or_insert(Count::default()) += Count { passed, failed: failed + ignored, ..Count::default() };
    }
    let figures = output.lines().filter_map(|line| line.strip_prefix("FIGURE ")).map(str::to_owned).collect();
    count.map(|count| Count { failures: failures::rust(output), figures, ..count })
}

/// The closing lines of Node.js' test runner in the format TAP; `None` when there are none (it crashed).
pub fn node(output: &str) -> Option<Count> {
    let number = |name: &str| {
        let lines = output.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
        lines.filter_map(|rest| rest.trim().parse::<u64>().ok()).next_back()
    };
    let failed = ["fail ", "cancelled ", "skipped ", "todo "].iter().map(|name| number(name)).sum::<Option<u64>>()?;
    Some(Count { passed: number("pass ")?, failed, failures: failures::node(output), ..Count::default() })
}

/// The counts in Playwright's JSON report.
pub fn playwright(report: &str) -> Result<Count> {
    let report: serde_json::Value = serde_json::from_str(report).context("Playwright's report is not JSON")?;
    let number =
        |name: &str| report["stats"][name].as_u64().with_context(|| format!("Playwright's report has no stats.{name}"));
    let outside = report["errors"].as_array().map_or(0, |errors| errors.len() as u64);
    Ok(Count {
        passed: number("expected")?,
        failed: number("unexpected")? + number("flaky")? + number("skipped")? + outside,
        failures: failures::playwright(&report),
        ..Count::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{Count, node, playwright, rust};

    fn counted(count: Option<Count>) -> Option<(u64, u64)> {
        count.map(|count| (count.passed, count.failed))
    }

    #[test]
    fn adds_up_every_harness() {
        let output = "running 2 tests\n..\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 10 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 1.20s\n";
        assert_eq!(counted(rust(output)), Some((12, 1)));
    }

    #[test]
    fn what_was_measured_is_kept() {
        let output = "running 1 test\ntest a ... ok\n\nsuccesses:\n\n---- a stdout ----\nFIGURE a release: 9 ms\n\n\n\
            successes:\n    a\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let count = rust(output).expect("a count");
        assert_eq!(count.figures, ["a release: 9 ms"]);
        assert!(count.failures.is_empty(), "what a test printed that passed is no failure: {:?}", count.failures);
    }

    #[test]
    fn an_ignored_test_is_a_failed_one() {
        let output = "test result: ok. 2 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(counted(rust(output)), Some((2, 3)));
    }

    #[test]
    fn a_harness_that_crashed_has_no_count() {
        assert_eq!(rust("running 2 tests\nthread 'main' has overflowed its stack"), None);
    }

    #[test]
    fn nodes_skipped_and_cancelled_tests_are_failed_ones() {
        let output =
            "ok 1 - a\n1..1\n# tests 9\n# suites 0\n# pass 5\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 0\n";
        assert_eq!(counted(node(output)), Some((5, 4)));
        assert_eq!(node("ok 1 - a\n"), None);
    }

    #[test]
    fn playwrights_skipped_and_flaky_tests_are_failed_ones() {
        let report = r#"{"errors": [], "stats": {"expected": 5, "unexpected": 1, "flaky": 1, "skipped": 2}}"#;
        assert_eq!(counted(playwright(report).ok()), Some((5, 4)));
    }

    #[test]
    fn playwrights_errors_outside_of_tests_count() {
        let report = r#"{"errors": [{}], "stats": {"expected": 0, "unexpected": 0, "flaky": 0, "skipped": 0}}"#;
        assert_eq!(counted(playwright(report).ok()), Some((0, 1)));
        assert!(playwright("{}").is_err());
    }
}
