//! Runs.

use super::{
    Error, Result,
    blocked_addresses::ending::Place,
    error_cause, exists, from_json, millis, optional_time,
    search::{Conditions, Keyset, newest},
    statement, time, to_json,
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, Serialize};
use shared::{
    Reason,
    run::{FailureCause, ReasonCount, Run, RunState, RunTrigger},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A stored run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// How often it was begun.
    pub attempts: i64,
    /// How far it has come; `None` when nothing of it is prepared.
    pub progress: Option<Progress>,
    /// What is shown of it.
    pub run: Run,
}

/// How far a run has come: it goes on from here, in whatever process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The change set that it builds: not ready until the run is done.
    pub change_set_id: Uuid,
    /// When the last step was done.
    pub at: DateTime<Utc>,
    /// The conditions had changed since the run before: it looks at every count.
    pub conditions_changed: bool,
    /// Disabled conditions whose blocks it has cancelled, as was asked for.
    pub disabled: Vec<Reason>,
    /// What it does next.
    pub stage: Stage,
    /// How many addresses it has blocked.
    pub blocked: BTreeMap<Reason, i64>,
    /// How many blocks the watch period has ended.
    pub cancelled: i64,
    /// How many blocks of disabled conditions it has ended.
    pub disabled_count: i64,
}

/// What a run does, in this order. Each place or address is the last that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Ends blocks made up to a time, at most so many.
    Watched {
        /// The watch period in days, and the limit of a day, by which this was reckoned.
        by: (Option<i64>, Option<i64>),
        /// The time.
        until: DateTime<Utc>,
        /// How many more.
        left: i64,
        /// The last block.
        after: Place,
    },
    /// Ends the blocks of a condition that was disabled with "cancel blocking".
    Disabled {
        /// Its reason.
        reason: Reason,
        /// The last block.
        after: Place,
    },
    /// Marks the counts that pass the changed conditions.
    Mark {
        /// The last address.
        after: String,
    },
    /// Blocks what passes.
    Block {
        /// The last address.
        after: String,
    },
    /// Given up, or the disk is full: takes everything back.
    TakeBack,
}

const COLUMNS: &str = "r.id, r.server_configuration_id, r.trigger_kind, r.state, r.scheduled_for, r.created_at, \
                       r.started_at, r.finished_at, r.attempts, r.blocked, r.cancelled, r.distribution_id, r.error, \
                       r.error_cause, r.progress";

fn read(row: &QueryResult) -> Result<StoredRun> {
    let unreadable = |text: &str| Error::Unreadable(text.to_owned());
    let trigger: String = row.try_get("", "trigger_kind")?;
    let state: String = row.try_get("", "state")?;
    let day: Option<String> = row.try_get("", "scheduled_for")?;
    let blocked: String = row.try_get("", "blocked")?;
    let progress: Option<String> = row.try_get("", "progress")?;
    let run = Run {
        id: row.try_get("", "id")?,
        trigger: RunTrigger::ALL
            .into_iter()
            .find(|known| known.as_str() == trigger)
            .ok_or_else(|| unreadable(&trigger))?,
        state: RunState::ALL.into_iter().find(|known| known.as_str() == state).ok_or_else(|| unreadable(&state))?,
        scheduled_for: day.map(|day| day.parse().map_err(|_| unreadable(&day))).transpose()?,
        created_at: time(row.try_get("", "created_at")?)?,
        started_at: optional_time(row.try_get("", "started_at")?)?,
        finished_at: optional_time(row.try_get("", "finished_at")?)?,
        blocked: serde_json::from_str(&blocked).map_err(|_| unreadable(&blocked))?,
        cancelled: row.try_get("", "cancelled")?,
        distribution_id: row.try_get("", "distribution_id")?,
        error: row.try_get("", "error")?,
        error_cause: error_cause(row)?,
    };
    Ok(StoredRun {
        server_configuration_id: row.try_get("", "server_configuration_id")?,
        attempts: row.try_get("", "attempts")?,
        progress: progress.as_deref().map(from_json).transpose()?,
        run,
    })
}

/// Queues a run. `None`: the local day of `scheduled_for` has its run already.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    trigger: RunTrigger,
    scheduled_for: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>> {
    let id = Uuid::now_v7();
    let sql = "INSERT INTO runs (id, server_configuration_id, trigger_kind, state, scheduled_for, created_at, rung_at, \
               attempts, blocked, cancelled) VALUES ($1, $2, $3, 'queued', $4, $5, $5, 0, '[]', 0) \
               ON CONFLICT (server_configuration_id, scheduled_for) DO NOTHING";
    let values = [
        id.into(),
        server_configuration_id.into(),
        trigger.as_str().into(),
        scheduled_for.map(|day| day.to_string()).into(),
        millis(now).into(),
    ];
    let inserted = transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1;
    Ok(inserted.then_some(id))
}

/// One run.
///
/// # Errors
/// The database refused.
pub async fn get<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<StoredRun>> {
    let sql = format!("SELECT {COLUMNS} FROM runs r WHERE r.id = $1");
    let row = connection.query_one_raw(statement(connection, sql, [id.into()])).await?;
    row.as_ref().map(read).transpose()
}

