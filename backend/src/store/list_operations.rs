//! The rows of list operations; what they do to the lists is in `blocked_addresses::bulk` and `exemptions::bulk`.

use super::{
    Error, Result,
    blocked_addresses::Seen,
    error_cause, exists, from_json, millis, optional_time,
    search::{Conditions, Keyset, newest},
    statement, time, to_json,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, Serialize};
use shared::{
    list_operation::{ListOperation, ListOperationKind, ListOperationParameters, ListOperationState},
    run::FailureCause,
};
use uuid::Uuid;

/// Where a list operation goes on: after this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// An address of the upload, by its place.
    #[serde(alias = "line")]
    Place(i64),
    /// An address.
    Key(String),
    /// A block, by the time when it was made (unix milliseconds) and its id.
    Block(i64, Uuid),
    /// The blocks are done; one that an undo has made again, by its address.
    Again(String),
    /// All blocks are done; an exemption, by its address.
    Exemption(String),
}

/// A stored list operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOperation {
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// The change set that holds what it does.
    pub change_set_id: Option<Uuid>,
    /// Where it goes on; `None`: at the start.
    pub position: Option<Position>,
    /// How often it was begun since its last step.
    pub attempts: i64,
    /// What was on the list when a release by a filter was asked for; `None` also of one that was asked for before this
    /// was noted.
    pub seen: Option<Seen>,
    /// What is shown of it.
    pub operation: ListOperation,
}

/// A list operation to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperation {
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// What it does.
    pub kind: ListOperationKind,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub comment: Option<String>,
    /// What was asked.
    pub parameters: ListOperationParameters,
    /// What is on the list, for a release by a filter.
    pub seen: Option<Seen>,
    /// The upload that it is about.
    pub upload_id: Option<Uuid>,
    /// The operation that it undoes.
    pub undo_of: Option<Uuid>,
}

/// The column `parameters`.
#[derive(Serialize, Deserialize)]
struct StoredParameters {
    #[serde(flatten)]
    asked: ListOperationParameters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
}

const COLUMNS: &str = "o.id, o.server_configuration_id, o.kind, o.state, o.created_at, o.started_at, o.finished_at, \
                       o.requested_by, o.comment, o.parameters, o.upload_id, o.undo_of, o.undone_by, o.change_set_id, \
                       o.position, o.total, o.done, o.counts, o.distribution_id, o.run_id, o.attempts, o.error, \
                       o.error_cause";

fn read(row: &QueryResult) -> Result<StoredOperation> {
    let kind: String = row.try_get("", "kind")?;
    let state: String = row.try_get("", "state")?;
    let position: Option<String> = row.try_get("", "position")?;
    let StoredParameters { asked, seen } = from_json(&row.try_get::<String>("", "parameters")?)?;
    let operation = ListOperation {
        id: row.try_get("", "id")?,
        kind: ListOperationKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or(Error::Unreadable(kind))?,
        state: ListOperationState::ALL
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or(Error::Unreadable(state))?,
        created_at: time(row.try_get("", "created_at")?)?,
        started_at: optional_time(row.try_get("", "started_at")?)?,
        finished_at: optional_time(row.try_get("", "finished_at")?)?,
        requested_by: row.try_get("", "requested_by")?,
        comment: row.try_get("", "comment")?,
        parameters: asked,
        upload_id: row.try_get("", "upload_id")?,
        undo_of: row.try_get("", "undo_of")?,
        undone_by: row.try_get("", "undone_by")?,
        total: row.try_get("", "total")?,
        done: row.try_get("", "done")?,
        counts: from_json(&row.try_get::<String>("", "counts")?)?,
        distribution_id: row.try_get("", "distribution_id")?,
        run_id: row.try_get("", "run_id")?,
        error: row.try_get("", "error")?,
        error_cause: error_cause(row)?,
    };
    Ok(StoredOperation {
        server_configuration_id: row.try_get("", "server_configuration_id")?,
        change_set_id: row.try_get("", "change_set_id")?,
        position: position.as_deref().map(from_json).transpose()?,
        attempts: row.try_get("", "attempts")?,
        seen,
        operation,
    })
}

/// Queues an operation.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(transaction: &C, new: NewOperation, now: DateTime<Utc>) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let sql = "INSERT INTO list_operations (id, server_configuration_id, kind, state, created_at, rung_at, \
               requested_by, comment, parameters, upload_id, undo_of, done, counts, attempts) \
               VALUES ($1, $2, $3, 'queued', $4, $4, $5, $6, $7, $8, $9, 0, $10, 0)";
    let values = [
        id.into(),
        new.server_configuration_id.into(),
        new.kind.as_str().into(),
        millis(now).into(),
        new.requested_by.into(),
        new.comment.into(),
        to_json(&StoredParameters { asked: new.parameters, seen: new.seen })?.into(),
        new.upload_id.into(),
        new.undo_of.into(),
        to_json(&shared::list_operation::ListOperationCounts::default())?.into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(id)
}

