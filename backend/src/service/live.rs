//! What a console or script hears while it follows a server configuration, an account or, as the provider, all inquiries.

use super::{
    Error, Result,
    authentication::{self, Origin, Permission},
    distributions, list_operations, runs, uploads,
    wake::{Signal, What},
};
use crate::{state::AppState, store};
use futures::Stream;
use shared::{plan::Capability, run::LiveEvent};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

/// How often it is looked whether the listener may still hear.
const CHECK: Duration = Duration::from_secs(3);

/// What is followed.
#[derive(Debug, Clone, Copy)]
pub enum Followed {
    /// A server configuration, with what concerns its whole account.
    Configuration {
        /// The configuration.
        id: Uuid,
        /// Its account.
        account_id: Uuid,
    },
    /// What concerns a whole account.
    Account(Uuid),
    /// What concerns the provider.
    Provider,
}

impl Followed {
    /// Whether a signal is about it.
    fn includes(self, signal: Signal) -> bool {
        match (self, signal.what) {
            (Self::Configuration { account_id, .. } | Self::Account(account_id), What::Inquiries | What::Account) => {
                signal.of == account_id
            }
            (Self::Provider, What::Inquiries) => true,
            (Self::Provider, what) => what == What::Account && signal.of.is_nil(),
            (Self::Configuration { id, .. }, _) => signal.of == id,
            (Self::Account(_), _) => false,
        }
    }
}

/// Every change from now on, for as long as `token` is valid. It ends when a change was missed: who opens it again reads
/// everything again, of which events tell only a part.
pub fn follow(state: AppState, followed: Followed, token: String) -> impl Stream<Item = LiveEvent> {
    let mut signals = state.wake.listen();
    let mut checks = tokio::time::interval_at(tokio::time::Instant::now() + CHECK, CHECK);
    checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    async_stream::stream! {
        loop {
            let heard = tokio::select! {
                heard = signals.recv() => heard,
                _ = checks.tick() => {
                    if may_follow(&state, followed, &token).await { continue } else { break }
                }
                () = state.wake.closed() => break,
            };
            let what = match heard {
                Ok(signal) if followed.includes(signal) => signal.what,
                Ok(_) => continue,
                Err(RecvError::Lagged(_) | RecvError::Closed) => break,
            };
            match event(&state, followed, what).await {
                Ok(Some(event)) => yield event,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "cannot tell a listener what changed"),
            }
        }
    }
}

/// Whether a token still lets its holder read. While the database is away nobody's right has ended.
async fn may_follow(state: &AppState, followed: Followed, token: &str) -> bool {
    let may = match (authentication::identify(state, token, Origin::default()).await, followed) {
        (Ok(identity), Followed::Provider) => identity.require(Permission::Provide),
        (Ok(identity), Followed::Account(_)) => identity.correspond().map(drop),
        (Ok(identity), Followed::Configuration { .. }) => identity.access(Permission::View).map(drop),
        (Err(error), _) => Err(error),
    };
    !matches!(may, Err(Error::Unauthorized | Error::Forbidden(_) | Error::Suspended))
}

async fn event(state: &AppState, followed: Followed, what: What) -> Result<Option<LiveEvent>> {
    match what {
        What::Inquiries => return Ok(Some(LiveEvent::InquiriesChanged)),
        What::Account => return Ok(Some(LiveEvent::AccountChanged)),
        _ => {}
    }
    let Followed::Configuration { id: server_configuration_id, account_id } = followed else { return Ok(None) };
    let needed = match what {
        What::ListOperation(_) => Some(Capability::ActInBulk),
        What::Upload(_) => Some(Capability::Upload),
        _ => None,
    };
    if let Some(needed) = needed {
        // The plan may be another one than when the stream was opened, and than when the work was begun.
        let account = store::accounts::find(state.db.connection(), account_id).await?;
        if !account.is_some_and(|account| account.plan.includes(needed)) {
            return Ok(None);
        }
    }
    Ok(match what {
        What::Rows => Some(LiveEvent::ListChanged),
        What::RunSettings => Some(LiveEvent::RunSettingsChanged),
        What::MailServers => Some(LiveEvent::MailServersChanged),
        What::Run(id) => Some(LiveEvent::Run(runs::get(state, server_configuration_id, id).await?)),
        What::Distribution(id) => {
            Some(LiveEvent::Distribution(distributions::get(state, server_configuration_id, id).await?))
        }
        What::ListOperation(id) => {
            Some(LiveEvent::ListOperation(list_operations::get(state, server_configuration_id, id).await?))
        }
        What::Upload(id) => {
            let stored = uploads::find(state.db.connection(), server_configuration_id, id).await?;
            Some(stored.map_or(LiveEvent::UploadDeleted { id }, |stored| LiveEvent::Upload(Box::new(stored.upload))))
        }
        What::DeliveryEvents => Some(LiveEvent::DeliveryEventsReported),
        What::List | What::Inquiries | What::Account | What::Job => None,
    })
}
