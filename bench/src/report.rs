//! What was measured: a table on the screen and a page under `docs/bench`.

use crate::database::Kind;
use std::fmt::Write as _;

/// A process that takes more than this much longer than ten times as long for ten times as many rows grows faster than
/// linear; the rest is the noise of a shared machine.
const TOLERANCE: f64 = 1.15;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Line {
    /// What was done.
    pub work: &'static str,
    /// On which database.
    pub database: Kind,
    /// With how many rows.
    pub rows: u64,
    /// What Stoplist took.
    pub ours: String,
    /// What a user would use instead took; empty when there is nothing.
    pub beside: String,
    /// Ours by beside: the median over all pairs.
    pub ratio: Option<f64>,
    /// What is asked for.
    pub bar: &'static str,
    /// Whether it is met; `None` where nothing is asked for.
    pub met: Option<bool>,
    /// The highest memory of the service meanwhile, in bytes.
    pub memory: u64,
    /// Seconds that may grow with the rows, at most linearly.
    pub grows: Option<f64>,
    /// What else there is to say.
    pub remark: String,
}

/// The most that the service may ever use (issue "Lists in and out"), in bytes.
const MEMORY_BAR: u64 = 500_000_000;

/// What goes above the table.
#[derive(Debug, Clone)]
pub struct Facts(pub Vec<(&'static str, String)>);

/// All lines so far.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
    failures: Vec<String>,
}

impl Report {
    /// Adds a line.
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Notes a work that could not be measured.
    pub fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// Whether every work was measured; bars may be missed all the same.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// The page.
    pub fn page(&self, facts: &Facts) -> String {
        let mut page = String::from("# Bench\n\n");
        for (name, value) in &facts.0 {
            let _ = writeln!(page, "- {name}: {value}");
        }
        page.push_str(
            "\nRatio: ours by beside, the median over pairs that ran one after the other. Memory: the peak of the \
             service (VmHWM) during the work.\n\n",
        );
        page.push_str(&self.table());
        page.push_str(&self.growth());
        let remarks = self.lines.iter().filter(|line| !line.remark.is_empty());
        let remarks: String = remarks
            .map(|line| format!("- {}, {}, {}: {}\n", line.work, line.database, thousands(line.rows), line.remark))
            .collect();
        if !remarks.is_empty() {
            let _ = write!(page, "\n## Remarks\n\n{remarks}");
        }
        if !self.failures.is_empty() {
            let failures: String = self.failures.iter().map(|failure| format!("- {failure}\n")).collect();
            let _ = write!(page, "\n## Not measured\n\n{failures}");
        }
        page
    }

    /// The table of the page.
    pub fn table(&self) -> String {
        let headings = ["Work", "Database", "Rows", "Ours", "Beside", "Ratio", "Bar", "Met?", "Memory"];
        let mut rows: Vec<[String; 9]> = self.lines.iter().map(cells).collect();
        if let Some(highest) = self.lines.iter().max_by_key(|line| line.memory) {
            rows.push([
                "memory of the service through all of it".to_owned(),
                String::new(),
                String::new(),
                megabytes(highest.memory),
                String::new(),
                String::new(),
                "under 500 MB".to_owned(),
                met(Some(highest.memory < MEMORY_BAR)).to_owned(),
                String::new(),
            ]);
        }
        markdown(&headings.map(str::to_owned), &rows)
    }

    /// How time and memory grow with the rows.
    fn growth(&self) -> String {
        let mut rows = Vec::new();
        for (n, large) in self.lines.iter().enumerate() {
            let same =
                |small: &&Line| small.work == large.work && small.database == large.database && small.rows < large.rows;
            let Some(small) = self.lines[..n].iter().rfind(same) else { continue };
            let by = large.rows as f64 / small.rows as f64;
            let memory = large.memory as f64 / small.memory as f64;
            let time = small.grows.zip(large.grows).map(|(small, large)| large / small);
            let linear = memory <= by * TOLERANCE && time.is_none_or(|time| time <= by * TOLERANCE);
            rows.push([
                large.work.to_owned(),
                large.database.to_string(),
                format!("{} to {}", thousands(small.rows), thousands(large.rows)),
                format!("{by:.0}"),
                time.map(|time| format!("{time:.1}")).unwrap_or_default(),
                format!("{memory:.1}"),
                if linear { "yes" } else { "**no**" }.to_owned(),
            ]);
        }
        if rows.is_empty() {
            return String::new();
        }
        let headings = ["Work", "Database", "From", "Rows ×", "Time ×", "Memory ×", "Linear or better?"];
        format!("\n## Growth\n\n{}", markdown(&headings.map(str::to_owned), &rows))
    }
}

fn cells(line: &Line) -> [String; 9] {
    [
        line.work.to_owned(),
        line.database.to_string(),
        thousands(line.rows),
        line.ours.clone(),
        line.beside.clone(),
        line.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
        line.bar.to_owned(),
        met(line.met).to_owned(),
        megabytes(line.memory),
    ]
}

fn met(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    }
}

/// A table whose columns also line up without a Markdown reader.
fn markdown<const N: usize>(headings: &[String; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.each_ref().map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String; N]| {
        let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut table = line(headings);
    let _ = writeln!(table, "| {} |", rule.join(" | "));
    table.extend(rows.iter().map(line));
    table
}

/// `10,000,000`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Memory or disk space.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", thousands(bytes / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(rows: u64, grows: f64, memory: u64) -> Line {
        Line {
            work: "run",
            database: Kind::Sqlite,
            rows,
            ours: format!("{grows} s"),
            beside: "1 s".to_owned(),
            ratio: Some(grows),
            bar: "at most 2",
            met: Some(grows <= 2.0),
            memory,
            grows: Some(grows),
            remark: String::new(),
        }
    }

    #[test]
    fn what_grows_faster_than_the_rows_is_told() {
        let mut report = Report::default();
        report.add(line(1_000, 1.0, 50_000_000));
        report.add(line(10_000, 11.0, 60_000_000));
        report.add(line(100_000, 200.0, 600_000_000));
        let page = report.page(&Facts(vec![("Date", "2026-11-24".to_owned())]));
        let growth: Vec<_> = page.lines().filter(|line| line.contains(" to ")).collect();
        assert!(growth[0].contains("1,000 to 10,000") && growth[0].ends_with("| yes               |"), "{page}");
        assert!(growth[1].ends_with("| **no**            |"), "{page}");
        assert!(page.contains("| 600 MB"), "{page}");
        assert!(page.contains("under 500 MB | **no**"), "{page}");
        let widths: Vec<_> = report.table().lines().map(|line| line.chars().count()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{}", report.table());
    }

    #[test]
    fn large_numbers_are_readable() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(10_000_000), "10,000,000");
    }
}
