//! The block of one address, as the blocked list shows it.

use super::listing::{Filter, parts, read};
use crate::store::{Result, address_history::Whose, search::order_by};
use sea_orm::ConnectionTrait;
use shared::{list::BlockedAddress, page::Direction};

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
    for (conditions, from, columns) in parts(&Filter::default(), whose.server_configuration_id, held) {
        let Some(mut conditions) = conditions else { continue };
        conditions.equal("b.address_key", whose.key.as_str());
        let order = order_by(["b.blocked_at", "b.id"], Direction::Descending);
        let sql = format!("SELECT {columns} FROM {from} {} {order} LIMIT 1", conditions.clause());
        if let Some(row) = connection.query_one_raw(conditions.statement(connection, sql)).await? {
            return read(&row).map(Some);
        }
    }
    Ok(None)
}
