//! Pages of lists that are not searched.

use super::{Conditions, order_by};
use crate::store::Result;
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use shared::page::Direction;
use uuid::Uuid;

/// Which rows of a list in the order of a column and the id.
#[derive(Debug, Clone)]
pub struct Keyset<K> {
    /// Those after a row of which these are column and id.
    pub after: Option<(K, Uuid)>,
    /// At most so many.
    pub limit: u32,
}

impl<K> Keyset<K> {
    /// All, of a list that is never long.
    pub const ALL: Self = Self { after: None, limit: u32::MAX };

    /// A page, and the row that says whether there is a next one.
    pub fn page(after: Option<(K, Uuid)>, limit: u16) -> Self {
        Self { after, limit: u32::from(limit) + 1 }
    }
}

/// A statement of the rows that meet the conditions, in the order of `columns`, the second of which is the id.
pub fn ordered<C: ConnectionTrait>(
    connection: &C,
    select: &str,
    mut conditions: Conditions,
    (columns, direction): ([&str; 2], Direction),
    keyset: Keyset<impl Into<Value>>,
) -> Statement {
    if let Some((key, id)) = keyset.after {
        conditions.after(columns, [key.into(), id.into()], direction);
    }
    let sql = format!("{select} {} {} LIMIT {}", conditions.clause(), order_by(columns, direction), keyset.limit);
    conditions.statement(connection, sql)
}

/// The rows of a table that meet the conditions, in the order of `created_at` and id, newest first. `select` ends with the table and its short name, `alias`.
///
/// # Errors
/// The database refused.
pub async fn newest<C: ConnectionTrait>(
    connection: &C,
    select: &str,
    alias: char,
    conditions: Conditions,
    keyset: Keyset<i64>,
) -> Result<Vec<QueryResult>> {
    let columns = [format!("{alias}.created_at"), format!("{alias}.id")];
    let order = ([columns[0].as_str(), columns[1].as_str()], Direction::Descending);
    Ok(connection.query_all_raw(ordered(connection, select, conditions, order, keyset)).await?)
}
