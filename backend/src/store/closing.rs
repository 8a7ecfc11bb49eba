//! Removing what belongs to an account that was closed: in small steps, in an order that foreign keys allow.

use super::{Result, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend};
use uuid::Uuid;

/// Rows of one step.
const STEP: u32 = 2_000;

/// SQLite's full-text index calls a server configuration by a number; PostgreSQL has no such table.
const SEARCH_NUMBERS: &str = "search_numbers";

/// A part of what is removed: a table, and which of its rows are the account's or the server configuration's (`$1`).
#[derive(Debug, Clone, Copy)]
pub struct Part {
    table: &'static str,
    condition: &'static str,
    /// The primary key, where rows have no number of their own in SQLite.
    key: Option<&'static str>,
}

const fn part(table: &'static str, condition: &'static str) -> Part {
    Part { table, condition, key: None }
}

const OF_UPLOADS: &str = "upload_id IN (SELECT id FROM uploads WHERE server_configuration_id = $1)";
const OF_SETS: &str = "removed_set_id IN (SELECT id FROM change_sets WHERE server_configuration_id = $1)";
const OF_SERVERS: &str = "mail_server_id IN (SELECT id FROM mail_servers WHERE server_configuration_id = $1)";
const OF_DISTRIBUTIONS: &str = "distribution_id IN (SELECT id FROM distributions WHERE server_configuration_id = $1)";
const OF_INQUIRIES: &str = "inquiry_id IN (SELECT id FROM inquiries WHERE account_id = $1)";
const OF_USERS: &str = "user_id IN (SELECT id FROM users WHERE account_id = $1)";
const OWN: &str = "server_configuration_id = $1";
const ACCOUNTS: &str = "account_id = $1";

/// What belongs to a server configuration, and it itself at the end.
pub const OF_CONFIGURATION: &[Part] = &[
    part("pending_parts", OF_SETS),
    part("blocked_addresses", OWN),
    part("removed_blocks", OWN),
    part("exemptions", OWN),
    part("ended_exemptions", OWN),
    part("receipts", OF_DISTRIBUTIONS),
    part("runs", OWN),
    part("distributions", OWN),
    // An undo names the operation that it undid, and is never undone itself.
    part("list_operations", "server_configuration_id = $1 AND undo_of IS NOT NULL"),
    part("list_operations", OWN),
    part("change_sets", OWN),
    Part { table: "changed_tallies", condition: OWN, key: Some("server_configuration_id, address_key, reason") },
    part("error_tallies", OWN),
    part("delivery_events", OWN),
    Part { table: "event_tallies", condition: OWN, key: Some("server_configuration_id, begins_at, result") },
    Part { table: "domain_tallies", condition: OWN, key: Some("server_configuration_id, begins_at, domain") },
    part("blocking_conditions", OWN),
    part("api_tokens", OF_SERVERS),
    part("mail_servers", OWN),
    part("upload_pieces", OF_UPLOADS),
    Part { table: "upload_addresses", condition: OF_UPLOADS, key: Some("upload_id, place") },
    Part { table: "upload_invalid_rows", condition: OF_UPLOADS, key: Some("upload_id, line") },
    part("uploads", OWN),
    part(SEARCH_NUMBERS, OWN),
    part("server_configurations", "id = $1"),
];

/// What belongs to an account beside its server configurations. Its row and its audit log stay.
pub const OF_ACCOUNT: &[Part] = &[
    part("inquiry_messages", OF_INQUIRIES),
    part("inquiries", ACCOUNTS),
    part("api_tokens", ACCOUNTS),
    part("invitations", ACCOUNTS),
    part("password_resets", OF_USERS),
    part("recovery_codes", OF_USERS),
    part("second_factors", OF_USERS),
    part("sessions", OF_USERS),
    part("users", ACCOUNTS),
];

/// Removes some rows of a part; false: there are none left.
///
/// # Errors
/// The database refused.
pub async fn remove_some<C: ConnectionTrait>(transaction: &C, part: Part, id: Uuid) -> Result<bool> {
    let Part { table, condition, key } = part;
    if table == SEARCH_NUMBERS && transaction.get_database_backend() != DatabaseBackend::Sqlite {
        return Ok(false);
    }
    let rows = |columns: &str| format!("SELECT {columns} FROM {table} WHERE {condition} LIMIT {STEP}");
    let chosen = match (key, transaction.get_database_backend()) {
        (Some(key), _) => format!("({key}) IN ({})", rows(key)),
        (None, DatabaseBackend::Sqlite) => format!("rowid IN ({})", rows("rowid")),
        // As an array the places of rows are looked up; as a join all of the table would be read.
        (None, _) => format!("ctid = ANY (ARRAY({}))", rows("ctid")),
    };
    let sql = format!("DELETE FROM {table} WHERE {chosen}");
    Ok(transaction.execute_raw(statement(transaction, sql, [id.into()])).await?.rows_affected() > 0)
}

/// Closes an account under another name, so that its own is free again, and ends what leads into it: sessions,
/// invitations and links for a new password. Users and tokens, who find it no more, are removed only later. A provider who
/// is inside goes on outside.
///
/// # Errors
/// The database refused.
pub async fn close<C: ConnectionTrait>(transaction: &C, id: Uuid, name: &str, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE accounts SET closed_at = $2, name = $3, revision = revision + 1 WHERE id = $1";
    transaction.execute_raw(statement(transaction, sql, [id.into(), millis(now).into(), name.into()])).await?;
    super::invitations::withdraw_all(transaction, id).await?;
    let sessions = format!("DELETE FROM sessions WHERE {OF_USERS}");
    let resets = format!("DELETE FROM password_resets WHERE {OF_USERS}");
    let outside = "UPDATE sessions SET account_id = NULL WHERE account_id = $1";
    for sql in ["UPDATE users SET active = FALSE WHERE account_id = $1", &sessions, &resets, outside] {
        transaction.execute_raw(statement(transaction, sql, [id.into()])).await?;
    }
    Ok(())
}

/// The closed accounts of which something is left.
///
/// # Errors
/// The database refused.
pub async fn closed<C: ConnectionTrait>(connection: &C) -> Result<Vec<Uuid>> {
    let sql = "SELECT id FROM accounts WHERE closed_at IS NOT NULL AND emptied_at IS NULL ORDER BY closed_at";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Notes that nothing of a closed account is left.
///
/// # Errors
/// The database refused.
pub async fn emptied<C: ConnectionTrait>(connection: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE accounts SET emptied_at = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}
