//! What the service keeps about itself.

use super::{Result, statement};
use sea_orm::ConnectionTrait;

/// The key that seals what is stored or handed out and nobody shall read.
pub const SEALING_KEY: &str = "sealing_key";
/// The hash of the one-time set-up code.
pub const SETUP_CODE_HASH: &str = "setup_code_hash";

/// Reads a setting.
///
/// # Errors
/// The database refused.
pub async fn get<C: ConnectionTrait>(connection: &C, name: &str) -> Result<Option<String>> {
    let sql = "SELECT value FROM service_settings WHERE name = $1";
    let row = connection.query_one_raw(statement(connection, sql, [name.into()])).await?;
    Ok(row.map(|row| row.try_get("", "value")).transpose()?)
}

/// Writes a setting unless there is one already, and returns the one that counts: all nodes agree on it.
///
/// # Errors
/// The database refused.
pub async fn get_or_insert<C: ConnectionTrait>(connection: &C, name: &str, value: String) -> Result<String> {
    let sql = "INSERT INTO service_settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    connection.execute_raw(statement(connection, sql, [name.into(), value.clone().into()])).await?;
    Ok(get(connection, name).await?.unwrap_or(value))
}

/// Writes a setting.
///
/// # Errors
/// The database refused.
pub async fn set<C: ConnectionTrait>(connection: &C, name: &str, value: String) -> Result<()> {
    let sql = "INSERT INTO service_settings (name, value) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute_raw(statement(connection, sql, [name.into(), value.into()])).await?;
    Ok(())
}

/// Removes a setting that has a value. False: it had not.
///
/// # Errors
/// The database refused.
pub async fn remove<C: ConnectionTrait>(connection: &C, name: &str, value: &str) -> Result<bool> {
    let sql = "DELETE FROM service_settings WHERE name = $1 AND value = $2";
    let result = connection.execute_raw(statement(connection, sql, [name.into(), value.into()])).await?;
    Ok(result.rows_affected() == 1)
}
