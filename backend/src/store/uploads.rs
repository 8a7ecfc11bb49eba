//! Uploads: their rows. Their bytes are in `pieces`, what was found in them in `contents`.

pub mod contents;
pub mod pieces;

use super::{
    Error, Result, count, exists, from_json, millis,
    search::{Conditions, Keyset, newest},
    statement, time, to_json,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use shared::upload::{ReadingRequest, Upload, UploadState};
use uuid::Uuid;

/// An upload to begin.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The upload.
    pub id: Uuid,
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// Who begins it.
    pub created_by: String,
    /// The file's name.
    pub file_name: String,
    /// The `Upload-Metadata` header as it came.
    pub metadata: String,
    /// The file's size in bytes.
    pub size: i64,
    /// How it is to be read.
    pub wanted: ReadingRequest,
    /// When it is begun.
    pub created_at: DateTime<Utc>,
    /// When it is removed unless something happens to it before.
    pub expires_at: DateTime<Utc>,
}

/// A stored upload.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredUpload {
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// The `Upload-Metadata` header as it came.
    pub metadata: String,
    /// How often its analysis was begun.
    pub attempts: i64,
    /// What is shown of it.
    pub upload: Upload,
}

const COLUMNS: &str = "u.id, u.server_configuration_id, u.created_by, u.file_name, u.metadata, u.size, u.received, \
                       u.state, u.reading, u.analysis, u.progress, u.failure, u.attempts, u.created_at, u.updated_at, \
                       u.expires_at";

fn read(row: &QueryResult) -> Result<StoredUpload> {
    let state: String = row.try_get("", "state")?;
    let wanted: String = row.try_get("", "reading")?;
    let analysis: Option<String> = row.try_get("", "analysis")?;
    let failure: Option<String> = row.try_get("", "failure")?;
    let upload = Upload {
        id: row.try_get("", "id")?,
        file_name: row.try_get("", "file_name")?,
        size: row.try_get("", "size")?,
        received: row.try_get("", "received")?,
        state: UploadState::ALL
            .into_iter()
            .find(|known| known.as_str() == state)
            .ok_or_else(|| Error::Unreadable(format!("upload state {state}")))?,
        progress: row.try_get("", "progress")?,
        created_by: row.try_get("", "created_by")?,
        created_at: time(row.try_get("", "created_at")?)?,
        updated_at: time(row.try_get("", "updated_at")?)?,
        expires_at: time(row.try_get("", "expires_at")?)?,
        wanted: from_json(&wanted)?,
        analysis: analysis.as_deref().map(from_json).transpose()?,
        failure: failure.as_deref().map(from_json).transpose()?,
    };
    Ok(StoredUpload {
        server_configuration_id: row.try_get("", "server_configuration_id")?,
        metadata: row.try_get("", "metadata")?,
        attempts: row.try_get("", "attempts")?,
        upload,
    })
}

/// Adds an upload that waits for its bytes.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(transaction: &C, new: &NewUpload) -> Result<()> {
    let sql = "INSERT INTO uploads (id, server_configuration_id, created_by, file_name, metadata, size, received, state, \
               reading, progress, attempts, rung_at, created_at, updated_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, 0, 'uploading', $7, 0, 0, $8, $8, $8, $9)";
    let values = [
        new.id.into(),
        new.server_configuration_id.into(),
        new.created_by.as_str().into(),
        new.file_name.as_str().into(),
        new.metadata.as_str().into(),
        new.size.into(),
        to_json(&new.wanted)?.into(),
        millis(new.created_at).into(),
        millis(new.expires_at).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// How many uploads of a configuration hold bytes, or will, and were not registered.
///
/// # Errors
/// The database refused.
pub async fn count_open<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM uploads WHERE server_configuration_id = $1 \
               AND state IN ('uploading', 'analysing', 'ready', 'failed')";
    count(connection, sql, [server_configuration_id.into()]).await
}

