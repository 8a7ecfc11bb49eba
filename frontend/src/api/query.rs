//! Searches of the lists, as query strings and in bodies.

use super::{ApiError, parse::parse};
use js_sys::{JSON, Object, Reflect};
use shared::list_operation::BlockFilter;
use wasm_bindgen::JsValue;

/// A search in the body of a request: its filters by their names. An object of JavaScript, because `serde_json::Value` is
/// nowhere else in the console and would make it larger.
pub struct Search(Object);

impl Search {
    fn of<'a>(pairs: impl IntoIterator<Item = (&'static str, &'a str)>) -> Self {
        let search = Self(Object::new());
        // Whether the service takes it, the service says: nothing is left out that narrows a search.
        pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .fold(search, |search, (name, value)| search.with(name, value))
    }

    /// The same with another parameter.
    pub fn with(self, name: &'static str, value: impl Into<JsValue>) -> Self {
        // Setting a property of a plain object cannot fail.
        drop(Reflect::set(&self.0, &name.into(), &value.into()));
        self
    }

    /// As JSON.
    pub(super) fn json(&self) -> String {
        JSON::stringify(&self.0).map(String::from).unwrap_or_default()
    }
}

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

/// Filters of the audit log; empty means any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AuditQuery {
    /// A part of who, what, to what, why or from where.
    pub q: String,
    /// What kind of actor.
    pub actor_kind: String,
    /// Not before this time (RFC 3339).
    pub from: String,
    /// Before this time (RFC 3339).
    pub to: String,
    /// From the page before.
    pub cursor: String,
}

impl ListQuery {
    pub(super) fn text(&self) -> String {
        let order = [("sort", &*self.sort), ("direction", &*self.direction), ("cursor", &*self.cursor)];
        text(self.filters().into_iter().chain(order))
    }

    /// Which rows, in the order of the list.
    pub fn search(&self) -> Search {
        Search::of(self.filters().into_iter().chain([("sort", &*self.sort), ("direction", &*self.direction)]))
    }

    /// Which blocks.
    ///
    /// # Errors
    /// The URL holds what is no filter; the list itself cannot be read either.
    pub fn block_filter(&self) -> Result<BlockFilter, ApiError> {
        parse(&Search::of(self.filters()).json()).map_err(|_| ApiError::Unreadable(0))
    }

    fn filters(&self) -> [(&'static str, &str); 7] {
        [
            ("q", &self.q),
            ("domain", &self.domain),
            ("reason", &self.reason),
            ("origin", &self.origin),
            ("state", &self.state),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }
}

impl EventQuery {
    pub(super) fn text(&self) -> String {
        text(self.filters().into_iter().chain([("cursor", &*self.cursor)]))
    }

    /// Which events.
    pub fn search(&self) -> Search {
        Search::of(self.filters())
    }

    fn filters(&self) -> [(&'static str, &str); 6] {
        [
            ("outcome", &self.outcome),
            ("q", &self.q),
            ("domain", &self.domain),
            ("reason", &self.reason),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }
}

impl AuditQuery {
    pub(super) fn text(&self) -> String {
        text(self.filters().into_iter().chain([("cursor", &*self.cursor)]))
    }

    /// Which entries.
    pub fn search(&self) -> Search {
        Search::of(self.filters())
    }

    fn filters(&self) -> [(&'static str, &str); 4] {
        [("q", &self.q), ("actor_kind", &self.actor_kind), ("from", &self.from), ("to", &self.to)]
    }
}

/// `?a=b&c=d` of the pairs that have a value.
pub(super) fn text<'a>(pairs: impl IntoIterator<Item = (&'static str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        query.push_str(&String::from(js_sys::encode_uri_component(value)));
    }
    query
}
