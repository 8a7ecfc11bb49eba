//! Fields of CSV files that people open in a spreadsheet.
//!
//! A spreadsheet takes a field that begins with `=`, `+`, `-` or `@` for a formula, and anybody can make a mail server
//! report an error for an address such as `=HYPERLINK("http://…","Look")&"@example.com"`. So downloads put an apostrophe
//! before such a field, and uploads take it away again: a downloaded list can be uploaded unchanged. A field whose first
//! such character stands behind apostrophes gets one more, so nothing is lost and nothing is confused.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The language of column names and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English column names, and values as the API has them: for programs.
    #[default]
    En,
    /// Japanese column names and labels: for people.
    Ja,
}

/// Whether a spreadsheet could take the text for a formula, or [`guard`] could have made it. The wide forms are what
/// Japanese spreadsheets accept too; tabulator and line breaks are skipped by some before they look.
fn is_risky(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// The text as a download writes it: with an apostrophe before what a spreadsheet would take for a formula.
pub fn guard(text: &str) -> Cow<'_, str> {
    if is_risky(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that [`guard`] was given.
pub fn unguard(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_risky(rest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_become_texts() {
        for (text, guarded) in [
            ("taro@example.com", "taro@example.com"),
            ("'taro'@example.com", "'taro'@example.com"),
            ("=1+1&\"@example.com\"", "'=1+1&\"@example.com\""),
            ("+81@example.com", "'+81@example.com"),
            ("-@example.com", "'-@example.com"),
            ("@example.com", "'@example.com"),
            ("＝1@example.com", "'＝1@example.com"),
            ("'=1@example.com", "''=1@example.com"),
            ("", ""),
            ("'", "'"),
        ] {
            assert_eq!(guard(text), guarded);
            assert_eq!(unguard(guarded), text);
        }
        assert_eq!(unguard("'taro@example.com"), "'taro@example.com");
    }

    proptest! {
        #[test]
        fn what_was_guarded_comes_back(text in "['=+@a-]{0,6}|\\PC{0,20}") {
            let guarded = guard(&text);
            prop_assert!(!guarded.starts_with(['=', '+', '-', '@']));
            prop_assert_eq!(unguard(&guarded), text.as_str());
        }
    }
}
