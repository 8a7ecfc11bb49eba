//! The block of one address, as the blocked list shows it.

use super::listing::{Filter, parts, read};
use crate::store::{Result, address_history::Whose};
use sea_orm::ConnectionTrait;
use shared::list::BlockedAddress;

/// The block of an address: pending, in effect, or the newest that is being released. `held` is the newest version that
/// every active mail server is known to hold.
///
/// # Errors
/// The database refused.
pub async fn of_address<C: ConnectionTrait>(
    connection: &C,
    whose: Whose<'_>,
    held: i64,
) -> Result<Option<BlockedAddress>> {
    for (conditions, tables, columns) in parts(&Filter::default(), whose.server_configuration_id, held) {
        let Some(mut conditions) = conditions else { continue };
        conditions.equal("b.address_key", whose.key.as_str());
        // In no order: the index of the order would be walked instead of that of the address.
        let tables = tables.joined(connection.get_database_backend());
        let sql = format!("SELECT {columns} FROM {tables} {}", conditions.clause());
        let rows = connection.query_all_raw(conditions.statement(connection, sql)).await?;
        let blocks = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        if let Some(newest) = blocks.into_iter().max_by_key(|block| (block.blocked_at, block.id)) {
            return Ok(Some(newest));
        }
    }
    Ok(None)
}
