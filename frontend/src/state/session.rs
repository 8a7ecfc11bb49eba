//! Who is signed in, and the connection.

use super::{
    Loader,
    changes::Changes,
    effect, load,
    preferences::{forget, store, stored},
    sleep,
};
use crate::{
    api::{ApiError, Client, SignedIn},
    reactive::memo,
};
use leptos::{prelude::*, task::spawn_local};
use shared::{
    plan::Capability,
    session::{Me, Role},
};
use std::time::Duration;

/// How often an unreachable service is tried.
const PROBE: Duration = Duration::from_secs(2);
/// How long a sign-out waits for the service.
const PATIENCE: Duration = Duration::from_secs(5);
/// The shortest time between two readings of what changed in the account.
const REST: Duration = Duration::from_secs(2);
/// Remembered in this browser while the service has not been told of a sign-out: the cookie of such a session, which only
/// the service can take away, must not sign in whoever comes next.
const LEFT: &str = "stoplist.left";

/// The session of the console.
#[derive(Clone, Copy)]
pub struct Session {
    me: Loader<Option<Me>>,
    account: Changes,
    client: Client,
}

impl Session {
    /// Takes up the session of the refresh cookie, if there is one; watches the connection.
    pub fn start(client: Client) -> Self {
        let account = Changes::new(REST);
        let me = load(
            // While a session has ended everything stays as it was for whoever signs in again.
            move || client.signed_in().get() == SignedIn::No,
            move || (client.signed_in().get(), account.get()),
            move |_, (signed_in, _)| async move {
                match signed_in {
                    SignedIn::Yes => client.me().await.map(Some),
                    SignedIn::Ended => Err(ApiError::SignedOut),
                    SignedIn::No | SignedIn::Unknown => Ok(None),
                }
            },
        );
        // An unreachable service is retried by the effect below.
        spawn_local(take_up(client));
        effect(move || {
            if client.refused().get() > 0 {
                me.reload();
            }
        });
        let mut before = None;
        effect(move || {
            let now = me.data.with(|me| me.as_ref()?.as_ref().map(|me| (me.user_id, me.account_id)));
            if before.is_some() && now.is_some() && now != before {
                // What is on the page was another user's, or of an account that was left in another tab. Fails only where a page may not reload itself.
                drop(window().location().reload());
            }
            before = now;
        });
        let signed_in = memo(move |_| client.signed_in().get() == SignedIn::Yes);
        effect(move || {
            if signed_in.get() {
                // Another session has taken its place.
                forget(LEFT);
            }
        });
        window_event_listener(leptos::ev::offline, move |_| drop(client.lost()));
        let healing = StoredValue::new(false);
        effect(move || {
            if !client.reachable().get() && !healing.get_value() {
                healing.set_value(true);
                spawn_local(async move {
                    heal(client).await;
                    healing.set_value(false);
                });
            }
        });
        Self { me, account, client }
    }

    /// Signs out here, and tells the service: now, or as soon as it can be reached.
    ///
    /// # Errors
    /// The session may still be there at the service.
    pub async fn sign_out(self) -> Result<(), ApiError> {
        store(LEFT, "true");
        let told = self.client.sign_out(PATIENCE).await;
        if told.is_ok() {
            forget(LEFT);
        }
        told
    }

    /// Leaves a session that ended, and what is on the page.
    pub fn leave(self) {
        self.client.leave();
    }

    /// Who is signed in, or was until the session ended; `None` while that is not known.
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

    /// Another number whenever users, invitations, tokens, sessions, server configurations, plan or features changed.
    pub fn account(self) -> u32 {
        self.account.get()
    }

    /// They changed, or may have.
    pub fn account_changed(self) {
        self.account.tell();
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
        self.me().is_some_and(|me| me.role >= role && !is_shut_out(&me))
    }

    /// Whether the open account is suspended, and the user of it: then only inquiries and one's own account are open.
    pub fn is_shut_out(self) -> bool {
        self.me().is_some_and(|me| is_shut_out(&me))
    }

    /// Whether the open account's plan includes something; as long as no plan is known, everything.
    pub fn includes(self, capability: Capability) -> bool {
        self.me().and_then(|me| me.plan).is_none_or(|plan| plan.includes(capability))
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

/// A provider works in a suspended account all the same.
fn is_shut_out(me: &Me) -> bool {
    me.account_suspended && me.role != Role::Provider
}

/// Tries until the service answers, and takes up a session that was not known yet. Of who is signed in the session itself is
/// asked for: where only that is not answered, the service is not reached either.
async fn heal(client: Client) {
    while !client.reachable().get_untracked() {
        sleep(PROBE).await;
        match client.signed_in().get_untracked() {
            SignedIn::Unknown => take_up(client).await,
            SignedIn::Yes => drop(client.refresh().await),
            SignedIn::No if stored(LEFT).is_some() => take_up(client).await,
            _ => drop(client.setup_state().await),
        }
    }
}

/// Takes up the session of the refresh cookie, or ends it if it was left.
async fn take_up(client: Client) {
    if stored(LEFT).is_none() {
        drop(client.refresh().await);
    } else if client.end_left_session().await.is_ok() {
        forget(LEFT);
    }
}
