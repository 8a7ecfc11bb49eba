//! What a console or script hears while it follows a server configuration.

use super::{
    Result, distributions, runs,
    wake::{Signal, What},
};
use crate::state::AppState;
use futures::Stream;
use shared::run::LiveEvent;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

/// Every change from now on. After a change was missed the listener is told to read everything again.
pub fn follow(state: AppState, server_configuration_id: Uuid) -> impl Stream<Item = LiveEvent> {
    let mut signals = state.wake.listen();
    async_stream::stream! {
        loop {
            let heard = tokio::select! {
                heard = signals.recv() => heard,
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

async fn event(state: &AppState, server_configuration_id: Uuid, what: What) -> Result<Option<LiveEvent>> {
    Ok(match what {
        What::Rows => Some(LiveEvent::ListChanged),
        What::RunSettings => Some(LiveEvent::RunSettingsChanged),
        What::MailServers => Some(LiveEvent::MailServersChanged),
        What::Run(id) => Some(LiveEvent::Run(runs::get(state, server_configuration_id, id).await?)),
        What::Distribution(id) => {
            Some(LiveEvent::Distribution(distributions::get(state, server_configuration_id, id).await?))
        }
        What::List | What::Job => None,
    })
}
