//! Users.

use super::{Error, Result, exists, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::session::Role;
use uuid::Uuid;

/// A person who may sign in.
#[derive(Debug, Clone)]
pub struct User {
    /// The user.
    pub id: Uuid,
    /// The account; `None` for a provider.
    pub account_id: Option<Uuid>,
    /// The address that signs in.
    pub email: String,
    /// Hash of the password, in PHC format.
    pub password_hash: String,
    /// What the user may do.
    pub role: Role,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    account_id: Option<Uuid>,
    email: String,
    password_hash: String,
    role: String,
}

/// Reads a role's name.
pub(super) fn role(name: &str) -> Result<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| Error::Unreadable(format!("role {name}")))
}

/// Adds a user; `email_key` must be new.
///
/// # Errors
/// The database refused; [`Error::is_duplicate`] when the address signs in already.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    user: &User,
    email_key: &str,
    created_at: DateTime<Utc>,
) -> Result<()> {
    let sql = "INSERT INTO users (id, account_id, email, email_key, password_hash, role, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        user.id.into(),
        user.account_id.into(),
        user.email.as_str().into(),
        email_key.into(),
        user.password_hash.as_str().into(),
        user.role.as_str().into(),
        millis(created_at).into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Finds who signs in with an address.
///
/// # Errors
/// The database refused.
pub async fn find_by_email<C: ConnectionTrait>(connection: &C, email_key: &str) -> Result<Option<User>> {
    let sql = "SELECT id, account_id, email, password_hash, role FROM users WHERE email_key = $1";
    let row = Row::find_by_statement(statement(connection, sql, [email_key.into()])).one(connection).await?;
    row.map(|row| {
        Ok(User {
            id: row.id,
            account_id: row.account_id,
            email: row.email,
            password_hash: row.password_hash,
            role: role(&row.role)?,
        })
    })
    .transpose()
}

/// Whether a provider exists: until then the service waits for its set-up.
///
/// # Errors
/// The database refused.
pub async fn provider_exists<C: ConnectionTrait>(connection: &C) -> Result<bool> {
    let sql = "SELECT id FROM users WHERE role = $1 LIMIT 1";
    exists(connection, sql, [Role::Provider.as_str().into()]).await
}
