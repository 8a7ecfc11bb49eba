//! What is not kept for ever: delivery events that are older than the account's retention, counts that no report
//! shows, ended sessions, replaced keys, and links that work no longer.
//!
//! Counts and blocks that events led to stay. What ended on a list (`removed_blocks`, change sets, distributions) stays
//! too: agents that were away catch up by it, and it is the evidence of what was blocked when.

use super::{Result, delivery_report, signing_keys};
use crate::{
    state::AppState,
    store::{Db, delivery_events, event_tallies, invitations, password_resets, server_configurations, sessions},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use uuid::Uuid;

/// Between two steps, so that on SQLite everybody else gets the write lock.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a link that has expired still says so, and an invitation can be renewed.
const LINKS_REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Removes what is too old, in small steps. Several nodes may do so at the same time.
///
/// # Errors
/// The database refused; what was removed until then stays removed.
pub async fn remove_old(state: &AppState) -> Result<()> {
    let now = state.clock.now();
    signing_keys::remove_ended(&state.db, now).await?;
    sessions::remove_expired(state.db.connection(), now).await?;
    invitations::remove_expired(state.db.connection(), now - LINKS_REMEMBERED).await?;
    password_resets::remove_expired(state.db.connection(), now - LINKS_REMEMBERED).await?;
    for (id, days) in server_configurations::event_retentions(state.db.connection()).await? {
        remove_events(&state.db, id, now - TimeDelta::days(days)).await?;
        let before = now - delivery_report::KEPT;
        if event_tallies::has_older(state.db.connection(), id, before).await? {
            remove(&state.db, Old::ReportCounts, id, before).await?;
        }
    }
    Ok(())
}

async fn remove_events(db: &Db, server_configuration_id: Uuid, before: DateTime<Utc>) -> Result<()> {
    if !delivery_events::has_older(db.connection(), server_configuration_id, before).await? {
        return Ok(());
    }
    // First: an event whose id is forgotten must not be taken in again. This waits for the batches that are being
    // stored, and the ones after them know.
    server_configurations::remove_events_before(db.connection(), server_configuration_id, before).await?;
    remove(db, Old::Events, server_configuration_id, before).await
}

/// What a server configuration has much of.
#[derive(Debug, Clone, Copy)]
enum Old {
    Events,
    ReportCounts,
}

/// Removes in small steps what is of before a time.
async fn remove(db: &Db, what: Old, server_configuration_id: Uuid, before: DateTime<Utc>) -> Result<()> {
    loop {
        let step = db.begin().await?;
        let more = match what {
            Old::Events => delivery_events::remove_some(&step, server_configuration_id, before).await?,
            Old::ReportCounts => event_tallies::remove_some(&step, server_configuration_id, before).await?,
        };
        step.commit().await?;
        db.give_back_space().await?;
        if !more {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
