//! Query strings of the lists.

/// Filters of the blocked list and the stop cancellation list, as the page's URL has them; empty means any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQuery {
    /// A part of the address.
    pub q: String,
    /// The whole domain.
    pub domain: String,
    /// A reason.
    pub reason: String,
    /// An origin.
    pub origin: String,
    /// A state.
    pub state: String,
    /// Not before this time (RFC 3339).
    pub from: String,
    /// Before this time (RFC 3339).
    pub to: String,
    /// `date` or `address`.
    pub sort: String,
    /// `ascending` or `descending`.
    pub direction: String,
    /// From the page before.
    pub cursor: String,
}

/// Filters of the error log and the delivery log; empty means any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventQuery {
    /// `delivered` or `error`.
    pub outcome: String,
    /// A part of the address.
    pub q: String,
    /// The whole domain.
    pub domain: String,
    /// A reason.
    pub reason: String,
    /// Not before this time (RFC 3339).
    pub from: String,
    /// Before this time (RFC 3339).
    pub to: String,
    /// From the page before.
    pub cursor: String,
}

impl ListQuery {
    pub(super) fn text(&self) -> String {
        text(&[
            ("q", &self.q),
            ("domain", &self.domain),
            ("reason", &self.reason),
            ("origin", &self.origin),
            ("state", &self.state),
            ("from", &self.from),
            ("to", &self.to),
            ("sort", &self.sort),
            ("direction", &self.direction),
            ("cursor", &self.cursor),
        ])
    }
}

impl EventQuery {
    pub(super) fn text(&self) -> String {
        text(&[
            ("outcome", &self.outcome),
            ("q", &self.q),
            ("domain", &self.domain),
            ("reason", &self.reason),
            ("from", &self.from),
            ("to", &self.to),
            ("cursor", &self.cursor),
        ])
    }
}

/// `?a=b&c=d` of the pairs that have a value.
fn text(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        query.push_str(&String::from(js_sys::encode_uri_component(value)));
    }
    query
}
