//! Runs: apply the conditions, cancel what the watch period ended, have it distributed (PRODUCT section 4). A run changes
//! many rows as one act, in many small transactions: nobody waits long for one.

mod perform;
mod steps;
mod watch_period;

pub(super) use perform::backoff;
pub use perform::{failed, perform, step};
pub(super) use watch_period::WatchPeriod;

use super::{
    Access, Error, Result, position, schedule::Schedule, server_configurations::OpenConfiguration, wake::What,
};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction,
        audit::NewAuditEntry,
        change_sets, distributions, list_operations, millis, queue, run_settings, runs,
        search::{CursorScope, Keyset},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::{
    Page,
    run::{Run, RunTrigger},
};
use uuid::Uuid;

/// A page of the runs, newest first.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(
    state: &AppState,
    server_configuration_id: Uuid,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<Run>> {
    let scope = CursorScope::new("runs", server_configuration_id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let rows = runs::list(state.db.connection(), server_configuration_id, keyset).await?;
    Ok(scope.page(rows, limit, None, |row| (millis(row.created_at), row.id)))
}

/// One run.
///
/// # Errors
/// [`Error::NotFound`] when the configuration has no such run; the database refused.
pub async fn get(state: &AppState, server_configuration_id: Uuid, id: Uuid) -> Result<Run> {
    let stored = runs::get(state.db.connection(), id).await?;
    let stored = stored.filter(|stored| stored.server_configuration_id == server_configuration_id);
    Ok(stored.ok_or(Error::NotFound)?.run)
}

/// Queues a whole run at once: "Run now".
///
/// # Errors
/// The database refused.
pub async fn request(state: &AppState, access: &Access, configuration: &OpenConfiguration) -> Result<Run> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let id = enqueue(&transaction, configuration.id, now).await?;
    let after = json!({ "server_configuration": configuration.stored.name });
    let entry = access.audit(now, "run.request", id.to_string());
    transaction.audit(NewAuditEntry { after: Some(after), ..entry });
    let run = runs::get(&transaction, id).await?.ok_or(Error::NotFound)?.run;
    state.wake.commit(transaction, configuration.id, &[What::Run(id), What::Job]).await?;
    Ok(run)
}

/// Queues an immediate run in the caller's transaction; the caller tells `What::Run` and `What::Job`.
pub(super) async fn enqueue(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let id = runs::insert(transaction, server_configuration_id, RunTrigger::Immediate, None, now)
        .await?
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("an immediate run was taken for a scheduled one")))?;
    queue::ring(transaction, queue::Job::Run(id), 0).await?;
    Ok(id)
}

/// Queues the scheduled run of every server configuration that is due. However often and on however many nodes this is
/// called, a local day gets one run; of several missed days only the latest is made up. What fails for one
/// configuration keeps no other from its run.
///
/// # Errors
/// The database does not work.
pub async fn schedule(state: &AppState) -> Result<()> {
    let now = state.clock.now();
    for server_configuration_id in run_settings::due(state.db.connection(), now).await? {
        match schedule_one(state, server_configuration_id, now).await {
            Ok(()) => {}
            Err(error @ (Error::Unavailable(_) | Error::StorageFull(_))) => return Err(error),
            Err(error) => tracing::error!(%error, %server_configuration_id, "cannot schedule a run; trying again"),
        }
    }
    Ok(())
}

/// Queues the scheduled run of a server configuration if it is still due.
async fn schedule_one(state: &AppState, server_configuration_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?;
    let settings = run_settings::get(&transaction, server_configuration_id).await?;
    let Some(mut settings) = settings.filter(|settings| settings.next_run_at <= now) else { return Ok(()) };
    let schedule = Schedule::parse(&settings.execute_timing, &settings.time_zone)?;
    let day = schedule.latest_due_day(now);
    let run = runs::insert(&transaction, server_configuration_id, RunTrigger::Schedule, Some(day), now).await?;
    settings.next_run_at = schedule.next(now, Some(day));
    run_settings::save(&transaction, server_configuration_id, &settings).await?;
    let mut changes = vec![What::RunSettings];
    if let Some(id) = run {
        queue::ring(&transaction, queue::Job::Run(id), 0).await?;
        changes.extend([What::Run(id), What::Job]);
    }
    state.wake.commit(transaction, server_configuration_id, &changes).await
}

/// Tells the queue again of every run, distribution and list operation that waits, unless it was told within `patience`:
/// neither a lost job nor a crash loses work.
///
/// # Errors
/// The database refused.
pub async fn sweep(state: &AppState, patience: TimeDelta) -> Result<()> {
    let now = state.clock.now();
    let connection = state.db.connection();
    let runs_waiting = runs::waiting(connection, now - patience).await?;
    let distributions_waiting = distributions::waiting(connection, now - patience).await?;
    let operations_waiting = list_operations::waiting(connection, now - patience).await?;
    if runs_waiting.is_empty() && distributions_waiting.is_empty() && operations_waiting.is_empty() {
        return Ok(());
    }
    let transaction = state.db.begin().await?;
    for id in runs_waiting {
        runs::rung(&transaction, id, now).await?;
        queue::ring(&transaction, queue::Job::Run(id), 0).await?;
    }
    for id in distributions_waiting {
        distributions::rung(&transaction, id, now).await?;
        queue::ring(&transaction, queue::Job::Distribution(id), 0).await?;
    }
    for id in operations_waiting {
        list_operations::rung(&transaction, id, now).await?;
        queue::ring(&transaction, queue::Job::ListOperation(id), 0).await?;
    }
    // The nil configuration: a doorbell that concerns none in particular.
    state.wake.commit(transaction, Uuid::nil(), &[What::Job]).await
}
