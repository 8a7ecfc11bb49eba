//! English.

use super::ReportTexts;
use crate::i18n::number::grouped;

pub(in crate::i18n) const TEXTS: ReportTexts = ReportTexts {
    overview: "Overview",
    range: "Days",
    days_7: "7 days",
    days_30: "30 days",
    days_90: "90 days",
    nothing: "Nothing has happened in these days",
    nothing_text: "Charts appear here as soon as mail servers report deliveries, or addresses are blocked.",
    delivered: "Delivered",
    errors: "Errors",
    error_rate: "Error rate",
    on_list: "On the blocked list",
    errors_by_reason: "Errors by reason",
    no_errors: "No errors in these days.",
    growth: "Addresses on the blocked list",
    changes: "Blocks and releases per day",
    blocked: "Blocked",
    released: "Released",
    cancelled: "Cancelled otherwise",
    no_changes: "No block or release in these days.",
    domains: "Top failing domains",
    domains_text: "Each leads to its errors.",
    show_table: "Show as table",
    day: "Day",
    choose: "Point at a day, or choose one with the arrow keys.",
    zone: |zone| format!("Days are those of {zone}. Today is not over yet."),
    errors_of: |domain, count| match count {
        1 => format!("{domain}: 1 error"),
        count => format!("{domain}: {} errors", grouped(count)),
    },
};
