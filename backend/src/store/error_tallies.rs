//! How many errors an address has with each reason: kept as events arrive, so that a run costs what changed since
//! the one before (DESIGN decision 4). Which tallies changed is a table of its own: a run empties it in one go, where
//! marks in the tallies would have each page written that holds one.

use super::{Error, Result, each_row, json_rows, millis, statement};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use shared::{Reason, list::RemovalCause};
use std::collections::{BTreeSet, HashMap};
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

/// When errors of these addresses have to have happened to count, Unix milliseconds: since the last reset. Those whose
/// counts never were reset are left out.
///
/// An error may come long after it happened, from a mail server that was cut off, and be the first of its address or
/// reason. So this is not asked of the tallies, but of what resets them: blocks and exemptions that ended, deliveries.
///
/// # Errors
/// The database's.
pub async fn counted_from(
    tx: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    keys: &BTreeSet<&str>,
) -> Result<HashMap<String, i64>> {
    let mut counted_from = HashMap::new();
    if keys.is_empty() {
        return Ok(counted_from);
    }
    // A bulk release leaves the counts to its undo, and the undo of a registration leaves them to the next run.
    let sql = format!(
        "WITH failed (address_key) AS (SELECT value ->> 0 FROM {}), \
         resets (address_key, unblocked_at, unexempted_at, delivered_at) AS MATERIALIZED (SELECT f.address_key, \
         (SELECT MAX(r.removed_at) FROM removed_blocks r WHERE r.server_configuration_id = $1 \
         AND r.address_key = f.address_key AND (r.removed_by IS NOT NULL OR r.cause IN ('{}', '{}'))), \
         (SELECT MAX(e.ended_at) FROM ended_exemptions e WHERE e.server_configuration_id = $1 \
         AND e.address_key = f.address_key), \
         (SELECT MAX(d.occurred_at) FROM delivery_events d WHERE d.server_configuration_id = $1 \
         AND d.address_key = f.address_key AND d.resets_count) FROM failed f) \
         SELECT address_key, unblocked_at, unexempted_at, delivered_at FROM resets \
         WHERE COALESCE(unblocked_at, unexempted_at, delivered_at) IS NOT NULL",
        each_row(tx, 2),
        RemovalCause::WatchPeriod.as_str(),
        RemovalCause::ConditionDisabled.as_str(),
    );
    let rows = json_rows(keys.iter().map(|key| (key,)))?;
    for row in tx.query_all_raw(statement(tx, sql, [server_configuration_id.into(), rows.into()])).await? {
        let at = |column| row.try_get::<Option<i64>>("", column);
        // Mail logs tell whole seconds: what failed in the same one may have failed after it.
        let off_the_lists = at("unblocked_at")?.max(at("unexempted_at")?).map(|at| at - at.rem_euclid(1_000));
        let delivered = at("delivered_at")?.map(|at| at + 1);
        if let Some(from) = off_the_lists.max(delivered) {
            counted_from.insert(row.try_get("", "address_key")?, from);
        }
    }
    Ok(counted_from)
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
