//! What list operations do to exemptions, a batch in one statement. All of it hangs on a change set that is not ready.

use crate::store::{
    Result,
    address_history::{ExemptionEnd, remember_exemptions},
    blocked_addresses::{bulk::Places, is_blocked},
    change_sets::{BUILDING, placeholders},
    is_there, millis, new_id, statement, typed_id,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use shared::AddressKey;
use std::collections::HashSet;
use uuid::Uuid;

/// Exempts the addresses of blocks that a bulk release has taken off.
///
/// # Errors
/// The database refused.
pub async fn make<C: ConnectionTrait>(
    transaction: &C,
    set_id: Uuid,
    removed_ids: &[Uuid],
    comment: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = new_id(transaction, "r.address_key");
    for chunk in removed_ids.chunks(2_000) {
        let sql = format!(
            "INSERT INTO exemptions (id, server_configuration_id, address_key, address, domain, reason, released_at, \
             comment, made_set_id, release_set_id) \
             SELECT {id}, r.server_configuration_id, r.address_key, r.address, r.domain, r.reason, {}, \
             CAST($1 AS TEXT), r.removed_set_id, r.removed_set_id FROM removed_blocks r \
             WHERE r.removed_set_id = $2 AND r.id IN ({}) \
             ON CONFLICT (server_configuration_id, address_key) WHERE ended_set_id IS NULL DO NOTHING",
            millis(now),
            placeholders(3, chunk.len())
        );
        let mut values: Vec<Value> = vec![comment.map(str::to_owned).into(), set_id.into()];
        values.extend(chunk.iter().map(|id| Value::from(*id)));
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}

/// The block of an exempt address that the set `$2` has made.
const BLOCK_OF_EXEMPT: &str = "FROM blocked_addresses b WHERE b.server_configuration_id = $1 \
                               AND b.address_key = exemptions.address_key AND b.added_set_id = $2";

/// Ends the exemptions of addresses of some places that a registration has blocked.
///
/// # Errors
/// The database refused.
pub async fn end_of_places<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    set_id: Uuid,
    places: Places,
) -> Result<()> {
    let sql = format!(
        "UPDATE exemptions SET ended_set_id = $2 WHERE server_configuration_id = $1 AND ended_set_id IS NULL \
         AND address_key IN (SELECT u.address_key FROM upload_addresses u WHERE u.upload_id = $3 \
         AND u.place > $4 AND u.place <= $5) AND {}",
        is_there(BLOCK_OF_EXEMPT)
    );
    let values = [
        server_configuration_id.into(),
        set_id.into(),
        places.upload_id.into(),
        places.after.into(),
        places.last.into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// The last key of the next exemptions in force from a bulk release, at most `limit` after a key, and how many these are.
///
/// # Errors
/// The database refused.
pub async fn next_of_release<C: ConnectionTrait>(
    connection: &C,
    release_set_id: Uuid,
    after: &str,
    limit: usize,
) -> Result<(Option<String>, i64)> {
    let sql = format!(
        "SELECT MAX(address_key) AS last, COUNT(*) AS n FROM (SELECT address_key FROM exemptions \
         WHERE release_set_id = $1 AND ended_set_id IS NULL AND address_key > $2 \
         ORDER BY release_set_id, address_key LIMIT {limit}) AS next"
    );
    let row = connection.query_one_raw(statement(connection, sql, [release_set_id.into(), after.into()])).await?;
    match row {
        None => Ok((None, 0)),
        Some(row) => Ok((row.try_get("", "last")?, row.try_get("", "n")?)),
    }
}

/// Ends the exemptions of a bulk release whose addresses its undo has blocked again, after one key up to another.
///
/// # Errors
/// The database refused.
pub async fn end_of_release<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    release_set_id: Uuid,
    set_id: Uuid,
    range: (&str, &str),
) -> Result<()> {
    let sql = format!(
        "UPDATE exemptions SET ended_set_id = $2 WHERE release_set_id = $3 AND ended_set_id IS NULL \
         AND address_key > $4 AND address_key <= $5 AND {}",
        is_there(BLOCK_OF_EXEMPT)
    );
    let values = [server_configuration_id.into(), set_id.into(), release_set_id.into(), range.0.into(), range.1.into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Makes the exemptions again that a registration has ended, after a key, at most `limit`: its undo does. Not where the
/// address is blocked, or exempt, by something after it. Returns the last key, `None` when there was none left.
///
/// # Errors
/// The database refused.
pub async fn make_again<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    (registration_set_id, set_id): (Uuid, Uuid),
    after: &str,
    limit: usize,
) -> Result<Option<String>> {
    let sql = format!(
        "SELECT MAX(address_key) AS last FROM (SELECT address_key FROM exemptions WHERE ended_set_id = $1 \
         AND address_key > $2 ORDER BY ended_set_id, address_key LIMIT {limit}) AS next"
    );
    let row =
        transaction.query_one_raw(statement(transaction, sql, [registration_set_id.into(), after.into()])).await?;
    let last: Option<String> = row.map(|row| row.try_get("", "last")).transpose()?.flatten();
    let Some(last) = last else { return Ok(None) };
    let id = new_id(transaction, "e.address_key");
    let set = typed_id(transaction, "$2");
    let sql = format!(
        "INSERT INTO exemptions (id, server_configuration_id, address_key, address, domain, reason, released_at, \
         comment, made_set_id, release_set_id) \
         SELECT {id}, e.server_configuration_id, e.address_key, e.address, e.domain, e.reason, e.released_at, e.comment, \
         {set}, e.release_set_id FROM exemptions e WHERE e.ended_set_id = $3 AND e.address_key > $4 \
         AND e.address_key <= $5 AND NOT {} \
         ON CONFLICT (server_configuration_id, address_key) WHERE ended_set_id IS NULL DO NOTHING",
        is_blocked("e")
    );
    let values =
        [server_configuration_id.into(), set_id.into(), registration_set_id.into(), after.into(), last.as_str().into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(Some(last))
}

/// Takes back what a set that is not ready has done to exemptions: those that it made go, those that it ended hold
/// again; at most `limit` of each. Returns the addresses of the former, and how many the latter are.
///
/// # Errors
/// The database refused.
pub async fn take_back<C: ConnectionTrait>(
    transaction: &C,
    set_id: Uuid,
    limit: usize,
) -> Result<(Vec<AddressKey>, u64)> {
    let sql = format!(
        "DELETE FROM exemptions WHERE id IN (SELECT id FROM exemptions WHERE made_set_id = $1 LIMIT {limit}) \
         RETURNING address_key"
    );
    let rows = transaction.query_all_raw(statement(transaction, sql, [set_id.into()])).await?;
    let unmade = rows.iter().map(|row| Ok(AddressKey::from_stored(row.try_get("", "address_key")?)));
    let unmade = unmade.collect::<Result<Vec<_>>>()?;
    let sql = format!(
        "UPDATE exemptions SET ended_set_id = NULL \
         WHERE id IN (SELECT id FROM exemptions WHERE ended_set_id = $1 LIMIT {limit})"
    );
    let revived = transaction.execute_raw(statement(transaction, sql, [set_id.into()])).await?.rows_affected();
    Ok((unmade, revived))
}

/// Which of these addresses are exempt.
///
/// # Errors
/// The database refused.
pub async fn with_keys<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<HashSet<AddressKey>> {
    let mut found = HashSet::new();
    if keys.is_empty() {
        return Ok(found);
    }
    // Two looks, each by its index: what no set ends, and what one that is not ready would end.
    let names = placeholders(2, keys.len());
    for sql in [
        format!(
            "SELECT address_key FROM exemptions WHERE server_configuration_id = $1 AND ended_set_id IS NULL \
             AND address_key IN ({names}) AND (made_set_id IS NULL OR made_set_id NOT IN {BUILDING})"
        ),
        format!(
            "SELECT address_key FROM exemptions WHERE server_configuration_id = $1 AND ended_set_id IN {BUILDING} \
             AND address_key IN ({names})"
        ),
    ] {
        let mut values = vec![server_configuration_id.into()];
        values.extend(keys.iter().map(|key| key.as_str().into()));
        for row in connection.query_all_raw(statement(connection, sql, values)).await? {
            found.insert(AddressKey::from_stored(row.try_get("", "address_key")?));
        }
    }
    Ok(found)
}

/// Removes the exemptions of addresses, in force or not yet; the history of an address remembers who did.
///
/// # Errors
/// The database refused.
pub async fn remove<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
    ended: &ExemptionEnd<'_>,
) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let which = |first: usize| {
        format!(
            "address_key IN ({}) AND (ended_set_id IS NULL OR ended_set_id IN {BUILDING})",
            placeholders(first, keys.len())
        )
    };
    let values = || keys.iter().map(|key| Value::from(key.as_str()));
    remember_exemptions(transaction, server_configuration_id, ended, &which(5), values()).await?;
    let sql = format!("DELETE FROM exemptions WHERE server_configuration_id = $1 AND {}", which(2));
    let values = std::iter::once(server_configuration_id.into()).chain(values());
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}
