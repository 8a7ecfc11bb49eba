//! How a run ends blocks, a batch in one statement.

use crate::store::{Result, change_sets::BUILDING, count, millis, reason, statement, typed_id};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use shared::{AddressKey, Reason, list::RemovalCause};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A block's place among all: when it was made, and which it is.
pub type Place = (i64, Uuid);

/// Before all blocks.
pub const BEFORE_ALL: Place = (i64::MIN, Uuid::nil());

/// Which live blocks a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Those made up to this time.
    MadeUntil(DateTime<Utc>),
    /// Those with this reason.
    Reason(Reason),
}

/// A block that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The address.
    pub key: AddressKey,
    /// The set that had added it.
    pub added_set_id: Uuid,
    /// Whether a published list holds it; otherwise no mail server may have to be told.
    pub published: bool,
}

impl Ending {
    /// The condition on the table `b`.
    fn condition(self) -> String {
        match self {
            Self::MadeUntil(until) => format!("b.blocked_at <= {}", millis(until)),
            Self::Reason(reason) => format!("b.reason = '{reason}'"),
        }
    }
}

/// With which block the next batch after a place ends, oldest first, at most `limit` blocks; `None` when there is none.
/// Without the place, PostgreSQL would read for each batch what the transaction has deleted before it.
///
/// # Errors
/// The database refused.
pub async fn next_ending<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    ending: Ending,
    after: Place,
    limit: i64,
) -> Result<Option<Place>> {
    let sql = format!(
        "SELECT blocked_at, id FROM (SELECT b.blocked_at, b.id FROM blocked_addresses b \
         WHERE b.server_configuration_id = $1 AND {} AND (b.blocked_at, b.id) > ($2, $3) \
         AND b.added_set_id NOT IN {BUILDING} \
         ORDER BY b.blocked_at, b.id LIMIT {limit}) AS next ORDER BY blocked_at DESC, id DESC LIMIT 1",
        ending.condition()
    );
    let values = [server_configuration_id.into(), after.0.into(), after.1.into()];
    let row = transaction.query_one_raw(statement(transaction, sql, values)).await?;
    row.map(|row| Ok((row.try_get("", "blocked_at")?, row.try_get("", "id")?))).transpose()
}

/// Ends a batch of blocks, after a place and up to another, by the set `removed_set_id`. The counts of their addresses
/// begin again at zero.
///
/// # Errors
/// The database refused.
pub async fn end_batch<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    ending: Ending,
    (after, last): (Place, Place),
    cause: RemovalCause,
    removed_set_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Ended>> {
    let columns = "b.id, b.server_configuration_id, b.address_key, b.address, b.domain, b.reason, b.origin, \
                   b.blocked_at, b.added_set_id, b.first_set_id";
    // Up to the time is implied by up to the block, and would have the index read from the start to that time.
    let reason = match ending {
        Ending::MadeUntil(_) => String::new(),
        Ending::Reason(_) => format!("AND {}", ending.condition()),
    };
    let batch = format!(
        "b.server_configuration_id = $1 {reason} AND (b.blocked_at, b.id) > ($2, $3) \
         AND (b.blocked_at, b.id) <= ($4, $5) AND b.added_set_id NOT IN {BUILDING}"
    );
    let values =
        || vec![Value::from(server_configuration_id), after.0.into(), after.1.into(), last.0.into(), last.1.into()];
    let sql = format!(
        "INSERT INTO removed_blocks (id, server_configuration_id, address_key, address, domain, reason, origin, \
         blocked_at, added_set_id, first_set_id, cause, removed_at, removed_set_id) \
         SELECT {columns}, '{}', {}, {} FROM blocked_addresses b WHERE {batch} \
         RETURNING address_key, added_set_id, (SELECT s.version IS NOT NULL FROM change_sets s \
         WHERE s.id = removed_blocks.added_set_id) AS published",
        cause.as_str(),
        millis(now),
        typed_id(transaction, "$6")
    );
    let mut with_set = values();
    with_set.push(removed_set_id.into());
    let rows = transaction.query_all_raw(statement(transaction, sql, with_set)).await?;
    let sql = format!(
        "UPDATE error_tallies SET count = 0 WHERE server_configuration_id = $1 \
         AND address_key IN (SELECT b.address_key FROM blocked_addresses b WHERE {batch})"
    );
    transaction.execute_raw(statement(transaction, sql, values())).await?;
    let sql = format!("DELETE FROM blocked_addresses AS b WHERE {batch}");
    transaction.execute_raw(statement(transaction, sql, values())).await?;
    rows.iter()
        .map(|row| {
            Ok(Ended {
                key: AddressKey::from_stored(row.try_get("", "address_key")?),
                added_set_id: row.try_get("", "added_set_id")?,
                published: row.try_get("", "published")?,
            })
        })
        .collect()
}

/// Leaves those that a set has ended and no published list ever held to no set: no mail server has to be told.
///
/// # Errors
/// The database refused.
pub async fn leave_unpublished<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    removed_set_id: Uuid,
) -> Result<()> {
    let sql = "UPDATE removed_blocks SET removed_set_id = NULL WHERE removed_set_id = $2 AND added_set_id IN \
               (SELECT id FROM change_sets WHERE server_configuration_id = $1 AND version IS NULL AND ready)";
    let values = [server_configuration_id.into(), removed_set_id.into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// How many blocks a set has made, by their reasons.
///
/// # Errors
/// The database refused.
pub async fn made_by<C: ConnectionTrait>(connection: &C, added_set_id: Uuid) -> Result<BTreeMap<Reason, i64>> {
    let sql = "SELECT reason, COUNT(*) AS n FROM blocked_addresses WHERE added_set_id = $1 GROUP BY reason";
    let rows = connection.query_all_raw(statement(connection, sql, [added_set_id.into()])).await?;
    rows.iter().map(|row| Ok((reason(row)?, row.try_get("", "n")?))).collect()
}

/// How many blocks a set has ended with a cause.
///
/// # Errors
/// The database refused.
pub async fn ended_by<C: ConnectionTrait>(connection: &C, removed_set_id: Uuid, cause: RemovalCause) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM removed_blocks WHERE removed_set_id = $1 AND cause = $2";
    count(connection, sql, [removed_set_id.into(), cause.as_str().into()]).await
}