/// One upload that is not being removed.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<StoredUpload>> {
    let sql = format!("SELECT {COLUMNS} FROM uploads u WHERE u.id = $1 AND u.state <> 'removed'");
    let row = connection.query_one_raw(statement(connection, sql, [id.into()])).await?;
    row.as_ref().map(read).transpose()
}

/// Whether an upload of a configuration is being removed.
///
/// # Errors
/// The database refused.
pub async fn is_removed<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid, id: Uuid) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM uploads WHERE id = $1 AND server_configuration_id = $2 AND state = 'removed'";
    exists(connection, sql, [id.into(), server_configuration_id.into()]).await
}

/// The uploads of a configuration, newest first.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keyset: Keyset<i64>,
) -> Result<Vec<Upload>> {
    let mut conditions = Conditions::new();
    conditions.equal("u.server_configuration_id", server_configuration_id);
    conditions.and("u.state <> 'removed'");
    let select = format!("SELECT {COLUMNS} FROM uploads u");
    let rows = newest(connection, &select, 'u', conditions, keyset).await?;
    rows.iter().map(|row| Ok(read(row)?.upload)).collect()
}

/// Moves an upload to another state; false when it is not in one of `from`.
///
/// # Errors
/// The database refused.
pub async fn set_state<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    from: &[UploadState],
    to: UploadState,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    move_state(transaction, id, from, to.as_str(), now, expires_at).await
}

/// Hides an upload, so that a job can take it away in steps; false when it is not in one of `from`.
///
/// # Errors
/// The database refused.
pub async fn hide<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    from: &[UploadState],
    now: DateTime<Utc>,
) -> Result<bool> {
    move_state(transaction, id, from, "removed", now, now).await
}

async fn move_state<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    from: &[UploadState],
    to: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let from: Vec<String> = from.iter().map(|state| format!("'{}'", state.as_str())).collect();
    let sql = format!(
        "UPDATE uploads SET state = $2, writer = NULL, updated_at = $3, rung_at = $3, expires_at = $4 \
         WHERE id = $1 AND state IN ({})",
        from.join(", ")
    );
    let values = [id.into(), to.into(), millis(now).into(), millis(expires_at).into()];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Uploads whose time is over and that neither an analysis nor a list operation needs, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn expired<C: ConnectionTrait>(connection: &C, now: DateTime<Utc>, limit: u32) -> Result<Vec<(Uuid, Uuid)>> {
    let sql = format!(
        "SELECT u.id, u.server_configuration_id FROM uploads u WHERE u.expires_at <= $1 \
         AND u.state NOT IN ('analysing', 'registering', 'removed') AND NOT EXISTS (SELECT 1 FROM list_operations o \
         WHERE o.server_configuration_id = u.server_configuration_id AND o.finished_at IS NULL AND o.upload_id = u.id) \
         ORDER BY u.expires_at LIMIT {limit}"
    );
    let rows = connection.query_all_raw(statement(connection, sql, [millis(now).into()])).await?;
    rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "server_configuration_id")?))).collect()
}

/// Uploads with work to do of which the queue was last told before `before`.
///
/// # Errors
/// The database refused.
pub async fn waiting<C: ConnectionTrait>(connection: &C, before: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let sql = "SELECT u.id FROM uploads u WHERE (u.state IN ('analysing', 'removed') \
               OR u.state IN ('registered', 'undone') AND EXISTS (SELECT 1 FROM upload_pieces p WHERE p.upload_id = u.id)) \
               AND u.rung_at <= $1 ORDER BY u.rung_at, u.id";
    let rows = connection.query_all_raw(statement(connection, sql, [millis(before).into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Says that the queue was told of an upload, or that its work goes on.
///
/// # Errors
/// The database refused.
pub async fn rung<C: ConnectionTrait>(connection: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE uploads SET rung_at = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Removes the row of an upload that has nothing left.
///
/// # Errors
/// The database refused, because pieces are left for example.
pub async fn delete<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<()> {
    let sql = "DELETE FROM uploads WHERE id = $1 AND state = 'removed'";
    connection.execute_raw(statement(connection, sql, [id.into()])).await?;
    Ok(())
}
