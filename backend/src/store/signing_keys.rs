//! The keys that sign access tokens, on which all nodes agree.

use super::{Result, millis, statement, time};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

/// A key.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// What tokens call it.
    pub id: String,
    /// What it signs with.
    pub secret: String,
    /// Since when it signs.
    pub created_at: DateTime<Utc>,
}

/// The keys, newest first: the first one signs.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(connection: &C) -> Result<Vec<StoredKey>> {
    let sql = "SELECT id, secret, created_at FROM signing_keys ORDER BY created_at DESC, id DESC";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok(StoredKey {
            id: row.try_get("", "id")?,
            secret: row.try_get("", "secret")?,
            created_at: time(row.try_get("", "created_at")?)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Adds a key.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(connection: &C, key: &StoredKey) -> Result<()> {
    let sql = "INSERT INTO signing_keys (id, secret, created_at) VALUES ($1, $2, $3)";
    let values = [key.id.as_str().into(), key.secret.as_str().into(), millis(key.created_at).into()];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Removes a key: what it signed is not believed any more.
///
/// # Errors
/// The database refused.
pub async fn remove<C: ConnectionTrait>(connection: &C, id: &str) -> Result<()> {
    let sql = "DELETE FROM signing_keys WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into()])).await?;
    Ok(())
}
