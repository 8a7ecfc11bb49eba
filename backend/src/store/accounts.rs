//! Accounts.

use super::{Error, Result, millis, statement, time};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::account::{Account, Plan};
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    name: String,
    plan: String,
    created_at: i64,
}

impl TryFrom<Row> for Account {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let plan = Plan::ALL.into_iter().find(|plan| plan.as_str() == row.plan);
        Ok(Self {
            id: row.id,
            name: row.name,
            plan: plan.ok_or_else(|| Error::Unreadable(format!("plan {}", row.plan)))?,
            created_at: time(row.created_at)?,
        })
    }
}

/// Adds an account.
///
/// # Errors
/// The database refused; [`Error::is_duplicate`] when the name is taken.
pub async fn insert<C: ConnectionTrait>(connection: &C, account: &Account) -> Result<()> {
    let sql = "INSERT INTO accounts (id, name, plan, created_at) VALUES ($1, $2, $3, $4)";
    let values = [
        account.id.into(),
        account.name.as_str().into(),
        account.plan.as_str().into(),
        millis(account.created_at).into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Finds an account.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<Account>> {
    let sql = "SELECT id, name, plan, created_at FROM accounts WHERE id = $1";
    let row = Row::find_by_statement(statement(connection, sql, [id.into()])).one(connection).await?;
    row.map(Account::try_from).transpose()
}

/// Finds an account by its name.
///
/// # Errors
/// The database refused.
pub async fn find_by_name<C: ConnectionTrait>(connection: &C, name: &str) -> Result<Option<Account>> {
    let sql = "SELECT id, name, plan, created_at FROM accounts WHERE name = $1";
    let row = Row::find_by_statement(statement(connection, sql, [name.into()])).one(connection).await?;
    row.map(Account::try_from).transpose()
}

/// Accounts by name, after a name.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(connection: &C, after: Option<&str>, limit: u16) -> Result<Vec<Account>> {
    let sql = "SELECT id, name, plan, created_at FROM accounts WHERE name > $1 ORDER BY name LIMIT $2";
    let values = [after.unwrap_or_default().into(), i64::from(limit).into()];
    let rows = Row::find_by_statement(statement(connection, sql, values)).all(connection).await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// How many accounts there are.
///
/// # Errors
/// The database refused.
pub async fn count<C: ConnectionTrait>(connection: &C) -> Result<i64> {
    let row = connection.query_one_raw(statement(connection, "SELECT COUNT(*) AS n FROM accounts", [])).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or(0))
}
