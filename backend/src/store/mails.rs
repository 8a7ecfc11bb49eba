//! Mails that wait to be sent.

use super::{Result, millis, statement, time};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

/// A mail that waits.
#[derive(Debug, Clone)]
pub struct StoredMail {
    /// To whom.
    pub recipient: String,
    /// Subject and text, encrypted.
    pub sealed: String,
    /// Since when it waits.
    pub created_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i64,
}

#[derive(FromQueryResult)]
struct Row {
    recipient: String,
    sealed: String,
    created_at: i64,
    attempts: i64,
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Adds a mail, to be sent now.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    recipient: &str,
    sealed: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "INSERT INTO mails (id, recipient, sealed, created_at, attempts, next_attempt_at) \
               VALUES ($1, $2, $3, $4, 0, $4)";
    let values = [id.into(), recipient.into(), sealed.into(), millis(now).into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Takes a mail to try it: until `until` nobody else does. `None`: it was sent, or it is not its time.
///
/// # Errors
/// The database refused.
pub async fn take<C: ConnectionTrait>(
    connection: &C,
    id: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<StoredMail>> {
    let sql = "UPDATE mails SET attempts = attempts + 1, next_attempt_at = $3 WHERE id = $1 AND next_attempt_at <= $2 \
               RETURNING recipient, sealed, created_at, attempts";
    let values = [id.into(), millis(now).into(), millis(until).into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    let row = row.map(|row| Row::from_query_result(&row, "")).transpose()?;
    row.map(|row| {
        let Row { recipient, sealed, created_at, attempts } = row;
        Ok(StoredMail { recipient, sealed, created_at: time(created_at)?, attempts })
    })
    .transpose()
}

/// Says when to try a mail again.
///
/// # Errors
/// The database refused.
pub async fn put_off<C: ConnectionTrait>(connection: &C, id: Uuid, until: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE mails SET next_attempt_at = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(until).into()])).await?;
    Ok(())
}

/// Removes a mail that was sent or never will be.
///
/// # Errors
/// The database refused.
pub async fn remove<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<()> {
    let sql = "DELETE FROM mails WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into()])).await?;
    Ok(())
}

/// The mails whose time has come, at most a hundred.
///
/// # Errors
/// The database refused.
pub async fn due<C: ConnectionTrait>(connection: &C, now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let sql = "SELECT id FROM mails WHERE next_attempt_at <= $1 ORDER BY next_attempt_at LIMIT 100";
    let rows = connection.query_all_raw(statement(connection, sql, [millis(now).into()])).await?;
    rows.iter().map(|row| Ok(Id::from_query_result(row, "")?.id)).collect()
}
