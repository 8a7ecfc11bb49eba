//! The blocked list as people search it: live blocks, and ended ones that a mail server may still hold.

use super::reason;
use crate::store::{
    Error, Result,
    change_sets::BUILDING,
    millis,
    search::{COUNT_LIMIT, Conditions, order_by},
    time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use shared::{
    Reason,
    list::{BlockState, BlockedAddress, ListSort, Origin, Removal, RemovalCause},
    page::{Direction, Total},
};
use uuid::Uuid;

/// Which blocks a search finds; absent means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the address.
    pub text: Option<String>,
    /// The reason.
    pub reason: Option<Reason>,
    /// Where it came from.
    pub origin: Option<Origin>,
    /// How far it has come.
    pub state: Option<BlockState>,
    /// The domain, in ASCII form.
    pub domain: Option<String>,
    /// Blocked at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Blocked before this time.
    pub to: Option<DateTime<Utc>>,
}

/// Where a page begins: after this row.
#[derive(Debug, Clone)]
pub struct Position {
    /// Its sort value.
    pub value: Value,
    /// Its id.
    pub id: Uuid,
}

/// A row of the blocked list with its key, for cursors.
#[derive(Debug, Clone)]
pub struct Row {
    /// The key.
    pub key: String,
    /// What is shown.
    pub block: BlockedAddress,
}

/// The searched conditions on one of the two tables.
fn conditions(filter: &Filter, server_configuration_id: Uuid) -> Conditions {
    let mut conditions = Conditions::new();
    conditions.equal("b.server_configuration_id", server_configuration_id);
    if let Some(text) = &filter.text {
        conditions.address_contains("b", text);
    }
    if let Some(reason) = filter.reason {
        conditions.equal("b.reason", reason.as_str());
    }
    if let Some(origin) = filter.origin {
        conditions.equal("b.origin", origin.as_str());
    }
    if let Some(domain) = &filter.domain {
        conditions.equal("b.domain", domain.as_str());
    }
    conditions.between("b.blocked_at", filter.from.map(millis), filter.to.map(millis));
    conditions
}

const LIVE: &str = "blocked_addresses b JOIN change_sets s ON s.id = b.added_set_id";
const ENDED: &str = "removed_blocks b JOIN change_sets s ON s.id = b.added_set_id \
                     JOIN change_sets r ON r.id = b.removed_set_id";

fn live(filter: &Filter, server_configuration_id: Uuid) -> Option<Conditions> {
    let mut conditions = conditions(filter, server_configuration_id);
    conditions.and("s.ready");
    match filter.state {
        None => {}
        Some(BlockState::InEffect) => conditions.and("s.version IS NOT NULL"),
        Some(BlockState::Pending) => conditions.and("s.version IS NULL"),
        Some(BlockState::Releasing) => return None,
    }
    Some(conditions)
}

/// What a list operation is taking off: it is on the list until the operation is done as a whole.
fn live_until_done(filter: &Filter, server_configuration_id: Uuid) -> Option<Conditions> {
    let mut conditions = live(filter, server_configuration_id)?;
    conditions.and(format!("b.removed_set_id IN {BUILDING}"));
    Some(conditions)
}

/// `held`: the newest version that every active mail server is known to hold.
fn releasing(filter: &Filter, server_configuration_id: Uuid, held: i64) -> Option<Conditions> {
    if !matches!(filter.state, None | Some(BlockState::Releasing)) {
        return None;
    }
    let mut conditions = conditions(filter, server_configuration_id);
    let held = conditions.bind(held);
    conditions.and(format!(
        "b.removed_set_id IN (SELECT id FROM change_sets WHERE server_configuration_id = $1 \
         AND ready AND (version IS NULL OR version > {held}))"
    ));
    // Never on a published list, so nobody has to let go of it.
    conditions.and("s.version <= COALESCE(r.version, s.version)");
    Some(conditions)
}

