//! Links that set a password. Only the hash of a link's secret is kept.

use super::{Result, exists, millis, optional_time, statement, time};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

/// What the secret of a link leads to.
#[derive(Debug, Clone)]
pub struct Found {
    /// Whose password it sets.
    pub user_id: Uuid,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct Row {
    user_id: Uuid,
    expires_at: i64,
    used_at: Option<i64>,
}

/// A link to make.
#[derive(Debug, Clone)]
pub struct NewPasswordReset {
    /// Whose password it sets.
    pub user_id: Uuid,
    /// Hash of its secret.
    pub secret_hash: String,
    /// Who made it; `None`: the service itself.
    pub made_by: Option<Uuid>,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}

/// Adds a link.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(transaction: &C, reset: NewPasswordReset) -> Result<()> {
    let sql = "INSERT INTO password_resets (id, user_id, secret_hash, made_by, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        Uuid::now_v7().into(),
        reset.user_id.into(),
        reset.secret_hash.into(),
        reset.made_by.into(),
        millis(reset.created_at).into(),
        millis(reset.expires_at).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Finds a link by the hash of its secret.
///
/// # Errors
/// The database refused.
pub async fn find_by_hash<C: ConnectionTrait>(connection: &C, secret_hash: &str) -> Result<Option<Found>> {
    let sql = "SELECT user_id, expires_at, used_at FROM password_resets WHERE secret_hash = $1";
    let row = Row::find_by_statement(statement(connection, sql, [secret_hash.into()])).one(connection).await?;
    row.map(|row| {
        Ok(Found { user_id: row.user_id, expires_at: time(row.expires_at)?, used_at: optional_time(row.used_at)? })
    })
    .transpose()
}

/// Marks a link that works at `now` as used. False: it does not work; of two at the same time one finds so.
///
/// # Errors
/// The database refused.
pub async fn spend<C: ConnectionTrait>(transaction: &C, secret_hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let sql = "UPDATE password_resets SET used_at = $2 WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2";
    let result = transaction.execute_raw(statement(transaction, sql, [secret_hash.into(), millis(now).into()])).await?;
    Ok(result.rows_affected() == 1)
}

/// Removes the links that would set the password of a user.
///
/// # Errors
/// The database refused.
pub async fn remove_unused<C: ConnectionTrait>(transaction: &C, user_id: Uuid) -> Result<()> {
    let sql = "DELETE FROM password_resets WHERE user_id = $1 AND used_at IS NULL";
    transaction.execute_raw(statement(transaction, sql, [user_id.into()])).await?;
    Ok(())
}

/// Removes the links that a user made and nobody used.
///
/// # Errors
/// The database refused.
pub async fn remove_made_by<C: ConnectionTrait>(transaction: &C, user_id: Uuid) -> Result<()> {
    let sql = "DELETE FROM password_resets WHERE made_by = $1 AND used_at IS NULL";
    transaction.execute_raw(statement(transaction, sql, [user_id.into()])).await?;
    Ok(())
}

/// Removes the links that ended before a time.
///
/// # Errors
/// The database refused.
pub async fn remove_expired<C: ConnectionTrait>(connection: &C, before: DateTime<Utc>) -> Result<()> {
    let sql = "DELETE FROM password_resets WHERE expires_at <= $1";
    connection.execute_raw(statement(connection, sql, [millis(before).into()])).await?;
    Ok(())
}

/// Whether a user asked for a link by themselves since a time.
///
/// # Errors
/// The database refused.
pub async fn was_requested_since<C: ConnectionTrait>(
    connection: &C,
    user_id: Uuid,
    since: DateTime<Utc>,
) -> Result<bool> {
    let sql = "SELECT 1 FROM password_resets WHERE user_id = $1 AND made_by IS NULL AND created_at > $2";
    exists(connection, sql, [user_id.into(), millis(since).into()]).await
}
