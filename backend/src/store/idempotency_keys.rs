//! Answers kept for callers that repeat a request.

use super::{Result, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};

/// A request that was seen before.
#[derive(Debug, Clone, FromQueryResult)]
pub struct Seen {
    /// Hash of its body.
    pub body_hash: String,
    /// What its caller might do.
    pub rights: String,
    /// The status of its answer; `None` while it is being carried out.
    pub status: Option<i64>,
    /// The media type of its answer.
    pub media_type: Option<String>,
    /// The `ETag` of its answer.
    pub etag: Option<String>,
    /// The body of its answer; `None` when it held a secret.
    pub body: Option<String>,
}

/// Claims a request: true for the first, and for one whose first was abandoned before `abandoned_before`.
///
/// # Errors
/// The database refused.
pub async fn claim<C: ConnectionTrait>(
    connection: &C,
    key_hash: &str,
    body_hash: &str,
    rights: &str,
    now: DateTime<Utc>,
    abandoned_before: DateTime<Utc>,
) -> Result<bool> {
    let sql = "INSERT INTO idempotency_keys (key_hash, body_hash, rights, created_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (key_hash) DO UPDATE SET body_hash = excluded.body_hash, rights = excluded.rights, \
               created_at = excluded.created_at \
               WHERE idempotency_keys.status IS NULL AND idempotency_keys.created_at < $5";
    let values =
        [key_hash.into(), body_hash.into(), rights.into(), millis(now).into(), millis(abandoned_before).into()];
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected() == 1)
}

/// Finds a request.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, key_hash: &str) -> Result<Option<Seen>> {
    let sql = "SELECT body_hash, rights, status, media_type, etag, body FROM idempotency_keys WHERE key_hash = $1";
    Ok(Seen::find_by_statement(statement(connection, sql, [key_hash.into()])).one(connection).await?)
}

/// An answer to keep.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The media type.
    pub media_type: Option<&'a str>,
    /// The `ETag`.
    pub etag: Option<&'a str>,
    /// The body; `None` when it held a secret.
    pub body: Option<&'a str>,
}

/// Keeps the answer of a request.
///
/// # Errors
/// The database refused.
pub async fn keep<C: ConnectionTrait>(connection: &C, key_hash: &str, answer: Answer<'_>) -> Result<()> {
    let sql = "UPDATE idempotency_keys SET status = $2, media_type = $3, etag = $4, body = $5 WHERE key_hash = $1";
    let Answer { status, media_type, etag, body } = answer;
    let values = [key_hash.into(), i64::from(status).into(), media_type.into(), etag.into(), body.into()];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Forgets a request, so that it can be tried again.
///
/// # Errors
/// The database refused.
pub async fn forget<C: ConnectionTrait>(connection: &C, key_hash: &str) -> Result<()> {
    let sql = "DELETE FROM idempotency_keys WHERE key_hash = $1";
    connection.execute_raw(statement(connection, sql, [key_hash.into()])).await?;
    Ok(())
}

/// Forgets what is older than `before`.
///
/// # Errors
/// The database refused.
pub async fn prune<C: ConnectionTrait>(connection: &C, before: DateTime<Utc>) -> Result<()> {
    let sql = "DELETE FROM idempotency_keys WHERE created_at < $1";
    connection.execute_raw(statement(connection, sql, [millis(before).into()])).await?;
    Ok(())
}
