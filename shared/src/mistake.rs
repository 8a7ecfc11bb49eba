//! Telling a mistake in a settings file.

use std::ops::Range;

/// Where a mistake is, by its line and the name before it, and which: without the line itself, which may hold a secret.
/// `span`: what the mistake is about, in octets of `text`.
pub fn described(text: &str, span: Option<Range<usize>>, message: &str) -> String {
    // What concerns the whole file has no place in it.
    let place = span.filter(|span| span.end > 0);
    let Some(before) = place.and_then(|span| text.get(..span.start)) else { return message.to_owned() };
    let line = before.rsplit('\n').next().unwrap_or_default();
    let name = line.split_once('=').map(|(name, _)| format!("{}: ", name.trim())).unwrap_or_default();
    format!("line {}: {name}{message}", before.matches('\n').count() + 1)
}