/// The latest local day that has a scheduled run.
///
/// # Errors
/// The database refused.
pub async fn last_scheduled_day<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
) -> Result<Option<NaiveDate>> {
    let sql = "SELECT MAX(scheduled_for) AS day FROM runs WHERE server_configuration_id = $1";
    let row = connection.query_one_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    let day: Option<String> = row.map(|row| row.try_get("", "day")).transpose()?.flatten();
    day.map(|day| day.parse().map_err(|_| Error::Unreadable(day))).transpose()
}

/// When the scheduled runs of a local day and of later ones were done.
///
/// # Errors
/// The database refused.
pub async fn done_since<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    day: NaiveDate,
) -> Result<BTreeMap<NaiveDate, DateTime<Utc>>> {
    let sql = "SELECT scheduled_for, finished_at FROM runs WHERE server_configuration_id = $1 AND scheduled_for >= $2 \
               AND state = 'done'";
    let values = [server_configuration_id.into(), day.to_string().into()];
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter()
        .map(|row| {
            let day: String = row.try_get("", "scheduled_for")?;
            let done_at = time(row.try_get("", "finished_at")?)?;
            Ok((day.parse::<NaiveDate>().map_err(|_| Error::Unreadable(day))?, done_at))
        })
        .collect()
}

/// Whether a run of the configuration has prepared something that does not count yet.
///
/// # Errors
/// The database refused.
pub async fn is_any_building<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM runs WHERE server_configuration_id = $1 AND finished_at IS NULL \
               AND progress IS NOT NULL LIMIT 1";
    exists(connection, sql, [server_configuration_id.into()]).await
}

/// Whether another run of the configuration is being performed.
///
/// # Errors
/// The database refused.
pub async fn is_another_running<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    id: Uuid,
) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM runs WHERE server_configuration_id = $1 AND finished_at IS NULL \
               AND state = 'running' AND id <> $2 LIMIT 1";
    exists(connection, sql, [server_configuration_id.into(), id.into()]).await
}

/// The run that has waited longest, if none is being performed.
///
/// # Errors
/// The database refused.
pub async fn next_queued<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<Option<Uuid>> {
    let sql = "SELECT id FROM runs WHERE server_configuration_id = $1 AND finished_at IS NULL AND state = 'queued' \
               ORDER BY created_at, id LIMIT 1";
    let row = connection.query_one_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

/// Says that a run is begun once more.
///
/// # Errors
/// The database refused.
pub async fn begin<C: ConnectionTrait>(transaction: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE runs SET state = 'running', attempts = attempts + 1, started_at = COALESCE(started_at, $2), \
               rung_at = $2 WHERE id = $1";
    transaction.execute_raw(statement(transaction, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Writes how far a run has come, or that nothing of it is prepared. `now`: it needs no reminder for a while.
///
/// # Errors
/// The database refused.
pub async fn save_progress<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    progress: Option<&Progress>,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE runs SET progress = $2, rung_at = $3 WHERE id = $1";
    let values = [id.into(), progress.map(to_json).transpose()?.into(), millis(now).into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Says that a run is done.
///
/// # Errors
/// The database refused.
pub async fn finish<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    blocked: &[ReasonCount],
    cancelled: i64,
    distribution_id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE runs SET state = 'done', finished_at = $2, blocked = $3, cancelled = $4, distribution_id = $5, \
               error = NULL, error_cause = NULL, progress = NULL WHERE id = $1";
    let values = [id.into(), millis(now).into(), to_json(blocked)?.into(), cancelled.into(), distribution_id.into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Says what went wrong.
///
/// # Errors
/// The database refused.
pub async fn fail<C: ConnectionTrait>(transaction: &C, id: Uuid, error: &str, cause: FailureCause) -> Result<()> {
    let sql = "UPDATE runs SET error = $2, error_cause = $3 WHERE id = $1 AND finished_at IS NULL";
    let values = [id.into(), error.into(), cause.as_str().into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Ends a run that failed; nothing of it is prepared.
///
/// # Errors
/// The database refused.
pub async fn give_up<C: ConnectionTrait>(transaction: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE runs SET state = 'failed', finished_at = $2 WHERE id = $1 AND finished_at IS NULL";
    transaction.execute_raw(statement(transaction, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Runs that are not finished and of which the queue was last told before `before`.
///
/// # Errors
/// The database refused.
pub async fn waiting<C: ConnectionTrait>(connection: &C, before: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let sql = "SELECT id FROM runs WHERE finished_at IS NULL AND rung_at <= $1 ORDER BY created_at, id";
    let rows = connection.query_all_raw(statement(connection, sql, [millis(before).into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Says that the queue was told of a run.
///
/// # Errors
/// The database refused.
pub async fn rung<C: ConnectionTrait>(connection: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE runs SET rung_at = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}

/// The runs of a configuration, newest first.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keyset: Keyset<i64>,
) -> Result<Vec<Run>> {
    let mut conditions = Conditions::new();
    conditions.equal("r.server_configuration_id", server_configuration_id);
    let select = format!("SELECT {COLUMNS} FROM runs r");
    let rows = newest(connection, &select, 'r', conditions, keyset).await?;
    rows.iter().map(|row| Ok(read(row)?.run)).collect()
}
