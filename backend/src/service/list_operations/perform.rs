//! How an operation is performed: step by step, each one transaction.

use super::{
    ending,
    steps::{Work, look},
};
use crate::{
    service::{
        Error, Result, audit,
        pace::{FIRST_ROWS, next_rows},
        runs::backoff,
        wake::What,
    },
    state::AppState,
    store::{
        DatabaseTransaction, change_sets,
        list_operations::{self, StoredOperation},
        queue, runs,
    },
};
use serde_json::json;
use shared::{list_operation::ListOperationState, run::FailureCause};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How often an operation is begun without one step done before it is given up.
const MAX_ATTEMPTS: i64 = 8;
/// How long one job works at an operation before it leaves the worker to others and rings for itself.
const SLICE: Duration = Duration::from_secs(1);
/// How long the work of a step should take in its transaction.
const STEP: Duration = Duration::from_millis(80);
/// After how many seconds an operation looks again whether the run is done that it found.
const AFTER_RUN: u32 = 1;
/// Progress is told this often.
const TELL: Duration = Duration::from_millis(200);

/// What a step left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// More, with so many rows in the next step.
    More(usize),
    /// Nothing, or nothing for this job.
    Nothing,
}

/// Performs an operation, or a slice of it. While another of the same configuration is being performed it does nothing,
/// because that one rings for the next when it ends.
///
/// # Errors
/// The database refused; the lists are as they were.
pub async fn perform(state: &AppState, id: Uuid) -> Result<()> {
    let begun = Instant::now();
    if !begin(state, id).await? {
        return Ok(());
    }
    let (mut rows, mut told) = (FIRST_ROWS, begun);
    loop {
        let pause = begun.elapsed() > SLICE;
        let tell = pause || told.elapsed() > TELL;
        if tell {
            told = Instant::now();
        }
        let Left::More(next) = take_step(state, id, rows, tell, pause).await? else { return Ok(()) };
        if pause {
            return Ok(());
        }
        rows = next;
    }
}

/// Performs one step of at most `rows` rows; false when nothing is left to do.
///
/// # Errors
/// As [`perform`].
pub async fn step(state: &AppState, id: Uuid, rows: usize) -> Result<bool> {
    Ok(begin(state, id).await? && take_step(state, id, rows, true, false).await? != Left::Nothing)
}

/// Claims an operation; false when there is nothing to do.
async fn begin(state: &AppState, id: Uuid) -> Result<bool> {
    let now = state.clock.now();
    let Some(stored) = list_operations::get(state.db.connection(), id).await? else { return Ok(false) };
    let server_configuration_id = stored.server_configuration_id;
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?;
    let Some(mut stored) = list_operations::get(&transaction, id).await? else { return Ok(false) };
    if stored.operation.state.is_final()
        || list_operations::is_another_running(&transaction, server_configuration_id, id).await?
    {
        return Ok(false);
    }
    if waits_for_run(&transaction, &stored).await? {
        list_operations::rung(&transaction, id, now).await?;
        transaction.commit().await?;
        return Ok(false);
    }
    if stored.operation.state == ListOperationState::Queued {
        stored.operation.state = ListOperationState::Running;
        stored.operation.started_at = Some(now);
    }
    if stored.operation.state == ListOperationState::Running && stored.attempts >= MAX_ATTEMPTS {
        let before = stored.operation.error.unwrap_or_else(|| "the process ended each time".to_owned());
        stored.operation.error = Some(format!("given up after {} attempts: {before}", stored.attempts));
        stored.operation.error_cause.get_or_insert(FailureCause::Interrupted);
        stored.operation.state = ListOperationState::Cancelling;
    }
    stored.attempts += 1;
    list_operations::save(&transaction, &stored, now).await?;
    state.wake.commit(transaction, server_configuration_id, &[What::ListOperation(id)]).await?;
    Ok(true)
}

/// Rings again in a while and is true where a run has prepared something: both would build their sets of the same
/// addresses, neither of which counts for the other.
async fn waits_for_run(transaction: &DatabaseTransaction, stored: &StoredOperation) -> Result<bool> {
    let waits = runs::is_any_building(transaction, stored.server_configuration_id).await?;
    if waits {
        queue::ring(transaction, queue::Job::ListOperation(stored.operation.id), AFTER_RUN).await?;
    }
    Ok(waits)
}

