//! How many errors an address has with each reason: kept as events arrive, so that a run costs what changed since
//! the one before (DESIGN decision 4).

use super::{Result, statement};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use shared::Reason;
use uuid::Uuid;

/// Tallies in one statement: eight values each stay far below SQLite's limit of 32,766.
const CHUNK: usize = 1_000;

/// Errors of one address with one reason, to add to its tally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErrors {
    /// The address.
    pub address_key: String,
    /// How it is shown if it has no tally yet.
    pub address: String,
    /// Why it failed.
    pub reason: Reason,
    /// How many errors.
    pub count: i64,
    /// When the first of them happened, Unix milliseconds.
    pub first_at: i64,
    /// When the last of them happened, Unix milliseconds.
    pub last_at: i64,
}

/// A delivery that resets the tallies of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// The address.
    pub address_key: String,
    /// When it was delivered, Unix milliseconds.
    pub delivered_at: i64,
}

/// Locks a server configuration for counting and tells whether a successful delivery resets the count.
///
/// On PostgreSQL, batches count side by side, but not beside a run or release, which lock the same row exclusively:
/// a run must not clear the mark of an error that it has not seen. Where deliveries reset counts, batches queue up,
/// because their updates could wait for each other in a circle. On SQLite the transaction itself is the lock.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &impl ConnectionTrait, server_configuration_id: Uuid) -> Result<bool> {
    let id = Value::from(server_configuration_id);
    let sql = "SELECT success_resets_count FROM server_configurations WHERE id = $1";
    let row = tx.query_one_raw(statement(tx, sql, [id.clone()])).await?;
    let resets: bool = row.map(|row| row.try_get("", "success_resets_count")).transpose()?.unwrap_or_default();
    if tx.get_database_backend() == DatabaseBackend::Postgres {
        let strength = if resets { "UPDATE" } else { "SHARE" };
        let sql = format!("SELECT id FROM server_configurations WHERE id = $1 FOR {strength}");
        tx.query_one_raw(statement(tx, sql, [id])).await?;
    }
    Ok(resets)
}

/// Adds errors to the tallies. `errors` must be sorted by address and reason, one entry for both: concurrent batches
/// then lock the rows in the same order.
///
/// # Errors
/// The database's.
pub async fn add(tx: &impl ConnectionTrait, server_configuration_id: Uuid, errors: &[NewErrors]) -> Result<()> {
    for chunk in errors.chunks(CHUNK) {
        let mut values = Vec::with_capacity(1 + chunk.len() * 6);
        values.push(Value::from(server_configuration_id));
        let mut rows = Vec::with_capacity(chunk.len());
        for error in chunk {
            let n = values.len();
            rows.push(format!("($1, ${}, ${}, ${}, ${}, ${}, ${}, TRUE)", n + 1, n + 2, n + 3, n + 4, n + 5, n + 6));
            values.extend([
                Value::from(error.address_key.clone()),
                error.reason.as_str().into(),
                error.address.clone().into(),
                error.count.into(),
                error.first_at.into(),
                error.last_at.into(),
            ]);
        }
        // A tally of zero was reset: its times begin anew. The first spelling stays.
        let sql = format!(
            "INSERT INTO error_tallies \
             (server_configuration_id, address_key, reason, address, count, first_at, last_at, dirty) VALUES {} \
             ON CONFLICT (server_configuration_id, address_key, reason) DO UPDATE SET \
             count = error_tallies.count + excluded.count, \
             first_at = CASE WHEN error_tallies.count = 0 OR excluded.first_at < error_tallies.first_at \
                        THEN excluded.first_at ELSE error_tallies.first_at END, \
             last_at = CASE WHEN error_tallies.count = 0 OR excluded.last_at > error_tallies.last_at \
                       THEN excluded.last_at ELSE error_tallies.last_at END, \
             dirty = TRUE",
            rows.join(", ")
        );
        tx.execute_raw(statement(tx, sql, values)).await?;
    }
    Ok(())
}

/// Sets the tallies of delivered addresses to zero, except where an error is newer than the delivery.
///
/// # Errors
/// The database's.
pub async fn reset(tx: &impl ConnectionTrait, server_configuration_id: Uuid, successes: &[Success]) -> Result<()> {
    for chunk in successes.chunks(CHUNK) {
        let mut values = vec![Value::from(server_configuration_id)];
        let mut rows = Vec::with_capacity(chunk.len());
        for success in chunk {
            rows.push(format!("(${}, ${})", values.len() + 1, values.len() + 2));
            values.extend([Value::from(success.address_key.clone()), success.delivered_at.into()]);
        }
        let sql = format!(
            "WITH deliveries (address_key, delivered_at) AS (VALUES {}) \
             UPDATE error_tallies SET count = 0 FROM deliveries \
             WHERE error_tallies.server_configuration_id = $1 \
             AND error_tallies.address_key = deliveries.address_key \
             AND error_tallies.last_at <= deliveries.delivered_at AND error_tallies.count > 0",
            rows.join(", ")
        );
        tx.execute_raw(statement(tx, sql, values)).await?;
    }
    Ok(())
}
