//! Second factors and recovery codes. Secrets are sealed, codes are hashed.

use super::{Result, count, millis, optional_time, statement, time};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

/// A user's second factor.
#[derive(Debug, Clone)]
pub struct SecondFactor {
    /// The sealed secret.
    pub secret: String,
    /// When a code confirmed it; before, it has no effect.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Wrong codes since the last right one.
    pub failures: i64,
    /// When the last of them came.
    pub failed_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Row {
    secret: String,
    confirmed_at: Option<i64>,
    failures: i64,
    failed_at: i64,
}

/// Finds the second factor of a user.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, user_id: Uuid) -> Result<Option<SecondFactor>> {
    let sql = "SELECT secret, confirmed_at, failures, failed_at FROM second_factors WHERE user_id = $1";
    let row = Row::find_by_statement(statement(connection, sql, [user_id.into()])).one(connection).await?;
    row.map(|row| {
        Ok(SecondFactor {
            secret: row.secret,
            confirmed_at: optional_time(row.confirmed_at)?,
            failures: row.failures,
            failed_at: time(row.failed_at)?,
        })
    })
    .transpose()
}

/// Puts a secret in the place of one that was not confirmed. False: it was.
///
/// # Errors
/// The database refused.
pub async fn put<C: ConnectionTrait>(transaction: &C, user_id: Uuid, sealed: &str, now: DateTime<Utc>) -> Result<bool> {
    let sql = "INSERT INTO second_factors (user_id, secret, created_at, last_step, failures, failed_at) \
               VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, \
               created_at = excluded.created_at WHERE second_factors.confirmed_at IS NULL";
    let values = [user_id.into(), sealed.into(), millis(now).into()];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Puts a second factor in effect.
///
/// # Errors
/// The database refused.
pub async fn confirm<C: ConnectionTrait>(transaction: &C, user_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE second_factors SET confirmed_at = $2 WHERE user_id = $1";
    transaction.execute_raw(statement(transaction, sql, [user_id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Uses up the code of a step, and all before it. False: it was used already.
///
/// # Errors
/// The database refused.
pub async fn spend_step<C: ConnectionTrait>(transaction: &C, user_id: Uuid, step: i64) -> Result<bool> {
    let sql = "UPDATE second_factors SET last_step = $2, failures = 0 WHERE user_id = $1 AND last_step < $2";
    let result = transaction.execute_raw(statement(transaction, sql, [user_id.into(), step.into()])).await?;
    Ok(result.rows_affected() == 1)
}

/// Counts a wrong code.
///
/// # Errors
/// The database refused.
pub async fn fail<C: ConnectionTrait>(transaction: &C, user_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE second_factors SET failures = failures + 1, failed_at = $2 WHERE user_id = $1";
    transaction.execute_raw(statement(transaction, sql, [user_id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Forgets the wrong codes.
///
/// # Errors
/// The database refused.
pub async fn forgive<C: ConnectionTrait>(transaction: &C, user_id: Uuid) -> Result<()> {
    let sql = "UPDATE second_factors SET failures = 0 WHERE user_id = $1";
    transaction.execute_raw(statement(transaction, sql, [user_id.into()])).await?;
    Ok(())
}

/// Removes a second factor with its recovery codes. False: there is none.
///
/// # Errors
/// The database refused.
pub async fn remove<C: ConnectionTrait>(transaction: &C, user_id: Uuid) -> Result<bool> {
    replace_recovery_codes(transaction, user_id, &[]).await?;
    let sql = "DELETE FROM second_factors WHERE user_id = $1";
    Ok(transaction.execute_raw(statement(transaction, sql, [user_id.into()])).await?.rows_affected() == 1)
}

/// Puts recovery codes in the place of all there were.
///
/// # Errors
/// The database refused.
pub async fn replace_recovery_codes<C: ConnectionTrait>(
    transaction: &C,
    user_id: Uuid,
    hashes: &[String],
) -> Result<()> {
    let sql = "DELETE FROM recovery_codes WHERE user_id = $1";
    transaction.execute_raw(statement(transaction, sql, [user_id.into()])).await?;
    if hashes.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = (2..hashes.len() + 2).map(|n| format!("($1, ${n})")).collect();
    let sql = format!("INSERT INTO recovery_codes (user_id, code_hash) VALUES {}", rows.join(", "));
    let values = std::iter::once(user_id.into()).chain(hashes.iter().map(|hash| hash.as_str().into()));
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Uses up a recovery code. False: there is no such code any more.
///
/// # Errors
/// The database refused.
pub async fn spend_recovery_code<C: ConnectionTrait>(transaction: &C, user_id: Uuid, hash: &str) -> Result<bool> {
    let sql = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
    let result = transaction.execute_raw(statement(transaction, sql, [user_id.into(), hash.into()])).await?;
    Ok(result.rows_affected() == 1)
}

/// How many recovery codes are left.
///
/// # Errors
/// The database refused.
pub async fn recovery_codes_left<C: ConnectionTrait>(connection: &C, user_id: Uuid) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM recovery_codes WHERE user_id = $1";
    count(connection, sql, [user_id.into()]).await
}
