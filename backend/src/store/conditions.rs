//! Blocking conditions, and what a run asks of the tallies.

use super::{
    Error, Result,
    change_sets::{BUILDING, placeholders},
    statement,
};
use sea_orm::ConnectionTrait;
use shared::{AddressKey, Reason};
use uuid::Uuid;

/// A blocking condition as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// The reason.
    pub reason: Reason,
    /// Whether it blocks.
    pub enabled: bool,
    /// From how many errors on.
    pub frequency: i64,
    /// It was disabled with "cancel blocking": the next run ends its blocks.
    pub cancel_requested: bool,
}

/// The conditions of a server configuration, in the table's order.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<Vec<Condition>> {
    let sql = "SELECT reason, enabled, frequency, cancel_requested FROM blocking_conditions \
               WHERE server_configuration_id = $1";
    let rows = connection.query_all_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    let mut conditions = Vec::with_capacity(rows.len());
    for row in rows {
        let reason: String = row.try_get("", "reason")?;
        conditions.push(Condition {
            reason: reason.parse().map_err(|_| Error::Unreadable(reason))?,
            enabled: row.try_get("", "enabled")?,
            frequency: row.try_get("", "frequency")?,
            cancel_requested: row.try_get("", "cancel_requested")?,
        });
    }
    conditions.sort_by_key(|condition| condition.reason);
    Ok(conditions)
}

/// Writes a condition, new or changed.
///
/// # Errors
/// The database refused.
pub async fn save<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    condition: &Condition,
) -> Result<()> {
    let sql = "INSERT INTO blocking_conditions (server_configuration_id, reason, enabled, frequency, cancel_requested) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (server_configuration_id, reason) DO UPDATE SET \
               enabled = excluded.enabled, frequency = excluded.frequency, cancel_requested = excluded.cancel_requested";
    let values = [
        server_configuration_id.into(),
        condition.reason.as_str().into(),
        condition.enabled.into(),
        condition.frequency.into(),
        condition.cancel_requested.into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// A tally that changed since the last run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyTally {
    /// The address.
    pub key: AddressKey,
    /// The reason that it counts.
    pub reason: Reason,
    /// The first spelling that was seen with this reason.
    pub address: String,
    /// How many errors.
    pub count: i64,
    /// When the first was, in unix milliseconds.
    pub first_at: i64,
    /// Whether the address is on the stop cancellation list or already blocked: nothing to do.
    pub settled: bool,
}

/// Marks what passes a condition as changed, because the conditions changed and not the counts.
///
/// # Errors
/// The database refused.
pub async fn mark_passing<C: ConnectionTrait>(transaction: &C, server_configuration_id: Uuid) -> Result<()> {
    let sql = "UPDATE error_tallies SET dirty = TRUE WHERE server_configuration_id = $1 AND NOT dirty AND EXISTS \
               (SELECT 1 FROM blocking_conditions c WHERE c.server_configuration_id = $1 \
               AND c.reason = error_tallies.reason AND c.enabled AND error_tallies.count >= c.frequency)";
    transaction.execute_raw(statement(transaction, sql, [server_configuration_id.into()])).await?;
    Ok(())
}

/// What a list operation is taking off: until it is done as a whole the address is blocked, and what it has counted is
/// for a later run to judge.
fn is_being_taken_off(tallies: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM removed_blocks r WHERE r.server_configuration_id = $1 \
         AND r.address_key = {tallies}.address_key AND r.removed_set_id IN {BUILDING})"
    )
}

/// Tallies that changed since the last run and come after `after` in the order of address and reason, at most `limit`.
/// Nothing is counted meanwhile: counting waits for the lock of the server configuration.
///
/// # Errors
/// The database refused.
pub async fn dirty_tallies<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    after: &(String, String),
    limit: usize,
) -> Result<Vec<DirtyTally>> {
    let sql = format!(
        "SELECT t.address_key, t.reason, t.address, t.count, t.first_at, \
         EXISTS (SELECT 1 FROM exemptions e WHERE e.server_configuration_id = t.server_configuration_id \
         AND e.address_key = t.address_key AND e.ended_set_id IS NULL) OR \
         EXISTS (SELECT 1 FROM blocked_addresses b WHERE b.server_configuration_id = t.server_configuration_id \
         AND b.address_key = t.address_key) AS settled \
         FROM error_tallies t WHERE t.server_configuration_id = $1 AND t.dirty AND NOT {} \
         AND (t.address_key, t.reason) > ($2, $3) ORDER BY t.address_key, t.reason LIMIT {limit}",
        is_being_taken_off("t")
    );
    let values = [server_configuration_id.into(), after.0.clone().into(), after.1.clone().into()];
    let rows = transaction.query_all_raw(statement(transaction, sql, values)).await?;
    let mut tallies = Vec::with_capacity(rows.len());
    for row in rows {
        let reason: String = row.try_get("", "reason")?;
        tallies.push(DirtyTally {
            key: AddressKey::from_stored(row.try_get("", "address_key")?),
            reason: reason.parse().map_err(|_| Error::Unreadable(reason))?,
            address: row.try_get("", "address")?,
            count: row.try_get("", "count")?,
            first_at: row.try_get("", "first_at")?,
            settled: row.try_get("", "settled")?,
        });
    }
    Ok(tallies)
}

/// Says that a run has looked at all tallies.
///
/// # Errors
/// The database refused.
pub async fn clear_dirty<C: ConnectionTrait>(transaction: &C, server_configuration_id: Uuid) -> Result<()> {
    let sql = format!(
        "UPDATE error_tallies SET dirty = FALSE WHERE server_configuration_id = $1 AND dirty AND NOT {}",
        is_being_taken_off("error_tallies")
    );
    transaction.execute_raw(statement(transaction, sql, [server_configuration_id.into()])).await?;
    Ok(())
}

/// Starts the counts of addresses again at zero (PRODUCT section 4, Counting).
///
/// # Errors
/// The database refused.
pub async fn reset_counts<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<()> {
    for chunk in keys.chunks(2_000) {
        let sql = format!(
            "UPDATE error_tallies SET count = 0, dirty = FALSE WHERE server_configuration_id = $1 AND address_key IN ({})",
            placeholders(2, chunk.len())
        );
        let mut values = vec![server_configuration_id.into()];
        values.extend(chunk.iter().map(|key| key.as_str().into()));
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}
