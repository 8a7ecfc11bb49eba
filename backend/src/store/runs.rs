//! Runs.

use super::{
    Error, Result, error_cause, exists, millis, optional_time,
    search::{Conditions, Keyset, newest},
    statement, time, to_json,
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use shared::run::{FailureCause, ReasonCount, Run, RunState, RunTrigger};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A stored run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// How often it was begun.
    pub attempts: i64,
    /// What is shown of it.
    pub run: Run,
}

const COLUMNS: &str = "r.id, r.server_configuration_id, r.trigger_kind, r.state, r.scheduled_for, r.created_at, \
                       r.started_at, r.finished_at, r.attempts, r.blocked, r.cancelled, r.distribution_id, r.error, \
                       r.error_cause";

fn read(row: &QueryResult) -> Result<StoredRun> {
    let unreadable = |text: &str| Error::Unreadable(text.to_owned());
    let trigger: String = row.try_get("", "trigger_kind")?;
    let state: String = row.try_get("", "state")?;
    let day: Option<String> = row.try_get("", "scheduled_for")?;
    let blocked: String = row.try_get("", "blocked")?;
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
               error = NULL, error_cause = NULL WHERE id = $1";
    let values = [id.into(), millis(now).into(), to_json(blocked)?.into(), cancelled.into(), distribution_id.into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Says what went wrong; `given_up_at` ends the run.
///
/// # Errors
/// The database refused.
pub async fn fail<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    error: &str,
    cause: FailureCause,
    given_up_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let sql = "UPDATE runs SET error = $2, error_cause = $3, finished_at = $4, \
               state = CASE WHEN $5 THEN 'failed' ELSE state END WHERE id = $1 AND finished_at IS NULL";
    let values =
        [id.into(), error.into(), cause.as_str().into(), given_up_at.map(millis).into(), given_up_at.is_some().into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
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

/// Says that the queue was told of a run, or that it need not be because the run is being performed.
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
