//! What list operations do to blocks, a batch in one statement. All of it hangs on a change set that is not ready.

use super::Block;
use crate::store::{
    Result,
    change_sets::{BUILDING, placeholders},
    count,
    error_tallies::mark_changed,
    exemptions::is_exempt,
    is_there, millis, new_id, statement, typed_id,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use shared::{
    AddressKey, Reason,
    list::{Origin, RemovalCause},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Some of an upload's addresses, as they lie in it: after one place, up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The upload.
    pub upload_id: Uuid,
    /// After this place.
    pub after: i64,
    /// Up to this place.
    pub last: i64,
    /// How many addresses.
    pub count: i64,
}

fn keys(rows: &[QueryResult]) -> Result<Vec<AddressKey>> {
    rows.iter().map(|row| Ok(AddressKey::from_stored(row.try_get("", "address_key")?))).collect()
}

/// The next places of an upload, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn places<C: ConnectionTrait>(connection: &C, upload_id: Uuid, after: i64, limit: usize) -> Result<Places> {
    let sql = format!(
        "SELECT COUNT(*) AS n, COALESCE(MAX(place), $2) AS last FROM (SELECT place FROM upload_addresses \
         WHERE upload_id = $1 AND place > $2 ORDER BY place LIMIT {limit}) AS next"
    );
    let row = connection.query_one_raw(statement(connection, sql, [upload_id.into(), after.into()])).await?;
    let (count, last) = match row {
        None => (0, after),
        Some(row) => (row.try_get("", "n")?, row.try_get("", "last")?),
    };
    Ok(Places { upload_id, after, last, count })
}

/// How many places an upload has.
///
/// # Errors
/// The database refused.
pub async fn count_places<C: ConnectionTrait>(connection: &C, upload_id: Uuid) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM upload_addresses WHERE upload_id = $1".to_owned();
    count(connection, sql, vec![upload_id.into()]).await
}

/// Blocks the addresses of some places that are not blocked, and not exempt unless `block_exempt`. Returns those that it
/// blocked.
///
/// # Errors
/// The database refused.
pub async fn register<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    set_id: Uuid,
    places: Places,
    block_exempt: bool,
    now: DateTime<Utc>,
) -> Result<Vec<AddressKey>> {
    let id = new_id(transaction, "u.place");
    let unless_exempt = if block_exempt { String::new() } else { format!("AND NOT {}", is_exempt("u")) };
    let (reason, origin, at) = (Reason::Registered.as_str(), Origin::Upload.as_str(), millis(now));
    let config = typed_id(transaction, "$1");
    let set = typed_id(transaction, "$2");
    let sql = format!(
        "INSERT INTO blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, origin, \
         blocked_at, added_set_id) \
         SELECT {id}, {config}, u.address_key, u.address, u.domain, '{reason}', '{origin}', {at}, {set} \
         FROM upload_addresses u WHERE u.upload_id = $3 AND u.place > $4 AND u.place <= $5 {unless_exempt} \
         ORDER BY u.place ON CONFLICT (server_configuration_id, address_key) DO NOTHING RETURNING address_key"
    );
    let values = [
        server_configuration_id.into(),
        set_id.into(),
        places.upload_id.into(),
        places.after.into(),
        places.last.into(),
    ];
    keys(&transaction.query_all_raw(statement(transaction, sql, values)).await?)
}

/// How many places have an address that is exempt.
///
/// # Errors
/// The database refused.
pub async fn count_exempt<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    places: Places,
) -> Result<i64> {
    let sql = format!(
        "SELECT COUNT(*) AS n FROM upload_addresses u WHERE u.upload_id = $2 AND u.place > $3 AND u.place <= $4 AND {}",
        is_exempt("u")
    );
    let values = vec![server_configuration_id.into(), places.upload_id.into(), places.after.into(), places.last.into()];
    count(transaction, sql, values).await
}

/// How many places have an address that a set blocks.
///
/// # Errors
/// The database refused.
pub async fn count_added<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    set_id: Uuid,
    places: Places,
) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM upload_addresses u JOIN blocked_addresses b \
               ON b.server_configuration_id = $1 AND b.address_key = u.address_key AND b.added_set_id = $2 \
               WHERE u.upload_id = $3 AND u.place > $4 AND u.place <= $5";
    let values = vec![
        server_configuration_id.into(),
        set_id.into(),
        places.upload_id.into(),
        places.after.into(),
        places.last.into(),
    ];
    count(transaction, sql.to_owned(), values).await
}