/// Blocks that match, live ones and those that are being released, in order, at most `limit`.
///
/// # Errors
/// The database refused.
#[expect(clippy::too_many_arguments, reason = "a search has a filter, an order and a place")]
pub async fn search<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    filter: &Filter,
    held: i64,
    sort: ListSort,
    direction: Direction,
    after: Option<Position>,
    limit: u16,
) -> Result<Vec<Row>> {
    let column = match sort {
        ListSort::Date => "blocked_at",
        ListSort::Address => "address_key",
    };
    let columns = [format!("b.{column}"), "b.id".to_owned()];
    let columns = [columns[0].as_str(), columns[1].as_str()];
    let select = "b.id, b.address_key, b.address, b.reason, b.origin, b.blocked_at, s.version";
    let parts = [
        (live(filter, server_configuration_id), LIVE, "NULL AS cause, NULL AS removed_at"),
        (live_until_done(filter, server_configuration_id), ENDED, "NULL AS cause, NULL AS removed_at"),
        (releasing(filter, server_configuration_id, held), ENDED, "b.cause, b.removed_at"),
    ];
    let mut rows = Vec::new();
    for (conditions, from, more) in parts {
        let Some(mut conditions) = conditions else { continue };
        if let Some(position) = &after {
            conditions.after(columns, [position.value.clone(), position.id.into()], direction);
        }
        let sql = format!(
            "SELECT {select}, {more} FROM {from} {} {} LIMIT {limit}",
            conditions.clause(),
            order_by(columns, direction)
        );
        let found = connection.query_all_raw(conditions.statement(connection, sql)).await?;
        let found = found.iter().map(read).collect::<Result<Vec<_>>>()?;
        rows = merge(rows, found, sort, direction);
    }
    rows.truncate(usize::from(limit));
    Ok(rows)
}

/// Two ordered parts in one order.
fn merge(mut rows: Vec<Row>, more: Vec<Row>, sort: ListSort, direction: Direction) -> Vec<Row> {
    if rows.is_empty() || more.is_empty() {
        rows.extend(more);
        return rows;
    }
    rows.extend(more);
    rows.sort_by(|a, b| {
        let order = match sort {
            ListSort::Date => a.block.blocked_at.cmp(&b.block.blocked_at),
            ListSort::Address => a.key.cmp(&b.key),
        };
        let order = order.then(a.block.id.cmp(&b.block.id));
        if direction == Direction::Descending { order.reverse() } else { order }
    });
    rows
}

fn read(row: &QueryResult) -> Result<Row> {
    let origin: String = row.try_get("", "origin")?;
    let version: Option<i64> = row.try_get("", "version")?;
    let cause: Option<String> = row.try_get("", "cause")?;
    let removal = match cause {
        None => None,
        Some(cause) => Some(Removal {
            cause: RemovalCause::ALL
                .into_iter()
                .find(|known| known.as_str() == cause)
                .ok_or_else(|| Error::Unreadable(format!("cause {cause}")))?,
            removed_at: time(row.try_get("", "removed_at")?)?,
        }),
    };
    let state = match (&removal, version) {
        (Some(_), _) => BlockState::Releasing,
        (None, Some(_)) => BlockState::InEffect,
        (None, None) => BlockState::Pending,
    };
    let block = BlockedAddress {
        id: row.try_get("", "id")?,
        address: row.try_get("", "address")?,
        reason: reason(row)?,
        origin: Origin::ALL
            .into_iter()
            .find(|known| known.as_str() == origin)
            .ok_or_else(|| Error::Unreadable(format!("origin {origin}")))?,
        state,
        blocked_at: time(row.try_get("", "blocked_at")?)?,
        version,
        removal,
    };
    Ok(Row { key: row.try_get("", "address_key")?, block })
}

/// How many blocks match, counted up to a limit.
///
/// # Errors
/// The database refused.
pub async fn total<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    filter: &Filter,
    held: i64,
) -> Result<Total> {
    let mut total = Total { count: 0, more: false };
    let parts = [
        (live(filter, server_configuration_id), LIVE),
        (live_until_done(filter, server_configuration_id), ENDED),
        (releasing(filter, server_configuration_id, held), ENDED),
    ];
    for (conditions, from) in parts {
        let Some(conditions) = conditions else { continue };
        let part = conditions.total(connection, from).await?;
        let count = total.count + part.count;
        total = Total { count: count.min(COUNT_LIMIT), more: total.more || part.more || count > COUNT_LIMIT };
    }
    Ok(total)
}
