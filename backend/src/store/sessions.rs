//! Sessions of people, and the rotation of their refresh tokens.

use super::{Error, Result, millis, statement, time, users::User};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

/// A session with its user.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session.
    pub id: Uuid,
    /// Who signed in.
    pub user: User,
    /// The account that a provider has entered.
    pub account_id: Option<Uuid>,
    /// Hash of the refresh token.
    pub refresh_hash: String,
    /// Hash of the refresh token before it.
    pub previous_refresh_hash: Option<String>,
    /// When the refresh token was made.
    pub rotated_at: DateTime<Utc>,
    /// When the session ends unless refreshed.
    pub expires_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    account_id: Option<Uuid>,
    refresh_hash: String,
    previous_refresh_hash: Option<String>,
    rotated_at: i64,
    expires_at: i64,
    user_id: Uuid,
    user_account_id: Option<Uuid>,
    email: String,
    password_hash: String,
    role: String,
}

/// Finds a session.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<Session>> {
    let sql = "SELECT s.id, s.account_id, s.refresh_hash, s.previous_refresh_hash, s.rotated_at, s.expires_at, \
               u.id AS user_id, u.account_id AS user_account_id, u.email, u.password_hash, u.role \
               FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1";
    let row = Row::find_by_statement(statement(connection, sql, [id.into()])).one(connection).await?;
    row.map(|row| {
        Ok::<_, Error>(Session {
            id: row.id,
            user: User {
                id: row.user_id,
                account_id: row.user_account_id,
                email: row.email,
                password_hash: row.password_hash,
                role: super::users::role(&row.role)?,
            },
            account_id: row.account_id,
            refresh_hash: row.refresh_hash,
            previous_refresh_hash: row.previous_refresh_hash,
            rotated_at: time(row.rotated_at)?,
            expires_at: time(row.expires_at)?,
        })
    })
    .transpose()
}

/// A session to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The session.
    pub id: Uuid,
    /// Who signed in.
    pub user_id: Uuid,
    /// Hash of the refresh token.
    pub refresh_hash: String,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When the session ends unless refreshed.
    pub expires_at: DateTime<Utc>,
}

/// Begins a session.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(connection: &C, session: NewSession) -> Result<()> {
    let sql = "INSERT INTO sessions (id, user_id, refresh_hash, rotated_at, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $4, $5)";
    let values = [
        session.id.into(),
        session.user_id.into(),
        session.refresh_hash.into(),
        millis(session.created_at).into(),
        millis(session.expires_at).into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Replaces the refresh token, if it still is the one with `old_hash`. False: somebody else was faster.
///
/// # Errors
/// The database refused.
pub async fn rotate<C: ConnectionTrait>(
    connection: &C,
    id: Uuid,
    old_hash: &str,
    new_hash: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE sessions SET previous_refresh_hash = refresh_hash, refresh_hash = $3, rotated_at = $4, \
               expires_at = $5 WHERE id = $1 AND refresh_hash = $2";
    let values = [id.into(), old_hash.into(), new_hash.into(), millis(now).into(), millis(expires_at).into()];
    let result = connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(result.rows_affected() == 1)
}

/// Remembers which account a provider is in.
///
/// # Errors
/// The database refused.
pub async fn set_account<C: ConnectionTrait>(connection: &C, id: Uuid, account_id: Option<Uuid>) -> Result<()> {
    let sql = "UPDATE sessions SET account_id = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), account_id.into()])).await?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// The database refused.
pub async fn delete<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<()> {
    connection.execute_raw(statement(connection, "DELETE FROM sessions WHERE id = $1", [id.into()])).await?;
    Ok(())
}

/// Forgets the sessions of a user that have ended.
///
/// # Errors
/// The database refused.
pub async fn delete_expired<C: ConnectionTrait>(connection: &C, user_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2";
    connection.execute_raw(statement(connection, sql, [user_id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Removes the sessions that ended before now.
///
/// # Errors
/// The database refused.
pub async fn remove_expired<C: ConnectionTrait>(connection: &C, now: DateTime<Utc>) -> Result<()> {
    let sql = "DELETE FROM sessions WHERE expires_at <= $1";
    connection.execute_raw(statement(connection, sql, [millis(now).into()])).await?;
    Ok(())
}
