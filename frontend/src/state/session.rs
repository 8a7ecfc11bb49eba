//! Who is signed in, and the connection.

use super::{Loader, effect, load, sleep};
use crate::api::{ApiError, Client, SignedIn};
use leptos::{prelude::*, task::spawn_local};
use shared::{
    account::Plan,
    session::{Me, Role},
};
use std::time::Duration;

/// How often an unreachable service is tried.
const PROBE: Duration = Duration::from_secs(2);

/// The session of the console.
#[derive(Clone, Copy)]
pub struct Session {
    me: Loader<Option<Me>>,
    client: Client,
}

impl Session {
    /// Takes up the session of the refresh cookie, if there is one; watches the connection.
    pub fn start(client: Client) -> Self {
        let me = load(
            move || client.signed_in().get(),
            || (),
            move |signed_in, ()| async move {
                if signed_in == SignedIn::Yes { client.me().await.map(Some) } else { Ok(None) }
            },
        );
        spawn_local(async move {
            // An unreachable service is retried by the effect below.
            drop(client.refresh().await);
        });
        effect(move || {
            if !client.reachable().get() {
                spawn_local(heal(client));
            }
        });
        Self { me, client }
    }

    /// Who is signed in; `None` while that is not known.
    pub fn me(self) -> Option<Me> {
        self.me.data.get().flatten()
    }

    /// Why it could not be read who is signed in.
    pub fn failure(self) -> Option<ApiError> {
        self.me.error.get()
    }

    /// Reads again who is signed in, after an account was opened or left.
    pub fn reload(self) {
        self.me.data.set(None);
        self.me.reload();
    }

    /// Reads again what the open account may use, while the page stays.
    pub fn look_again(self) {
        self.me.reload();
    }

    /// Whether the user may write inquiries for the open account, or answer those of all: a provider inside an account is
    /// a guest there.
    pub fn may_inquire(self) -> bool {
        self.me().is_some_and(|me| (me.role == Role::Provider) == me.account_id.is_none())
    }

    /// Whether the user may do what `role` may.
    pub fn may(self, role: Role) -> bool {
        self.me().is_some_and(|me| me.role >= role)
    }

    /// Whether the open account is on the Standard plan, which releases by request and changes no settings.
    pub fn is_standard(self) -> bool {
        self.me().is_some_and(|me| me.plan == Some(Plan::Standard))
    }

    /// Whether the open account may download its lists and logs.
    pub fn may_download(self) -> bool {
        self.me().is_some_and(|me| me.downloads_enabled)
    }

    /// Whether somebody is signed in.
    pub fn signed_in(self) -> SignedIn {
        self.client.signed_in().get()
    }
}

/// Tries until the service answers, then takes up a session that was not known yet.
async fn heal(client: Client) {
    while !client.reachable().get_untracked() {
        sleep(PROBE).await;
        if client.signed_in().get_untracked() == SignedIn::Unknown {
            drop(client.refresh().await);
        } else {
            drop(client.setup_state().await);
        }
    }
}
