//! What a console or script hears while it follows a server configuration.

use super::{
    Error, Result,
    authentication::{self, Origin, Permission},
    distributions, list_operations, runs, uploads,
    wake::{Signal, What},
};
use crate::state::AppState;
use futures::Stream;
use shared::run::LiveEvent;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

/// How often it is looked whether the listener may still hear.
const CHECK: Duration = Duration::from_secs(3);

/// Every change from now on, for as long as `token` is valid. After a change was missed the listener is told to read
/// everything again.
pub fn follow(state: AppState, server_configuration_id: Uuid, token: String) -> impl Stream<Item = LiveEvent> {
    let mut signals = state.wake.listen();
    let mut checks = tokio::time::interval_at(tokio::time::Instant::now() + CHECK, CHECK);
    checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    async_stream::stream! {
        loop {
            let heard = tokio::select! {
                heard = signals.recv() => heard,
                _ = checks.tick() => {
                    if may_view(&state, &token).await { continue } else { break }
                }
                () = state.wake.closed() => break,
            };
            let what = match heard {
                Ok(Signal { server_configuration_id: of, what }) if of == server_configuration_id => what,
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => {
                    yield LiveEvent::ListChanged;
                    yield LiveEvent::RunSettingsChanged;
                    yield LiveEvent::MailServersChanged;
                    continue;
                }
                Err(RecvError::Closed) => break,
            };
            match event(&state, server_configuration_id, what).await {
                Ok(Some(event)) => yield event,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "cannot tell a listener what changed"),
            }
        }
    }
}

/// Whether a token still lets its holder read. While the database is away nobody's right has ended.
async fn may_view(state: &AppState, token: &str) -> bool {
    let identity = authentication::identify(state, token, Origin::default()).await;
    let access = identity.and_then(|identity| identity.access(Permission::View));
    !matches!(access, Err(Error::Unauthorized | Error::Forbidden(_)))
}

async fn event(state: &AppState, server_configuration_id: Uuid, what: What) -> Result<Option<LiveEvent>> {
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
            stored.map(|stored| LiveEvent::Upload(Box::new(stored.upload)))
        }
        What::List | What::Job => None,
    })
}
