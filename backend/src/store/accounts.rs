//! Accounts.

use super::{Error, Result, locking, millis, named, optional_time, statement, time};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::{account::Account, plan::Plan};
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    plan: String,
    created_at: i64,
    downloads_enabled: bool,
    event_retention_days: i64,
    upload_max_bytes: i64,
    suspended_at: Option<i64>,
    revision: i64,
}

impl TryFrom<Row> for Account {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            name: row.name,
            plan: plan(&row.plan)?,
            created_at: time(row.created_at)?,
            downloads_enabled: row.downloads_enabled,
            event_retention_days: u16::try_from(row.event_retention_days)
                .map_err(|_| Error::Unreadable(format!("retention {}", row.event_retention_days)))?,
            upload_max_bytes: u64::try_from(row.upload_max_bytes)
                .map_err(|_| Error::Unreadable(format!("upload limit {}", row.upload_max_bytes)))?,
            suspended_at: optional_time(row.suspended_at)?,
            revision: row.revision,
        })
    }
}

const SELECT: &str = "SELECT id, name, plan, created_at, downloads_enabled, event_retention_days, upload_max_bytes, \
                      suspended_at, revision FROM accounts";

/// Reads a plan.
pub(super) fn plan(text: &str) -> Result<Plan> {
    named(&Plan::ALL, Plan::as_str, "plan", text)
}

/// A number of bytes as the database keeps it.
fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Adds an account.
///
/// # Errors
/// The database refused; [`Error::is_duplicate`] when the name is taken.
pub async fn insert<C: ConnectionTrait>(connection: &C, account: &Account) -> Result<()> {
    let sql = "INSERT INTO accounts (id, name, plan, created_at, downloads_enabled, event_retention_days, \
               upload_max_bytes, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        account.id.into(),
        account.name.as_str().into(),
        account.plan.as_str().into(),
        millis(account.created_at).into(),
        account.downloads_enabled.into(),
        i64::from(account.event_retention_days).into(),
        bytes(account.upload_max_bytes).into(),
        account.revision.into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Writes the features of an account.
///
/// # Errors
/// The database refused.
pub async fn update<C: ConnectionTrait>(transaction: &C, account: &Account) -> Result<()> {
    let sql = "UPDATE accounts SET downloads_enabled = $2, event_retention_days = $3, upload_max_bytes = $4, \
               revision = $5, plan = $6, suspended_at = $7 WHERE id = $1";
    let values = [
        account.id.into(),
        account.downloads_enabled.into(),
        i64::from(account.event_retention_days).into(),
        bytes(account.upload_max_bytes).into(),
        account.revision.into(),
        account.plan.as_str().into(),
        account.suspended_at.map(millis).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Finds an account.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<Account>> {
    read(connection, id, "").await
}

async fn read<C: ConnectionTrait>(connection: &C, id: Uuid, lock: &str) -> Result<Option<Account>> {
    let sql = format!("{SELECT} WHERE id = $1 AND closed_at IS NULL{lock}");
    let row = Row::find_by_statement(statement(connection, sql, [id.into()])).one(connection).await?;
    row.map(Account::try_from).transpose()
}

/// As [`find`], and holds it until the transaction ends: who changes it is alone.
///
/// # Errors
/// The database refused.
pub async fn lock<C: ConnectionTrait>(transaction: &C, id: Uuid) -> Result<Option<Account>> {
    read(transaction, id, locking(transaction)).await
}

/// Finds an account by its name.
///
/// # Errors
/// The database refused.
pub async fn find_by_name<C: ConnectionTrait>(connection: &C, name: &str) -> Result<Option<Account>> {
    let sql = format!("{SELECT} WHERE name = $1 AND closed_at IS NULL");
    let row = Row::find_by_statement(statement(connection, sql, [name.into()])).one(connection).await?;
    row.map(Account::try_from).transpose()
}

/// Accounts by name, after a name.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(connection: &C, after: Option<&str>, limit: u16) -> Result<Vec<Account>> {
    let sql = format!("{SELECT} WHERE name > $1 AND closed_at IS NULL ORDER BY name LIMIT $2");
    let values = [after.unwrap_or_default().into(), i64::from(limit).into()];
    let rows = Row::find_by_statement(statement(connection, sql, values)).all(connection).await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// How many accounts there are.
///
/// # Errors
/// The database refused.
pub async fn count<C: ConnectionTrait>(connection: &C) -> Result<i64> {
    super::count(connection, "SELECT COUNT(*) AS n FROM accounts WHERE closed_at IS NULL", []).await
}
