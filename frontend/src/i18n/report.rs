//! The words of the delivery report's overview.

pub(super) mod en;
pub(super) mod ja;

texts! {
    /// The words of the delivery report's overview.
    ReportTexts
    words {
        overview range days_7 days_30 days_90 nothing nothing_text
        delivered errors error_rate on_list
        errors_by_reason no_errors growth changes blocked released cancelled no_changes
        domains domains_text show_table day choose
    }
    sentences {
        zone(&str);
        errors_of(&str, i64);
    }
    names {}
    parts {}
}
