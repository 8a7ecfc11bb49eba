//! What a change set that is not ready takes off of sets that were pending when it did.

use super::{
    Result,
    change_sets::{Sum, checksum},
    statement,
};
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::HashMap;
use uuid::Uuid;

fn read(row: &QueryResult) -> Result<Sum> {
    Ok(Sum { count: row.try_get("", "count")?, checksum: checksum(row, "checksum")? })
}

/// The part of `added_set_id` in `removed_set_id`.
///
/// # Errors
/// The database refused.
pub async fn get<C: ConnectionTrait>(connection: &C, removed_set_id: Uuid, added_set_id: Uuid) -> Result<Sum> {
    let sql = "SELECT count, checksum FROM pending_parts WHERE removed_set_id = $1 AND added_set_id = $2";
    let values = [removed_set_id.into(), added_set_id.into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    row.as_ref().map_or_else(|| Ok(Sum::default()), read)
}

/// Every part of `removed_set_id`, with the set that had added it.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(connection: &C, removed_set_id: Uuid) -> Result<Vec<(Uuid, Sum)>> {
    let sql = "SELECT added_set_id, count, checksum FROM pending_parts WHERE removed_set_id = $1";
    let rows = connection.query_all_raw(statement(connection, sql, [removed_set_id.into()])).await?;
    rows.iter().map(|row| Ok((row.try_get("", "added_set_id")?, read(row)?))).collect()
}

/// Adds to the parts of `removed_set_id`, by the set that had added them.
///
/// # Errors
/// The database refused.
pub async fn add<C: ConnectionTrait>(transaction: &C, removed_set_id: Uuid, parts: HashMap<Uuid, Sum>) -> Result<()> {
    for (added_set_id, part) in parts {
        let before = get(transaction, removed_set_id, added_set_id).await?;
        save(transaction, removed_set_id, added_set_id, before.plus(part)).await?;
    }
    Ok(())
}

/// Forgets the parts of `removed_set_id`.
///
/// # Errors
/// The database refused.
pub async fn clear<C: ConnectionTrait>(transaction: &C, removed_set_id: Uuid) -> Result<()> {
    let sql = "DELETE FROM pending_parts WHERE removed_set_id = $1";
    transaction.execute_raw(statement(transaction, sql, [removed_set_id.into()])).await?;
    Ok(())
}

/// Writes a part.
///
/// # Errors
/// The database refused.
pub async fn save<C: ConnectionTrait>(
    transaction: &C,
    removed_set_id: Uuid,
    added_set_id: Uuid,
    part: Sum,
) -> Result<()> {
    let sql = "INSERT INTO pending_parts (removed_set_id, added_set_id, count, checksum) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (removed_set_id, added_set_id) DO UPDATE SET count = excluded.count, \
               checksum = excluded.checksum";
    let values = [removed_set_id.into(), added_set_id.into(), part.count.into(), part.checksum.to_string().into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}
