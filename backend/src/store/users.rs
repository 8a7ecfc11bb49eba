//! Users.

use super::{
    Error, Result, exists, locking, millis, named, optional_time,
    search::{Conditions, Keyset, ordered},
    statement, time, typed_id,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult};
use shared::{page::Direction, session::Role, user};
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
    /// Whether the user may sign in.
    pub active: bool,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    account_id: Option<Uuid>,
    email: String,
    password_hash: String,
    role: String,
    active: bool,
}

impl TryFrom<Row> for User {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            account_id: row.account_id,
            email: row.email,
            password_hash: row.password_hash,
            role: role(&row.role)?,
            active: row.active,
        })
    }
}

const SELECT: &str = "SELECT id, account_id, email, password_hash, role, active FROM users";

/// Reads a role's name.
pub(super) fn role(name: &str) -> Result<Role> {
    named(&Role::ALL, Role::as_str, "role", name)
}

/// The condition on `account_id` for the users of the account `$1`, or for those of no account where that is NULL.
pub(super) fn of_account<C: ConnectionTrait>(connection: &C, account_id: Option<Uuid>) -> String {
    match account_id {
        Some(_) => "account_id = $1".to_owned(),
        None => format!("account_id IS NULL AND {} IS NULL", typed_id(connection, "$1")),
    }
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
    let sql = "INSERT INTO users (id, account_id, email, email_key, password_hash, role, active, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        user.id.into(),
        user.account_id.into(),
        user.email.as_str().into(),
        email_key.into(),
        user.password_hash.as_str().into(),
        user.role.as_str().into(),
        user.active.into(),
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
    let sql = format!("{SELECT} WHERE email_key = $1");
    let row = Row::find_by_statement(statement(connection, sql, [email_key.into()])).one(connection).await?;
    row.map(User::try_from).transpose()
}

/// Finds a user.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<User>> {
    read(connection, id, "").await
}

async fn read<C: ConnectionTrait>(connection: &C, id: Uuid, lock: &str) -> Result<Option<User>> {
    let sql = format!("{SELECT} WHERE id = $1{lock}");
    let row = Row::find_by_statement(statement(connection, sql, [id.into()])).one(connection).await?;
    row.map(User::try_from).transpose()
}

/// As [`find`], and holds the user until the transaction ends.
///
/// # Errors
/// The database refused.
pub async fn lock<C: ConnectionTrait>(transaction: &C, id: Uuid) -> Result<Option<User>> {
    read(transaction, id, locking(transaction)).await
}

#[derive(FromQueryResult)]
struct Listed {
    id: Uuid,
    email: String,
    role: String,
    active: bool,
    second_factor: bool,
    created_at: i64,
    last_seen_at: Option<i64>,
    revision: i64,
}

/// The users of an account by address; of the provider, where there is none.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: Option<Uuid>,
    keyset: Keyset<String>,
) -> Result<Vec<user::User>> {
    let select = "SELECT id, email, role, active, created_at, revision, \
                  (SELECT MAX(rotated_at) FROM sessions WHERE user_id = users.id) AS last_seen_at, \
                  EXISTS (SELECT 1 FROM second_factors WHERE user_id = users.id AND confirmed_at IS NOT NULL) \
                  AS second_factor FROM users";
    let mut conditions = Conditions::new();
    conditions.bind(account_id);
    conditions.and(of_account(connection, account_id));
    let order = (["email_key", "id"], Direction::Ascending);
    let statement = ordered(connection, select, conditions, order, keyset);
    let rows = Listed::find_by_statement(statement).all(connection).await?;
    let users = rows.into_iter().map(|row| {
        Ok(user::User {
            id: row.id,
            email: row.email,
            role: role(&row.role)?,
            active: row.active,
            second_factor: row.second_factor,
            created_at: time(row.created_at)?,
            last_seen_at: optional_time(row.last_seen_at)?,
            revision: row.revision,
        })
    });
    users.collect()
}

/// All of [`list`], held until the transaction ends: who changes one of them, or invites another, is alone.
///
/// # Errors
/// The database refused.
pub async fn lock_all<C: ConnectionTrait>(transaction: &C, account_id: Option<Uuid>) -> Result<Vec<user::User>> {
    if transaction.get_database_backend() != DatabaseBackend::Sqlite {
        let condition = of_account(transaction, account_id);
        let sql = format!("SELECT id FROM users WHERE {condition} ORDER BY id{}", locking(transaction));
        transaction.query_all_raw(statement(transaction, sql, [account_id.into()])).await?;
    }
    // Only what is read after the wait shows what the others did.
    list(transaction, account_id, Keyset::ALL).await
}

/// Writes what a user may do.
///
/// # Errors
/// The database refused.
pub async fn update<C: ConnectionTrait>(transaction: &C, user: &user::User) -> Result<()> {
    let sql = "UPDATE users SET role = $2, active = $3, revision = $4 WHERE id = $1";
    let values = [user.id.into(), user.role.as_str().into(), user.active.into(), user.revision.into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Writes the hash of a new password.
///
/// # Errors
/// The database refused.
pub async fn set_password<C: ConnectionTrait>(transaction: &C, id: Uuid, password_hash: &str) -> Result<()> {
    let sql = "UPDATE users SET password_hash = $2 WHERE id = $1";
    transaction.execute_raw(statement(transaction, sql, [id.into(), password_hash.into()])).await?;
    Ok(())
}

/// Whether a provider exists: until then the service waits for its set-up.
///
/// # Errors
/// The database refused.
pub async fn provider_exists<C: ConnectionTrait>(connection: &C) -> Result<bool> {
    let sql = "SELECT id FROM users WHERE role = $1 LIMIT 1";
    exists(connection, sql, [Role::Provider.as_str().into()]).await
}
