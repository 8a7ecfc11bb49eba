//! Sessions of people, and the rotation of their refresh tokens.

use super::{
    Error, Result, millis,
    search::{Conditions, Keyset, ordered},
    statement, time,
    users::User,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::page::Direction;
use uuid::Uuid;

/// A session with its user.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session.
    pub id: Uuid,
    /// Who signed in.
    pub user: User,
    /// Whether the user's account is suspended.
    pub is_suspended: bool,
    /// The account that a provider has entered.
    pub account_id: Option<Uuid>,
    /// Hash of what all of its refresh tokens have in common; `None` in one from before they had.
    pub family_hash: Option<String>,
    /// Hash of the refresh token.
    pub refresh_hash: String,
    /// Hash of the refresh token before it.
    pub previous_refresh_hash: Option<String>,
    /// When the refresh token was made.
    pub rotated_at: DateTime<Utc>,
    /// When the session ends unless refreshed.
    pub expires_at: DateTime<Utc>,
    /// When it began.
    pub created_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    account_id: Option<Uuid>,
    family_hash: Option<String>,
    refresh_hash: String,
    previous_refresh_hash: Option<String>,
    rotated_at: i64,
    expires_at: i64,
    created_at: i64,
    user_id: Uuid,
    user_account_id: Option<Uuid>,
    email: String,
    password_hash: String,
    role: String,
    active: bool,
    suspended_at: Option<i64>,
}

/// Finds a session.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<Session>> {
    let sql = "SELECT s.id, s.account_id, s.family_hash, s.refresh_hash, s.previous_refresh_hash, s.rotated_at, s.expires_at, \
               s.created_at, u.id AS user_id, u.account_id AS user_account_id, u.email, u.password_hash, u.role, u.active, \
               a.suspended_at FROM sessions s JOIN users u ON u.id = s.user_id \
               LEFT JOIN accounts a ON a.id = u.account_id WHERE s.id = $1";
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
                active: row.active,
            },
            is_suspended: row.suspended_at.is_some(),
            account_id: row.account_id,
            family_hash: row.family_hash,
            refresh_hash: row.refresh_hash,
            previous_refresh_hash: row.previous_refresh_hash,
            rotated_at: time(row.rotated_at)?,
            expires_at: time(row.expires_at)?,
            created_at: time(row.created_at)?,
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
    /// Hash of what all of its refresh tokens have in common.
    pub family_hash: String,
    /// Hash of the refresh token.
    pub refresh_hash: String,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When the session ends unless refreshed.
    pub expires_at: DateTime<Utc>,
    /// From where.
    pub client_address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// Begins a session.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(connection: &C, session: NewSession) -> Result<()> {
    let sql = "INSERT INTO sessions (id, user_id, refresh_hash, rotated_at, created_at, expires_at, client_address, \
               user_agent, family_hash) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8)";
    let values = [
        session.id.into(),
        session.user_id.into(),
        session.refresh_hash.into(),
        millis(session.created_at).into(),
        millis(session.expires_at).into(),
        session.client_address.into(),
        session.user_agent.into(),
        session.family_hash.into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// A refresh token that replaces another.
#[derive(Debug, Clone)]
pub struct Rotation<'a> {
    /// The hash of the one until now.
    pub old_hash: &'a str,
    /// The hash of the new one.
    pub new_hash: &'a str,
    /// The hash of what they have in common.
    pub family_hash: &'a str,
    /// Now.
    pub now: DateTime<Utc>,
    /// When the session ends unless refreshed again.
    pub expires_at: DateTime<Utc>,
    /// From where.
    pub client_address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// Replaces the refresh token, if it still is the old one. False: somebody else was faster.
///
/// # Errors
/// The database refused.
pub async fn rotate<C: ConnectionTrait>(connection: &C, id: Uuid, rotation: Rotation<'_>) -> Result<bool> {
    let sql = "UPDATE sessions SET previous_refresh_hash = refresh_hash, refresh_hash = $3, rotated_at = $4, \
               expires_at = $5, client_address = $6, user_agent = $7, family_hash = $8 WHERE id = $1 AND refresh_hash = $2";
    let values = [
        id.into(),
        rotation.old_hash.into(),
        rotation.new_hash.into(),
        millis(rotation.now).into(),
        millis(rotation.expires_at).into(),
        rotation.client_address.into(),
        rotation.user_agent.into(),
        rotation.family_hash.into(),
    ];
    let result = connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(result.rows_affected() == 1)
}

/// A session in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The session.
    pub id: Uuid,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its refresh token was made.
    pub rotated_at: DateTime<Utc>,
    /// From where it was last used.
    pub client_address: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

#[derive(FromQueryResult)]
struct ListedRow {
    id: Uuid,
    created_at: i64,
    rotated_at: i64,
    client_address: Option<String>,
    user_agent: Option<String>,
}

/// The sessions of a user that go on, last used first.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    user_id: Uuid,
    now: DateTime<Utc>,
    keyset: Keyset<i64>,
) -> Result<Vec<Listed>> {
    let select = "SELECT id, created_at, rotated_at, client_address, user_agent FROM sessions";
    let mut conditions = Conditions::new();
    conditions.equal("user_id", user_id);
    let now = conditions.bind(millis(now));
    conditions.and(format!("expires_at > {now}"));
    let order = (["rotated_at", "id"], Direction::Descending);
    let statement = ordered(connection, select, conditions, order, keyset);
    let rows = ListedRow::find_by_statement(statement).all(connection).await?;
    let sessions = rows.into_iter().map(|row| {
        Ok(Listed {
            id: row.id,
            created_at: time(row.created_at)?,
            rotated_at: time(row.rotated_at)?,
            client_address: row.client_address,
            user_agent: row.user_agent,
        })
    });
    sessions.collect()
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

/// Ends a session of a user. False: they have none such.
///
/// # Errors
/// The database refused.
pub async fn delete_of<C: ConnectionTrait>(connection: &C, user_id: Uuid, id: Uuid) -> Result<bool> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
    let result = connection.execute_raw(statement(connection, sql, [user_id.into(), id.into()])).await?;
    Ok(result.rows_affected() == 1)
}

/// Ends a session.
///
/// # Errors
/// The database refused.
pub async fn delete<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<()> {
    connection.execute_raw(statement(connection, "DELETE FROM sessions WHERE id = $1", [id.into()])).await?;
    Ok(())
}

/// Ends the sessions of a user, but for one; answers how many.
///
/// # Errors
/// The database refused.
pub async fn delete_all<C: ConnectionTrait>(connection: &C, user_id: Uuid, but: Option<Uuid>) -> Result<u64> {
    // No session has the id of nothing.
    let values = [user_id.into(), but.unwrap_or_default().into()];
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected())
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