/// One operation.
///
/// # Errors
/// The database refused.
pub async fn get<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<StoredOperation>> {
    let sql = format!("SELECT {COLUMNS} FROM list_operations o WHERE o.id = $1");
    let row = connection.query_one_raw(statement(connection, sql, [id.into()])).await?;
    row.as_ref().map(read).transpose()
}

/// The operations of a configuration, newest first.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keyset: Keyset<i64>,
) -> Result<Vec<ListOperation>> {
    let mut conditions = Conditions::new();
    conditions.equal("o.server_configuration_id", server_configuration_id);
    let select = format!("SELECT {COLUMNS} FROM list_operations o");
    let rows = newest(connection, &select, 'o', conditions, keyset).await?;
    rows.iter().map(|row| Ok(read(row)?.operation)).collect()
}

/// What the operation does to whose change set this is.
///
/// # Errors
/// The database refused.
pub async fn kind_of_set<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    change_set_id: Uuid,
) -> Result<Option<ListOperationKind>> {
    let sql = "SELECT kind FROM list_operations WHERE server_configuration_id = $1 AND finished_at IS NULL \
               AND change_set_id = $2";
    let values = [server_configuration_id.into(), change_set_id.into()];
    let Some(row) = connection.query_one_raw(statement(connection, sql, values)).await? else { return Ok(None) };
    let kind: String = row.try_get("", "kind")?;
    Ok(ListOperationKind::ALL.into_iter().find(|known| known.as_str() == kind))
}

/// Whether another operation of the configuration is being performed.
///
/// # Errors
/// The database refused.
pub async fn is_another_running<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    id: Uuid,
) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM list_operations WHERE server_configuration_id = $1 AND finished_at IS NULL \
               AND state <> 'queued' AND id <> $2 LIMIT 1";
    exists(connection, sql, [server_configuration_id.into(), id.into()]).await
}

/// Whether an operation that is not finished needs an upload.
///
/// # Errors
/// The database refused.
pub async fn uses_upload<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    upload_id: Uuid,
) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM list_operations WHERE server_configuration_id = $1 AND finished_at IS NULL \
               AND upload_id = $2 LIMIT 1";
    exists(connection, sql, [server_configuration_id.into(), upload_id.into()]).await
}

/// The operation that has waited longest.
///
/// # Errors
/// The database refused.
pub async fn next_queued<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<Option<Uuid>> {
    let sql = "SELECT id FROM list_operations WHERE server_configuration_id = $1 AND finished_at IS NULL \
               AND state = 'queued' ORDER BY created_at, id LIMIT 1";
    let row = connection.query_one_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

/// Writes what changes while an operation is performed. `now`: it needs no reminder for a while.
///
/// # Errors
/// The database refused.
pub async fn save<C: ConnectionTrait>(transaction: &C, stored: &StoredOperation, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE list_operations SET state = $2, started_at = $3, finished_at = $4, undone_by = $5, \
               change_set_id = $6, position = $7, total = $8, done = $9, counts = $10, distribution_id = $11, \
               run_id = $12, attempts = $13, error = $14, rung_at = $15, error_cause = $16 WHERE id = $1";
    let operation = &stored.operation;
    let values = [
        operation.id.into(),
        operation.state.as_str().into(),
        operation.started_at.map(millis).into(),
        operation.finished_at.map(millis).into(),
        operation.undone_by.into(),
        stored.change_set_id.into(),
        stored.position.as_ref().map(to_json).transpose()?.into(),
        operation.total.into(),
        operation.done.into(),
        to_json(&operation.counts)?.into(),
        operation.distribution_id.into(),
        operation.run_id.into(),
        stored.attempts.into(),
        operation.error.clone().into(),
        millis(now).into(),
        operation.error_cause.map(FailureCause::as_str).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Operations that are not finished and of which the queue was last told before `before`.
///
/// # Errors
/// The database refused.
pub async fn waiting<C: ConnectionTrait>(connection: &C, before: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let sql = "SELECT id FROM list_operations WHERE finished_at IS NULL AND rung_at <= $1 ORDER BY created_at, id";
    let rows = connection.query_all_raw(statement(connection, sql, [millis(before).into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Says that the queue was told of an operation.
///
/// # Errors
/// The database refused.
pub async fn rung<C: ConnectionTrait>(connection: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE list_operations SET rung_at = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}
