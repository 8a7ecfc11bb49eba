//! Runs: apply the conditions, cancel what the watch period ended, have it distributed (PRODUCT section 4).

mod cancelling;
mod watch_period;

pub(super) use watch_period::WatchPeriod;

use super::{
    Access, Error, Result, audit, position, schedule::Schedule, server_configurations::OpenConfiguration, wake::What,
};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction, Pool,
        audit::NewAuditEntry,
        change_sets::{self, ChangeSet},
        conditions::{self, Condition},
        distributions, list_operations, millis, queue, run_settings, runs,
        search::{CursorScope, Keyset},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::{
    Page,
    run::{DistributionKind, FailureCause, ReasonCount, Run, RunState, RunTrigger},
};
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// How often a run is begun before it is given up.
const MAX_ATTEMPTS: i64 = 8;
/// Rows handled in one statement: their addresses are held in memory.
const BATCH: i64 = 10_000;
/// How often it is noted that a run is being performed: long before the sweep takes its job for dead.
const NOTE: Duration = Duration::from_secs(5);
/// After how many seconds a job looks again that found another at work.
const LOOK_AGAIN: u32 = 5;

/// How long to wait before the next attempt, in seconds.
pub(super) fn backoff(attempts: i64) -> u32 {
    1 << attempts.clamp(0, 6)
}

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
    // A run may hold it for minutes: the other configurations do not wait for that, and this one is looked at again.
    if change_sets::try_lock(&transaction, server_configuration_id).await?.is_none() {
        return Ok(());
    }
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