/// One step in one transaction. `pause`: ring for the next job.
async fn take_step(state: &AppState, id: Uuid, rows: usize, tell: bool, pause: bool) -> Result<Left> {
    let now = state.clock.now();
    let connection = state.db.connection();
    let Some(seen) = list_operations::get(connection, id).await? else { return Ok(Left::Nothing) };
    let server_configuration_id = seen.server_configuration_id;
    // What may take long to find is looked for before anybody has to wait.
    let found = look(state, &seen, rows).await?;
    let is_short = found.is_short(rows);
    let taking_back = seen.operation.state == ListOperationState::Cancelling;
    if !taking_back {
        // Half a million rows would leave no room for an event, nor for taking them back.
        state.db.check_room()?;
    }
    let transaction = state.db.begin().await?;
    let head = change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let locked = Instant::now();
    let Some(stored) = list_operations::get(&transaction, id).await? else { return Ok(Left::Nothing) };
    if stored.operation.state.is_final() || stored.operation.state == ListOperationState::Queued {
        return Ok(Left::Nothing);
    }
    if stored.position != seen.position || stored.operation.state != seen.operation.state {
        // Another job was faster, or it was cancelled.
        return Ok(Left::More(rows));
    }
    if waits_for_run(&transaction, &stored).await? {
        list_operations::save(&transaction, &StoredOperation { attempts: 0, ..stored }, now).await?;
        transaction.commit().await?;
        return Ok(Left::Nothing);
    }
    let mut work = Work::open(&transaction, stored, found, rows, now).await?;
    let exhausted = work.step().await?;
    let mut changes = if exhausted { ending::end(&mut work, head).await? } else { Vec::new() };
    let Work { mut stored, set, .. } = work;
    if let Some(set) = set {
        change_sets::save(&transaction, &set).await?;
    }
    stored.attempts = 0;
    if matches!(stored.operation.state, ListOperationState::Running | ListOperationState::Done) {
        stored.operation.error = None;
        stored.operation.error_cause = None;
    }
    list_operations::save(&transaction, &stored, now).await?;
    let over = stored.operation.state.is_final();
    if stored.operation.state == ListOperationState::Done {
        let told = json!({ "kind": stored.operation.kind, "counts": stored.operation.counts });
        audit::by_service(&transaction, server_configuration_id, now, "list_operation.done", (id, told)).await?;
    }
    if over && let Some(next) = list_operations::next_queued(&transaction, server_configuration_id).await? {
        queue::ring(&transaction, queue::Job::ListOperation(next), 0).await?;
        changes.push(What::Job);
    }
    if pause && !over {
        queue::ring(&transaction, queue::Job::ListOperation(id), 0).await?;
        changes.push(What::Job);
    }
    if tell || over {
        changes.push(What::ListOperation(id));
    }
    if !over {
        change_sets::need_not_last(&transaction).await?;
    }
    let took = locked.elapsed();
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    if taking_back {
        state.db.give_back_space().await?;
    }
    if over {
        return Ok(Left::Nothing);
    }
    let next = next_rows(rows, took, STEP);
    // That few rows took no time says nothing of many.
    Ok(Left::More(if is_short { next.min(rows) } else { next }))
}

/// Notes why an operation failed and has it tried again, later each time; the last time what it has prepared is taken
/// back, for as long as that takes. On a full disk that is done at once: others need the room.
///
/// # Errors
/// The database refused; then the sweep tries again.
pub async fn failed(state: &AppState, id: Uuid, error: &Error) -> Result<()> {
    let now = state.clock.now();
    let Some(stored) = list_operations::get(state.db.connection(), id).await? else { return Ok(()) };
    let transaction = state.db.begin().await?;
    // Another job may be at a step.
    change_sets::lock(&transaction, stored.server_configuration_id).await?;
    let Some(mut stored) = list_operations::get(&transaction, id).await? else { return Ok(()) };
    let mut pause = backoff(stored.attempts);
    match stored.operation.state {
        ListOperationState::Done | ListOperationState::Cancelled | ListOperationState::Failed => return Ok(()),
        ListOperationState::Queued | ListOperationState::Running => {
            stored.operation.error = Some(error.to_string());
            stored.operation.error_cause = Some(error.cause());
            if matches!(error, Error::StorageFull(_)) {
                stored.operation.state = ListOperationState::Cancelling;
                pause = 0;
            }
        }
        // The error of a cancelling operation is why it was given up.
        ListOperationState::Cancelling => {}
    }
    list_operations::save(&transaction, &stored, now).await?;
    queue::ring(&transaction, queue::Job::ListOperation(id), pause).await?;
    let changes = [What::ListOperation(id), What::Job];
    state.wake.commit(transaction, stored.server_configuration_id, &changes).await
}
