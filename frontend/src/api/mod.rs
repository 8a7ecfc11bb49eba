//! The service's HTTP API: the only module that knows its addresses.

mod accounts;
mod audit;
mod claims;
mod client;
mod console;
mod endpoints;
mod error;
mod inquiries;
mod list_operations;
mod live;
mod message;
mod parse;
mod people;
mod query;
mod reports;
mod sleep;
mod tokens;
mod tus;
mod uploads;
mod whole;

pub use audit::{AuditEntry, Change};
pub use client::{Client, SignedIn};
pub use console::is_replaced;
pub use endpoints::Versioned;
pub use error::ApiError;
pub use list_operations::Asked;
pub use live::{Followed, follow};
pub use parse::word;
pub use people::LinkPurpose;
pub use query::{AuditQuery, EventQuery, ListQuery, Search};
pub use sleep::{sleep, within};
