//! How many errors an address has with each reason: kept as events arrive, so that a run costs what changed since
//! the one before (DESIGN decision 4). Which tallies changed is a table of its own: a run empties it in one go, where
//! marks in the tallies would have each page written that holds one.

use super::{Error, Result, each_row, json_rows, millis, statement};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use shared::Reason;
use uuid::Uuid;

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

/// What a batch has to know of its server configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// Whether a successful delivery resets the count.
    pub success_resets: bool,
    /// For how many days the account keeps events.
    pub retention_days: i64,
    /// Events that happened before this time were removed and their ids forgotten; Unix milliseconds.
    pub removed_before: i64,
    /// The time zone whose days events are counted by.
    pub time_zone: String,
}

impl Intake {
    /// Events that happened before this time are not taken in; Unix milliseconds.
    pub fn oldest(&self, now: DateTime<Utc>) -> i64 {
        millis(now - TimeDelta::days(self.retention_days)).max(self.removed_before)
    }
}

/// Reads it.
///
/// # Errors
/// The database's.
pub async fn intake(connection: &impl ConnectionTrait, server_configuration_id: Uuid) -> Result<Intake> {
    let sql = "SELECT c.success_resets_count, c.events_removed_before, c.time_zone, a.event_retention_days \
               FROM server_configurations c JOIN accounts a ON a.id = c.account_id WHERE c.id = $1";
    let row = connection.query_one_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    let row = row.ok_or_else(|| Error::Unreadable("the server configuration is gone".to_owned()))?;
    Ok(Intake {
        success_resets: row.try_get("", "success_resets_count")?,
        retention_days: row.try_get("", "event_retention_days")?,
        removed_before: row.try_get("", "events_removed_before")?,
        time_zone: row.try_get("", "time_zone")?,
    })
}

/// Locks a server configuration for counting.
///
/// On PostgreSQL, batches count side by side, but not beside a run or release, which lock the same row exclusively:
/// a run must not clear the mark of an error that it has not seen. Where deliveries reset counts, batches queue up,
/// because their updates could wait for each other in a circle. On SQLite the transaction itself is the lock.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &impl ConnectionTrait, server_configuration_id: Uuid) -> Result<Intake> {
    if tx.get_database_backend() == DatabaseBackend::Postgres {
        let strength = if intake(tx, server_configuration_id).await?.success_resets { "UPDATE" } else { "SHARE" };
        let sql = format!("SELECT id FROM server_configurations WHERE id = $1 FOR {strength}");
        tx.query_one_raw(statement(tx, sql, [server_configuration_id.into()])).await?;
    }
    intake(tx, server_configuration_id).await
}

/// Adds errors to the tallies, and says which those are. `errors` must be sorted by address and reason, one entry for
/// both: concurrent batches then lock the rows in the same order.
///
/// # Errors
/// The database's.
pub async fn add(tx: &impl ConnectionTrait, server_configuration_id: Uuid, errors: &[NewErrors]) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let rows = json_rows(errors.iter().map(|error| {
        let NewErrors { address_key, address, count, first_at, last_at, .. } = error;
        (address_key, error.reason.as_str(), address, count, first_at, last_at)
    }))?;
    // A tally of zero was reset: its times begin anew. The first spelling stays.
    let sql = format!(
        "INSERT INTO error_tallies \
         (server_configuration_id, address_key, reason, address, count, first_at, last_at) \
         SELECT $1, value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), \
         CAST(value ->> 5 AS BIGINT) FROM {} WHERE TRUE \
         ON CONFLICT (server_configuration_id, address_key, reason) DO UPDATE SET \
         count = error_tallies.count + excluded.count, \
         first_at = CASE WHEN error_tallies.count = 0 OR excluded.first_at < error_tallies.first_at \
                    THEN excluded.first_at ELSE error_tallies.first_at END, \
         last_at = CASE WHEN error_tallies.count = 0 OR excluded.last_at > error_tallies.last_at \
                   THEN excluded.last_at ELSE error_tallies.last_at END",
        each_row(tx, 2)
    );
    tx.execute_raw(statement(tx, sql, [server_configuration_id.into(), rows.clone().into()])).await?;
    let sql = format!(
        "INSERT INTO changed_tallies (server_configuration_id, address_key, reason) \
         SELECT $1, value ->> 0, value ->> 1 FROM {} WHERE TRUE ON CONFLICT DO NOTHING",
        each_row(tx, 2)
    );
    tx.execute_raw(statement(tx, sql, [server_configuration_id.into(), rows.into()])).await?;
    Ok(())
}

/// Says that tallies changed: those (`t`) that the SQL `condition` with its values picks.
///
/// # Errors
/// The database's.
pub(super) async fn mark_changed(
    tx: &impl ConnectionTrait,
    condition: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO changed_tallies (server_configuration_id, address_key, reason) \
         SELECT t.server_configuration_id, t.address_key, t.reason FROM error_tallies t WHERE {condition} \
         ON CONFLICT DO NOTHING"
    );
    tx.execute_raw(statement(tx, sql, values)).await?;
    Ok(())
}

/// Sets the tallies of delivered addresses to zero, except where an error is newer than the delivery.
///
/// # Errors
/// The database's.
pub async fn reset(tx: &impl ConnectionTrait, server_configuration_id: Uuid, successes: &[Success]) -> Result<()> {
    if successes.is_empty() {
        return Ok(());
    }
    let rows = json_rows(successes.iter().map(|success| (&success.address_key, success.delivered_at)))?;
    let sql = format!(
        "WITH deliveries (address_key, delivered_at) AS \
         (SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM {}) \
         UPDATE error_tallies SET count = 0 FROM deliveries \
         WHERE error_tallies.server_configuration_id = $1 \
         AND error_tallies.address_key = deliveries.address_key \
         AND error_tallies.last_at <= deliveries.delivered_at AND error_tallies.count > 0",
        each_row(tx, 2)
    );
    tx.execute_raw(statement(tx, sql, [server_configuration_id.into(), rows.into()])).await?;
    Ok(())
}
