//! How a run is performed: step by step, each one transaction.

use super::steps::{Done, Outcome, Work};
use crate::{
    service::{
        Error, Result, audit,
        pace::{FIRST_ROWS, next_rows},
        wake::What,
    },
    state::AppState,
    store::{
        DatabaseTransaction, change_sets, queue,
        runs::{self, Progress, Stage, StoredRun},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::run::{FailureCause, Run, RunTrigger};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often a run is begun before it is given up.
const MAX_ATTEMPTS: i64 = 8;
/// For how long a step takes batch after batch in its transaction. A run is seldom, and each step has the same pages of the
/// indexes written once more: in steps of 80 ms it took half as long again.
const STEP: Duration = Duration::from_secs(1);
/// How long a batch should take.
const BATCH: Duration = Duration::from_millis(250);
/// After how many seconds a job looks again that found another at the last attempt.
const LOOK_AGAIN: u32 = 5;
/// Longer than a step takes.
const AT_WORK: TimeDelta = TimeDelta::seconds(30);

/// How long to wait before the next attempt, in seconds.
pub(in crate::service) fn backoff(attempts: i64) -> u32 {
    1 << attempts.clamp(0, 6)
}

/// Performs a run. Doing it twice does nothing the second time; while another run of the same configuration is being
/// performed it does nothing, because that one rings for the next when it ends.
///
/// # Errors
/// The database refused; the list is as it was.
pub async fn perform(state: &AppState, id: Uuid) -> Result<()> {
    let begun = Instant::now();
    let Some(claim) = begin(state, id).await? else { return Ok(()) };
    let mut rows = FIRST_ROWS;
    while let Some(next) = take_step(state, claim, rows, STEP, begun).await? {
        rows = next;
    }
    Ok(())
}

/// Performs one step of one batch of at most `rows` rows; false when nothing is left to do.
///
/// # Errors
/// As [`perform`].
pub async fn step(state: &AppState, id: Uuid, rows: usize) -> Result<bool> {
    let at_work = runs::get(state.db.connection(), id).await?.filter(|stored| stored.progress.is_some());
    let claim = match at_work {
        Some(StoredRun { server_configuration_id, attempts: attempt, .. }) => {
            Some(Claim { id, server_configuration_id, attempt })
        }
        None => begin(state, id).await?,
    };
    let Some(claim) = claim else { return Ok(false) };
    Ok(take_step(state, claim, rows, Duration::ZERO, Instant::now()).await?.is_some())
}

/// The present time, for a run that another node may have asked for: its clock may be ahead of this one's, by which the
/// run of midnight would do its work on the day before.
fn not_before(state: &AppState, run: &Run) -> DateTime<Utc> {
    state.clock.now().max(run.created_at)
}

/// A run that a job performs.
#[derive(Debug, Clone, Copy)]
struct Claim {
    id: Uuid,
    server_configuration_id: Uuid,
    /// The attempt that the job is: when another job begins the run, this one leaves it.
    attempt: i64,
}

/// Claims a run: `None` when there is nothing to do, or not yet.
async fn begin(state: &AppState, id: Uuid) -> Result<Option<Claim>> {
    let Some(stored) = runs::get(state.db.connection(), id).await? else { return Ok(None) };
    let server_configuration_id = stored.server_configuration_id;
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?;
    let Some(stored) = runs::get(&transaction, id).await? else { return Ok(None) };
    if stored.run.finished_at.is_some() || runs::is_another_running(&transaction, server_configuration_id, id).await? {
        return Ok(None);
    }
    let claim = Claim { id, server_configuration_id, attempt: stored.attempts };
    if is_taking_back(&stored) {
        return Ok(Some(claim));
    }
    let now = not_before(state, &stored.run);
    if stored.attempts < MAX_ATTEMPTS {
        runs::begin(&transaction, id, now).await?;
        state.wake.commit(transaction, server_configuration_id, &[What::Run(id)]).await?;
        return Ok(Some(Claim { attempt: stored.attempts + 1, ..claim }));
    }
    if stored.progress.as_ref().is_some_and(|progress| now - progress.at < AT_WORK) {
        // Its last attempt is going on.
        ring_in(&transaction, id, LOOK_AGAIN, now).await?;
        transaction.commit().await?;
        return Ok(None);
    }
    let before = stored.run.error.as_deref().unwrap_or("the process ended each time");
    let error = format!("given up after {} attempts: {before}", stored.attempts);
    // The process that ends each time notes nothing.
    let cause = stored.run.error_cause.unwrap_or(FailureCause::Interrupted);
    runs::fail(&transaction, id, &error, cause).await?;
    let goes_on = take_back(&transaction, &stored, now).await?;
    if !goes_on {
        give_up(&transaction, &stored, now).await?;
    }
    state.wake.commit(transaction, server_configuration_id, &[What::Run(id), What::Job]).await?;
    if !goes_on {
        state.metrics.run_given_up(stored.run.trigger, now);
    }
    Ok(goes_on.then_some(claim))
}

fn is_taking_back(stored: &StoredRun) -> bool {
    stored.progress.as_ref().is_some_and(|progress| progress.stage == Stage::TakeBack)
}

/// Has the next steps take back what a run has prepared; false when there is nothing.
async fn take_back(transaction: &DatabaseTransaction, stored: &StoredRun, now: DateTime<Utc>) -> Result<bool> {
    let Some(progress) = &stored.progress else { return Ok(false) };
    let taking_back = Progress { stage: Stage::TakeBack, ..progress.clone() };
    runs::save_progress(transaction, stored.run.id, Some(&taking_back), now).await?;
    Ok(true)
}

/// Ends a run of which nothing is prepared.
async fn give_up(transaction: &DatabaseTransaction, stored: &StoredRun, now: DateTime<Utc>) -> Result<()> {
    runs::give_up(transaction, stored.run.id, now).await?;
    ring_next(transaction, stored.server_configuration_id).await
}

/// Rings for a run in some seconds. The sweep need not before: two jobs would take the last attempt for two.
async fn ring_in(transaction: &DatabaseTransaction, id: Uuid, seconds: u32, now: DateTime<Utc>) -> Result<()> {
    queue::ring(transaction, queue::Job::Run(id), seconds).await?;
    Ok(runs::rung(transaction, id, now + TimeDelta::seconds(seconds.into())).await?)
}

/// Rings for the run that waited for this one.
async fn ring_next(transaction: &DatabaseTransaction, server_configuration_id: Uuid) -> Result<()> {
    if let Some(next) = runs::next_queued(transaction, server_configuration_id).await? {
        queue::ring(transaction, queue::Job::Run(next), 0).await?;
    }
    Ok(())
}

/// One step in one transaction, which takes batches for some time, the first of so many `rows`. Returns how many rows the
/// next batch may have, if more is left. `begun`: when this job began.
async fn take_step(
    state: &AppState,
    Claim { id, server_configuration_id, attempt }: Claim,
    mut rows: usize,
    time: Duration,
    begun: Instant,
) -> Result<Option<usize>> {
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let locked = Instant::now();
    let Some(stored) = runs::get(&transaction, id).await? else { return Ok(None) };
    if stored.run.finished_at.is_some() || stored.attempts != attempt {
        return Ok(None);
    }
    let now = not_before(state, &stored.run);
    let mut work = Work::open(&transaction, &stored, now).await?;
    let (mut begins, mut before) = (stored.progress.is_none(), locked.elapsed());
    let outcome = loop {
        if !begins && !work.takes_back() {
            // What is prepared would leave no room for an event, nor for taking it back. A first batch is as small as those.
            state.db.check_room()?;
        }
        begins = false;
        let outcome = work.go_on(rows).await?;
        let now = locked.elapsed();
        rows = next_rows(rows, now - before, BATCH);
        // On a full disk what a batch takes back is room for the next.
        if outcome != Outcome::More || now >= time || work.takes_back() {
            break outcome;
        }
        before = now;
    };
    match outcome {
        Outcome::More => {
            let taking_back = work.takes_back();
            work.save().await?;
            change_sets::need_not_last(&transaction).await?;
            transaction.commit().await?;
            if taking_back {
                state.db.give_back_space().await?;
            }
            return Ok(Some(rows));
        }
        Outcome::Done => {
            let done = work.finish(stored.run.started_at.unwrap_or(now)).await?;
            ring_next(&transaction, server_configuration_id).await?;
            tell(state, transaction, &stored, done, now, begun).await?;
        }
        Outcome::TakenBack => {
            work.leave().await?;
            let given_up = stored.attempts >= MAX_ATTEMPTS;
            if given_up {
                give_up(&transaction, &stored, now).await?;
            } else {
                ring_in(&transaction, id, backoff(stored.attempts), now).await?;
            }
            state.wake.commit(transaction, server_configuration_id, &[What::Run(id), What::Job]).await?;
            if given_up {
                state.metrics.run_given_up(stored.run.trigger, now);
            }
            state.db.give_back_space().await?;
        }
    }
    Ok(None)
}

/// Commits what a run did, and tells of it.
async fn tell(
    state: &AppState,
    transaction: DatabaseTransaction,
    stored: &StoredRun,
    done: Done,
    now: DateTime<Utc>,
    begun: Instant,
) -> Result<()> {
    let (id, server_configuration_id, trigger) = (stored.run.id, stored.server_configuration_id, stored.run.trigger);
    let added: i64 = done.blocked.iter().map(|count| count.count).sum();
    // What nobody asked for and changed nothing is no change.
    if added + done.cancelled + done.disabled > 0 || trigger == RunTrigger::Immediate {
        let told = json!({ "blocked": added, "watch_period": done.cancelled, "condition_disabled": done.disabled });
        audit::by_service(&transaction, server_configuration_id, now, "run.done", (id, told)).await?;
    }
    let changes = [What::Rows, What::RunSettings, What::Run(id), What::Distribution(done.distribution_id), What::Job];
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    state.metrics.run_done(trigger, begun.elapsed(), now, &done.blocked, done.cancelled);
    Ok(())
}

/// Notes why a run failed and has it tried again, later each time; the last time what it has prepared is taken back, and
/// it is given up. On a full disk that is taken back at once: others need the room.
///
/// # Errors
/// The database refused; then the sweep tries again.
pub async fn failed(state: &AppState, id: Uuid, error: &Error) -> Result<()> {
    let Some(stored) = runs::get(state.db.connection(), id).await? else { return Ok(()) };
    let server_configuration_id = stored.server_configuration_id;
    let transaction = state.db.begin().await?;
    // Another job may be at a step.
    change_sets::lock(&transaction, server_configuration_id).await?;
    let Some(stored) = runs::get(&transaction, id).await? else { return Ok(()) };
    if stored.run.finished_at.is_some() {
        return Ok(());
    }
    let now = not_before(state, &stored.run);
    let given_up = stored.attempts >= MAX_ATTEMPTS;
    let mut pause = backoff(stored.attempts);
    let mut over = false;
    // The error of a run that takes back is why.
    if !is_taking_back(&stored) {
        runs::fail(&transaction, id, &error.to_string(), error.cause()).await?;
        if given_up || matches!(error, Error::StorageFull(_)) {
            if take_back(&transaction, &stored, now).await? {
                pause = 0;
            } else if given_up {
                over = true;
            }
        }
    }
    if over {
        give_up(&transaction, &stored, now).await?;
    } else {
        ring_in(&transaction, id, pause, now).await?;
    }
    state.wake.commit(transaction, server_configuration_id, &[What::Run(id), What::Job]).await?;
    state.metrics.run_attempt_failed();
    if over {
        state.metrics.run_given_up(stored.run.trigger, now);
    }
    Ok(())
}