/// Performs a run. Doing it twice does nothing the second time; while another run of the same configuration is being
/// performed it does nothing, because that one rings for the next when it ends.
///
/// # Errors
/// The database refused; then the list is as it was.
pub async fn perform(state: &AppState, id: Uuid) -> Result<()> {
    let Some(server_configuration_id) = begin(state, id).await? else { return Ok(()) };
    let begun = Instant::now();
    let _noting = at_work(state, id);
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let stored = runs::get(&transaction, id).await?.ok_or(Error::NotFound)?;
    if stored.run.finished_at.is_some() {
        return Ok(());
    }
    let now = not_before(state, &stored.run);
    let mut settings = run_settings::get(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let rules = conditions::list(&transaction, server_configuration_id).await?;
    let mut set = change_sets::create(&transaction, server_configuration_id, now).await?;
    change_sets::of_run(&transaction, set.id, id).await?;

    let scheduled_for = stored.run.scheduled_for;
    let cancelled =
        cancelling::watched(&transaction, server_configuration_id, &settings, scheduled_for, &mut set, now).await?;
    let disabled = cancelling::disabled(&transaction, server_configuration_id, &rules, &mut set, now).await?;
    if settings.conditions_changed {
        conditions::mark_passing(&transaction, server_configuration_id).await?;
    }
    let blocked = block(&transaction, server_configuration_id, &rules, &mut set, now).await?;

    if set.added.count == 0 && set.removed.count == 0 {
        change_sets::discard(&transaction, set.id).await?;
    } else {
        change_sets::save(&transaction, &set).await?;
    }
    let distribution = distributions::insert(&transaction, server_configuration_id, DistributionKind::Run, now).await?;
    queue::ring(&transaction, queue::Job::Distribution(distribution), 0).await?;
    settings.conditions_changed = false;
    settings.previous_execution_at = Some(now);
    run_settings::save(&transaction, server_configuration_id, &settings).await?;
    runs::finish(&transaction, id, &blocked, cancelled, distribution, not_before(state, &stored.run)).await?;
    ring_next(&transaction, server_configuration_id).await?;
    let added: i64 = blocked.iter().map(|count| count.count).sum();
    // What nobody asked for and changed nothing is no change.
    if added + cancelled + disabled > 0 || stored.run.trigger == RunTrigger::Immediate {
        let told = json!({ "blocked": added, "watch_period": cancelled, "condition_disabled": disabled });
        audit::by_service(&transaction, server_configuration_id, now, "run.done", (id, told)).await?;
    }
    let changes = [What::Rows, What::RunSettings, What::Run(id), What::Distribution(distribution), What::Job];
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    state.metrics.run_done(stored.run.trigger, begun.elapsed(), now, &blocked, cancelled);
    Ok(())
}

/// The present time, for a run that another node may have asked for: its clock may be ahead of this one's, by which the
/// run of midnight would do its work on the day before.
fn not_before(state: &AppState, run: &Run) -> DateTime<Utc> {
    state.clock.now().max(run.created_at)
}

/// Has it noted, until what it returns is dropped, that a run is being performed. With SQLite nobody could ring for it
/// once more, as the run's transaction keeps every other writer waiting.
fn at_work(state: &AppState, id: Uuid) -> Option<AbortOnDropHandle<()>> {
    match state.db.pool() {
        Pool::Sqlite(_) => None,
        Pool::Postgres(_) => Some(AbortOnDropHandle::new(tokio::spawn(keep_noting(state.clone(), id)))),
    }
}

async fn keep_noting(state: AppState, id: Uuid) {
    loop {
        tokio::time::sleep(NOTE).await;
        if let Err(error) = runs::rung(state.db.connection(), id, state.clock.now()).await {
            tracing::warn!(%error, "cannot note that a run is being performed");
        }
    }
}

/// Claims a run: `None` when there is nothing to do, or not yet.
async fn begin(state: &AppState, id: Uuid) -> Result<Option<Uuid>> {
    let connection = state.db.connection();
    let stored = runs::get(connection, id).await?.filter(|stored| stored.run.finished_at.is_none());
    let Some(stored) = stored else { return Ok(None) };
    let server_configuration_id = stored.server_configuration_id;
    let may_be_at_work = stored.run.state == RunState::Running
        || runs::is_another_running(connection, server_configuration_id, id).await?;
    let transaction = state.db.begin().await?;
    let locked = if may_be_at_work {
        change_sets::try_lock(&transaction, server_configuration_id).await?
    } else {
        change_sets::lock(&transaction, server_configuration_id).await?
    };
    if locked.is_none() {
        // Jobs that waited as long as a run takes would keep the workers from everybody else.
        queue::ring(&transaction, queue::Job::Run(id), LOOK_AGAIN).await?;
        transaction.commit().await?;
        return Ok(None);
    }
    let Some(stored) = runs::get(&transaction, id).await? else { return Ok(None) };
    if stored.run.finished_at.is_some() || runs::is_another_running(&transaction, server_configuration_id, id).await? {
        return Ok(None);
    }
    let now = not_before(state, &stored.run);
    if stored.attempts >= MAX_ATTEMPTS {
        let before = stored.run.error.unwrap_or_else(|| "the process ended each time".to_owned());
        let error = format!("given up after {} attempts: {before}", stored.attempts);
        // The process that ends each time notes nothing.
        let cause = stored.run.error_cause.unwrap_or(FailureCause::Interrupted);
        runs::fail(&transaction, id, &error, cause, Some(now)).await?;
        ring_next(&transaction, server_configuration_id).await?;
        state.wake.commit(transaction, server_configuration_id, &[What::Run(id), What::Job]).await?;
        state.metrics.run_given_up(stored.run.trigger, now);
        return Ok(None);
    }
    runs::begin(&transaction, id, now).await?;
    state.wake.commit(transaction, server_configuration_id, &[What::Run(id)]).await?;
    Ok(Some(server_configuration_id))
}

/// Rings for the run that waited for this one.
async fn ring_next(transaction: &DatabaseTransaction, server_configuration_id: Uuid) -> Result<()> {
    if let Some(next) = runs::next_queued(transaction, server_configuration_id).await? {
        queue::ring(transaction, queue::Job::Run(next), 0).await?;
    }
    Ok(())
}

/// Notes why a run failed and has it tried again, later each time; the last time it is given up.
///
/// # Errors
/// The database refused; then the sweep tries again.
pub async fn failed(state: &AppState, id: Uuid, error: &Error) -> Result<()> {
    let transaction = state.db.begin().await?;
    let Some(stored) = runs::get(&transaction, id).await? else { return Ok(()) };
    if matches!(stored.run.state, RunState::Done | RunState::Failed) {
        return Ok(());
    }
    let given_up = stored.attempts >= MAX_ATTEMPTS;
    runs::fail(&transaction, id, &error.to_string(), error.cause(), given_up.then(|| state.clock.now())).await?;
    if given_up {
        ring_next(&transaction, stored.server_configuration_id).await?;
    } else {
        queue::ring(&transaction, queue::Job::Run(id), backoff(stored.attempts)).await?;
    }
    state.wake.commit(transaction, stored.server_configuration_id, &[What::Run(id), What::Job]).await?;
    state.metrics.run_attempt_failed();
    if given_up {
        state.metrics.run_given_up(stored.run.trigger, state.clock.now());
    }
    Ok(())
}

/// Blocks every address with a changed tally that passes an enabled condition.
async fn block(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    rules: &[Condition],
    set: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<Vec<ReasonCount>> {
    let mut counts: Vec<ReasonCount> = Vec::new();
    let mut after = String::new();
    while let Some(last) =
        conditions::next_changed(transaction, server_configuration_id, &after, BATCH as usize).await?
    {
        let batch = (after.as_str(), last.as_str());
        let blocked =
            conditions::block_passing(transaction, server_configuration_id, set.id, rules, batch, now).await?;
        for (key, reason) in blocked {
            set.added.add(&key);
            match counts.iter_mut().find(|count| count.reason == reason) {
                Some(count) => count.count += 1,
                None => counts.push(ReasonCount { reason, count: 1 }),
            }
        }
        after = last;
    }
    conditions::clear_changed(transaction, server_configuration_id).await?;
    counts.sort_by_key(|count| count.reason);
    Ok(counts)
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