/// The live blocks of the addresses of some places.
///
/// # Errors
/// The database refused.
pub async fn of_places<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    places: Places,
) -> Result<Vec<Block>> {
    let sql = format!(
        "{} AND b.address_key IN (SELECT u.address_key FROM upload_addresses u \
         WHERE u.upload_id = $2 AND u.place > $3 AND u.place <= $4)",
        super::BLOCK
    );
    let values = vec![server_configuration_id.into(), places.upload_id.into(), places.after.into(), places.last.into()];
    super::blocks(connection, sql, values).await
}

/// How many live blocks have an address of an upload.
///
/// # Errors
/// The database refused.
pub async fn count_blocked<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    upload_id: Uuid,
) -> Result<i64> {
    let sql = format!(
        "SELECT COUNT(*) AS n FROM (SELECT DISTINCT u.address_key FROM upload_addresses u WHERE u.upload_id = $2) AS u \
         JOIN blocked_addresses b ON b.server_configuration_id = $1 AND b.address_key = u.address_key \
         AND b.added_set_id NOT IN {BUILDING}"
    );
    count(connection, sql, vec![server_configuration_id.into(), upload_id.into()]).await
}

/// Takes blocks back that a set that is not ready has added, at most `limit`. Returns their addresses. What they have
/// counted is for the next run to judge.
///
/// # Errors
/// The database refused.
pub async fn take_back<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    set_id: Uuid,
    limit: usize,
) -> Result<Vec<AddressKey>> {
    let batch = |column: &str| {
        format!(
            "(SELECT {column} FROM blocked_addresses WHERE added_set_id = $1 ORDER BY added_set_id, address_key \
             LIMIT {limit})"
        )
    };
    let counted =
        format!("t.server_configuration_id = $2 AND t.address_key IN {} AND t.count > 0", batch("address_key"));
    mark_changed(transaction, &counted, [set_id.into(), server_configuration_id.into()]).await?;
    let sql = format!("DELETE FROM blocked_addresses WHERE id IN {} RETURNING address_key", batch("id"));
    keys(&transaction.query_all_raw(statement(transaction, sql, [set_id.into()])).await?)
}

/// Which sets that are not ready block these addresses: each set with its addresses.
///
/// # Errors
/// The database refused.
pub async fn building<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    names: &[&AddressKey],
) -> Result<BTreeMap<Uuid, Vec<AddressKey>>> {
    let mut found: BTreeMap<Uuid, Vec<AddressKey>> = BTreeMap::new();
    if names.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT address_key, added_set_id FROM blocked_addresses WHERE server_configuration_id = $1 \
         AND address_key IN ({}) AND added_set_id IN {BUILDING}",
        placeholders(2, names.len())
    );
    let mut values = vec![server_configuration_id.into()];
    values.extend(names.iter().map(|key| key.as_str().into()));
    for row in connection.query_all_raw(statement(connection, sql, values)).await? {
        let key = AddressKey::from_stored(row.try_get("", "address_key")?);
        found.entry(row.try_get("", "added_set_id")?).or_default().push(key);
    }
    Ok(found)
}

/// Takes single blocks out of a set that is not ready. Returns their addresses.
///
/// # Errors
/// The database refused.
pub async fn take_out<C: ConnectionTrait>(
    transaction: &C,
    set_id: Uuid,
    names: &[AddressKey],
) -> Result<Vec<AddressKey>> {
    let sql = format!(
        "DELETE FROM blocked_addresses WHERE added_set_id = $1 AND address_key IN ({}) RETURNING address_key",
        placeholders(2, names.len())
    );
    let mut values: Vec<Value> = vec![set_id.into()];
    values.extend(names.iter().map(|key| key.as_str().into()));
    keys(&transaction.query_all_raw(statement(transaction, sql, values)).await?)
}

