//! Runs: apply the conditions, cancel what the watch period ended, have it distributed (PRODUCT section 4).

use super::{
    Access, Error, Result, audit, blocked_addresses::take_from_sets, position, schedule::Schedule,
    server_configurations::OpenConfiguration, wake::What,
};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction,
        audit::NewAuditEntry,
        blocked_addresses::{
            self,
            ending::{self, Ending},
        },
        change_sets::{self, ChangeSet, Sum},
        conditions::{self, Condition},
        distributions, list_operations, millis, queue, run_settings,
        run_settings::StoredRunSettings,
        runs,
        search::{CursorScope, Keyset},
    },
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::json;
use shared::{
    Page,
    list::RemovalCause,
    run::{DistributionKind, FailureCause, ReasonCount, Run, RunState, RunTrigger},
};
use std::{collections::HashMap, time::Instant};
use uuid::Uuid;

/// How often a run is begun before it is given up.
const MAX_ATTEMPTS: i64 = 8;
/// Rows handled in one statement: their addresses are held in memory.
const BATCH: i64 = 10_000;

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
/// called, a local day gets one run; of several missed days only the latest is made up.
///
/// # Errors
/// The database refused.
pub async fn schedule(state: &AppState) -> Result<()> {
    let now = state.clock.now();
    for server_configuration_id in run_settings::due(state.db.connection(), now).await? {
        let transaction = state.db.begin().await?;
        change_sets::lock(&transaction, server_configuration_id).await?;
        let Some(mut settings) = run_settings::get(&transaction, server_configuration_id).await? else { continue };
        if settings.next_run_at > now {
            continue;
        }
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
        state.wake.commit(transaction, server_configuration_id, &changes).await?;
    }
    Ok(())
}

/// Performs a run. Doing it twice does nothing the second time; while another run of the same configuration is being
/// performed it does nothing, because that one rings for the next when it ends.
///
/// # Errors
/// The database refused; then the list is as it was.
pub async fn perform(state: &AppState, id: Uuid) -> Result<()> {
    let Some(server_configuration_id) = begin(state, id).await? else { return Ok(()) };
    let (now, begun) = (state.clock.now(), Instant::now());
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let stored = runs::get(&transaction, id).await?.ok_or(Error::NotFound)?;
    if stored.run.finished_at.is_some() {
        return Ok(());
    }
    let mut settings = run_settings::get(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let rules = conditions::list(&transaction, server_configuration_id).await?;
    let mut set = change_sets::create(&transaction, server_configuration_id, now).await?;
    change_sets::of_run(&transaction, set.id, id).await?;

    let cancelled = cancel_watched(&transaction, server_configuration_id, &settings, &mut set, now).await?;
    let disabled = cancel_disabled(&transaction, server_configuration_id, &rules, &mut set, now).await?;
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
    runs::finish(&transaction, id, &blocked, cancelled, distribution, state.clock.now()).await?;
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

/// Claims a run: `None` when there is nothing to do.
async fn begin(state: &AppState, id: Uuid) -> Result<Option<Uuid>> {
    let Some(stored) = runs::get(state.db.connection(), id).await? else { return Ok(None) };
    let server_configuration_id = stored.server_configuration_id;
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?;
    let Some(stored) = runs::get(&transaction, id).await? else { return Ok(None) };
    if stored.run.finished_at.is_some() || runs::is_another_running(&transaction, server_configuration_id, id).await? {
        return Ok(None);
    }
    let now = state.clock.now();
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

/// Ends the blocks whose watch period is over, oldest first, at most the daily limit. Whole minutes count: a block made
/// by a nightly run is as old as its period when the run of that night begins, though the first took some seconds.
async fn cancel_watched(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    settings: &StoredRunSettings,
    set: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<i64> {
    let Some(days) = settings.watch_period_days else { return Ok(0) };
    let minute = now.duration_trunc(TimeDelta::minutes(1)).map_err(|error| Error::Internal(error.into()))?;
    let until = minute + TimeDelta::minutes(1) - TimeDelta::milliseconds(1) - TimeDelta::days(days);
    let mut left = i64::MAX;
    if let Some(limit) = settings.watch_daily_limit {
        let schedule = Schedule::parse(&settings.execute_timing, &settings.time_zone)?;
        let today = schedule.day_start(schedule.day(now));
        let ended =
            blocked_addresses::ended_since(transaction, server_configuration_id, RemovalCause::WatchPeriod, today)
                .await?;
        left = (limit - ended).max(0);
    }
    let ending = Ending::MadeUntil(until);
    end_all(transaction, server_configuration_id, ending, left, RemovalCause::WatchPeriod, set, now).await
}

/// Ends live blocks, oldest first, at most `limit`; returns how many.
async fn end_all(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    what: Ending,
    limit: i64,
    cause: RemovalCause,
    set: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<i64> {
    let mut done = 0;
    let mut taken: HashMap<Uuid, Sum> = HashMap::new();
    while done < limit {
        let batch = BATCH.min(limit - done);
        let Some(last) = ending::next_ending(transaction, server_configuration_id, what, batch).await? else { break };
        let ended = ending::end_batch(transaction, server_configuration_id, what, last, cause, set.id, now).await?;
        for block in &ended {
            if block.published {
                set.removed.add(&block.key);
            } else {
                taken.entry(block.added_set_id).or_default().add(&block.key);
            }
        }
        done += ended.len() as i64;
    }
    take_from_sets(transaction, taken).await?;
    Ok(done)
}

/// Ends the blocks of conditions that were disabled with "cancel blocking"; returns how many. While a list operation is at work, the next
/// run looks again: the operation may yet put blocks back.
async fn cancel_disabled(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    rules: &[Condition],
    set: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<i64> {
    let mut cancelled = 0;
    let again = change_sets::is_building(transaction, server_configuration_id).await?;
    for rule in rules.iter().filter(|rule| rule.cancel_requested) {
        let (ending, cause) = (Ending::Reason(rule.reason), RemovalCause::ConditionDisabled);
        cancelled += end_all(transaction, server_configuration_id, ending, i64::MAX, cause, set, now).await?;
        let done = Condition { cancel_requested: again, ..*rule };
        conditions::save(transaction, server_configuration_id, &done).await?;
    }
    Ok(cancelled)
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
