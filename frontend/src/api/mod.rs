//! The service's HTTP API: the only module that knows its addresses.

mod client;
mod endpoints;
mod error;
mod live;
mod query;

pub use client::{Client, SignedIn};
pub use endpoints::Versioned;
pub use error::ApiError;
pub use live::follow;
pub use query::{EventQuery, ListQuery};
