//! The bytes of uploads, in pieces.

use super::super::{Result, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

/// The largest piece, in bytes: large enough to be fast, small enough for many uploads at once.
pub const MAX_PIECE: usize = 512 * 1024;
/// Bytes removed in one statement.
const REMOVED_AT_ONCE: i64 = 16 * MAX_PIECE as i64;

/// Makes `writer` the only one that may add bytes; false unless the upload waits for the byte at `offset`.
///
/// # Errors
/// The database refused.
pub async fn take_over<C: ConnectionTrait>(
    connection: &C,
    id: Uuid,
    writer: Uuid,
    offset: i64,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE uploads SET writer = $2, updated_at = $4, expires_at = $5 \
               WHERE id = $1 AND state = 'uploading' AND received = $3";
    let values = [id.into(), writer.into(), offset.into(), millis(now).into(), millis(expires_at).into()];
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected() == 1)
}

/// Counts `bytes` more as received, and holds the upload's row until the transaction ends; false when another writer
/// took over.
///
/// # Errors
/// The database refused.
pub async fn advance<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    writer: Uuid,
    bytes: i64,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE uploads SET received = received + $3, updated_at = $4, expires_at = $5 \
               WHERE id = $1 AND writer = $2 AND state = 'uploading'";
    let values = [id.into(), writer.into(), bytes.into(), millis(now).into(), millis(expires_at).into()];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Adds a piece that begins at the byte `start`.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(transaction: &C, id: Uuid, start: i64, data: Vec<u8>) -> Result<()> {
    let sql = "INSERT INTO upload_pieces (upload_id, start, data) VALUES ($1, $2, $3)";
    transaction.execute_raw(statement(transaction, sql, [id.into(), start.into(), data.into()])).await?;
    Ok(())
}

/// The piece that begins at `start`, or the first after it.
///
/// # Errors
/// The database refused.
pub async fn read<C: ConnectionTrait>(connection: &C, id: Uuid, start: i64) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT data FROM upload_pieces WHERE upload_id = $1 AND start >= $2 ORDER BY start LIMIT 1";
    let row = connection.query_one_raw(statement(connection, sql, [id.into(), start.into()])).await?;
    Ok(row.map(|row| row.try_get("", "data")).transpose()?)
}

/// Removes some of the pieces that begin at `from` or later. True: there may be more, call again.
///
/// # Errors
/// The database refused.
pub async fn remove<C: ConnectionTrait>(connection: &C, id: Uuid, from: i64) -> Result<bool> {
    let sql = "SELECT MAX(start) AS last FROM upload_pieces WHERE upload_id = $1 AND start >= $2";
    let row = connection.query_one_raw(statement(connection, sql, [id.into(), from.into()])).await?;
    let last: Option<i64> = row.map(|row| row.try_get("", "last")).transpose()?.flatten();
    let Some(last) = last else { return Ok(false) };
    // From the end: what is left is the beginning, as it would be if it had never come.
    let first = (last - REMOVED_AT_ONCE + 1).max(from);
    let sql = "DELETE FROM upload_pieces WHERE upload_id = $1 AND start >= $2";
    connection.execute_raw(statement(connection, sql, [id.into(), first.into()])).await?;
    Ok(first > from)
}