/// How many places have an address that a set has taken off.
///
/// # Errors
/// The database refused.
pub async fn count_removed<C: ConnectionTrait>(transaction: &C, removed_set_id: Uuid, places: Places) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM upload_addresses u JOIN removed_blocks r \
               ON r.removed_set_id = $1 AND r.address_key = u.address_key \
               WHERE u.upload_id = $2 AND u.place > $3 AND u.place <= $4";
    let values = vec![removed_set_id.into(), places.upload_id.into(), places.after.into(), places.last.into()];
    count(transaction, sql.to_owned(), values).await
}

/// Puts blocks back that a set that is not ready has taken off, at most `limit`. Returns their addresses.
///
/// # Errors
/// The database refused.
pub async fn put_back<C: ConnectionTrait>(
    transaction: &C,
    removed_set_id: Uuid,
    limit: usize,
) -> Result<Vec<AddressKey>> {
    let batch = format!(
        "(SELECT id FROM removed_blocks WHERE removed_set_id = $1 ORDER BY removed_set_id, address_key, id LIMIT {limit})"
    );
    let columns = "id, server_configuration_id, address_key, address, domain, reason, origin, blocked_at, added_set_id, \
                   first_set_id";
    let sql =
        format!("INSERT INTO blocked_addresses ({columns}) SELECT {columns} FROM removed_blocks WHERE id IN {batch}");
    transaction.execute_raw(statement(transaction, sql, [removed_set_id.into()])).await?;
    let sql = format!("DELETE FROM removed_blocks WHERE id IN {batch} RETURNING address_key");
    keys(&transaction.query_all_raw(statement(transaction, sql, [removed_set_id.into()])).await?)
}

/// Moves removals that wait for a distribution to the set `removed_set_id`, where it takes off a newer block of the same
/// address. Returns these addresses. What ended the older blocks, and when, stays.
///
/// # Errors
/// The database refused.
pub async fn take_over<C: ConnectionTrait>(
    transaction: &C,
    waiting_set_id: Uuid,
    removed_set_id: Uuid,
) -> Result<Vec<AddressKey>> {
    let sql = format!(
        "UPDATE removed_blocks AS r SET removed_set_id = $2 WHERE r.removed_set_id = $1 AND {} RETURNING address_key",
        is_there("FROM removed_blocks o WHERE o.removed_set_id = $2 AND o.address_key = r.address_key")
    );
    let values = [waiting_set_id.into(), removed_set_id.into()];
    keys(&transaction.query_all_raw(statement(transaction, sql, values)).await?)
}

/// Blocks again what a bulk release has taken off and whose exemption still is from it, after one key up to another:
/// with the reason, origin and time of the block that it released. Not where the registration that had blocked it was
/// undone since. Returns the addresses.
///
/// # Errors
/// The database refused.
pub async fn block_again<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    release_set_id: Uuid,
    set_id: Uuid,
    range: (&str, &str),
) -> Result<Vec<AddressKey>> {
    let id = new_id(transaction, "r.address_key");
    let set = typed_id(transaction, "$2");
    let sql = format!(
        "INSERT INTO blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, origin, \
         blocked_at, added_set_id, first_set_id) \
         SELECT {id}, r.server_configuration_id, r.address_key, r.address, r.domain, r.reason, r.origin, r.blocked_at, \
         {set}, COALESCE(r.first_set_id, r.added_set_id) FROM removed_blocks r \
         WHERE r.removed_set_id = $3 AND r.cause = '{}' AND r.address_key > $4 AND r.address_key <= $5 \
         AND {} AND COALESCE(r.first_set_id, r.added_set_id) NOT IN (SELECT o.change_set_id FROM list_operations o \
         JOIN list_operations n ON n.id = o.undone_by WHERE o.server_configuration_id = $1 AND n.state = 'done' \
         AND o.change_set_id IS NOT NULL) \
         ON CONFLICT (server_configuration_id, address_key) DO NOTHING RETURNING address_key",
        RemovalCause::Release.as_str(),
        is_there(
            "FROM exemptions e WHERE e.server_configuration_id = $1 AND e.address_key = r.address_key \
             AND e.ended_set_id IS NULL AND e.release_set_id = $3"
        )
    );
    let values = [server_configuration_id.into(), set_id.into(), release_set_id.into(), range.0.into(), range.1.into()];
    keys(&transaction.query_all_raw(statement(transaction, sql, values)).await?)
}
