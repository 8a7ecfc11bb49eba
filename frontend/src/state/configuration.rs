//! The account's server configurations and the one that is open.

use super::{Live, Loader};
use leptos::prelude::*;
use shared::mail_server::ServerConfiguration;
use uuid::Uuid;

/// The account's server configurations.
#[derive(Clone, Copy)]
pub struct Configurations(pub Loader<Vec<ServerConfiguration>>);

/// The server configuration that the page is about.
#[derive(Clone, Copy)]
pub struct Configuration {
    /// Its id, from the page's URL.
    pub id: Memo<Uuid>,
    /// What happens in it.
    pub live: Live,
}

impl Configuration {
    /// The open configuration.
    pub fn open() -> Self {
        expect_context::<Self>()
    }
}
