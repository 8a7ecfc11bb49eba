//! Blocking conditions, and what a run asks of the tallies.

use super::{
    Result,
    blocked_addresses::is_blocked,
    change_sets::{BUILDING, placeholders},
    error_tallies::mark_changed,
    exemptions::is_exempt,
    is_there, millis, new_id, reason, statement, typed_id,
};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use shared::{AddressKey, Reason, list::Origin};
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
        conditions.push(Condition {
            reason: reason(&row)?,
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

/// The address with which a batch of at most `limit` tallies ends, after another address, and how many they are; `None`
/// when there are no more.
///
/// # Errors
/// The database refused.
pub async fn next_tallies<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    after: &str,
    limit: i64,
) -> Result<Option<(String, i64)>> {
    last_of_next(transaction, "error_tallies", server_configuration_id, after, limit).await
}

/// Marks what passes a condition as changed, because the conditions changed and not the counts: of the addresses after
/// one, up to another.
///
/// # Errors
/// The database refused.
pub async fn mark_passing<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    batch: (&str, &str),
) -> Result<()> {
    let passing = "t.server_configuration_id = $1 AND t.address_key > $2 AND t.address_key <= $3 AND EXISTS \
                   (SELECT 1 FROM blocking_conditions c WHERE c.server_configuration_id = $1 \
                   AND c.reason = t.reason AND c.enabled AND t.count >= c.frequency)";
    mark_changed(transaction, passing, [server_configuration_id.into(), batch.0.into(), batch.1.into()]).await
}

/// What a set that is not ready takes off: until it is done as a whole the address is blocked, and what it has counted is
/// for a later run to judge.
fn is_being_taken_off(tallies: &str) -> String {
    is_there(&format!(
        "FROM removed_blocks r WHERE r.server_configuration_id = $1 AND r.address_key = {tallies}.address_key \
         AND r.removed_set_id IN {BUILDING}"
    ))
}

/// As [`next_tallies`], of those that changed since a run has looked at them.
///
/// # Errors
/// The database refused.
pub async fn next_changed<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    after: &str,
    limit: i64,
) -> Result<Option<(String, i64)>> {
    last_of_next(transaction, "changed_tallies", server_configuration_id, after, limit).await
}

async fn last_of_next<C: ConnectionTrait>(
    transaction: &C,
    table: &str,
    server_configuration_id: Uuid,
    after: &str,
    limit: i64,
) -> Result<Option<(String, i64)>> {
    let sql = format!(
        "SELECT MAX(address_key) AS last, COUNT(*) AS n FROM (SELECT address_key FROM {table} WHERE server_configuration_id = $1 \
         AND address_key > $2 ORDER BY address_key, reason LIMIT {limit}) AS next"
    );
    let values = [server_configuration_id.into(), after.into()];
    let Some(row) = transaction.query_one_raw(statement(transaction, sql, values)).await? else { return Ok(None) };
    let last: Option<String> = row.try_get("", "last")?;
    last.map(|last| Ok((last, row.try_get("", "n")?))).transpose()
}

/// Blocks every address of a batch (after one, up to another) with a changed tally that passes an enabled condition, is
/// not exempt and not blocked. The first reason in the table's order names the block, the first spelling that was seen
/// shows it. Returns the addresses and their reasons.
///
/// # Errors
/// The database refused.
pub async fn block_passing<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    set_id: Uuid,
    rules: &[Condition],
    batch: (&str, &str),
    now: DateTime<Utc>,
) -> Result<Vec<(AddressKey, Reason)>> {
    let rules: Vec<&Condition> = rules.iter().filter(|rule| rule.enabled).collect();
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let passes: Vec<String> =
        rules.iter().map(|rule| format!("t.reason = '{}' AND t.count >= {}", rule.reason, rule.frequency)).collect();
    let cases = |case: &dyn Fn(usize, Reason) -> String| {
        rules.iter().enumerate().map(|(place, rule)| case(place, rule.reason)).collect::<Vec<_>>().join(" ")
    };
    let places = cases(&|place, reason| format!("WHEN '{reason}' THEN {place}"));
    let reasons = cases(&|place, reason| format!("WHEN {place} THEN '{reason}'"));
    // The part after the last @, or nothing: what `AddressKey::domain` says.
    let domain = "CASE WHEN p.address_key LIKE '%@%' THEN substr(p.address_key, \
                  length(rtrim(p.address_key, replace(p.address_key, '@', ''))) + 1) ELSE '' END";
    // CROSS JOIN: SQLite would rather read all tallies in the order of their keys. The spelling is looked up while the page
    // of the tally is at hand: after the batch was read it is not any more.
    let sql = format!(
        "INSERT INTO blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, origin, \
         blocked_at, added_set_id) \
         SELECT {}, {}, p.address_key, p.address, {domain}, CASE p.place {reasons} END, '{}', {}, {} FROM \
         (SELECT d.address_key, MIN(CASE d.reason {places} END) AS place, \
         (SELECT a.address FROM error_tallies a WHERE a.server_configuration_id = $1 \
         AND a.address_key = d.address_key ORDER BY a.first_at, a.reason LIMIT 1) AS address \
         FROM changed_tallies d CROSS JOIN error_tallies t \
         WHERE d.server_configuration_id = $1 AND d.address_key > $3 AND d.address_key <= $4 \
         AND t.server_configuration_id = $1 AND t.address_key = d.address_key AND t.reason = d.reason \
         AND ({}) GROUP BY d.address_key) AS p \
         WHERE NOT ({} OR {} OR {}) RETURNING address_key, reason",
        new_id(transaction, "p.address_key"),
        typed_id(transaction, "$1"),
        Origin::Condition.as_str(),
        millis(now),
        typed_id(transaction, "$2"),
        passes.join(" OR "),
        is_exempt("p"),
        is_blocked("p"),
        is_being_taken_off("p"),
    );
    let values = [server_configuration_id.into(), set_id.into(), batch.0.into(), batch.1.into()];
    let rows = transaction.query_all_raw(statement(transaction, sql, values)).await?;
    rows.iter().map(|row| Ok((AddressKey::from_stored(row.try_get("", "address_key")?), reason(row)?))).collect()
}

/// Says that a run has looked at the tallies of a batch.
///
/// # Errors
/// The database refused.
pub async fn clear_changed<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    batch: (&str, &str),
) -> Result<()> {
    let sql = format!(
        "DELETE FROM changed_tallies WHERE server_configuration_id = $1 AND address_key > $2 AND address_key <= $3 \
         AND NOT {}",
        is_being_taken_off("changed_tallies")
    );
    let values = [server_configuration_id.into(), batch.0.into(), batch.1.into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Marks the tallies of addresses as changed: their blocks were undone, and the next run judges them again.
///
/// # Errors
/// The database refused.
pub async fn judge_again<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<()> {
    for chunk in keys.chunks(2_000) {
        let counted = format!(
            "t.server_configuration_id = $1 AND t.address_key IN ({}) AND t.count > 0",
            placeholders(2, chunk.len())
        );
        let mut values = vec![server_configuration_id.into()];
        values.extend(chunk.iter().map(|key| key.as_str().into()));
        mark_changed(transaction, &counted, values).await?;
    }
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
            "UPDATE error_tallies SET count = 0 WHERE server_configuration_id = $1 AND address_key IN ({})",
            placeholders(2, chunk.len())
        );
        let mut values = vec![server_configuration_id.into()];
        values.extend(chunk.iter().map(|key| key.as_str().into()));
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}
