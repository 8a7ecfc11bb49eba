//! Blocks: live ones in `blocked_addresses`, ended ones in `removed_blocks`.

use super::{
    Error, Result,
    change_sets::placeholders,
    millis,
    search::{Conditions, order_by},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use shared::{
    AddressKey, Reason,
    list::{BlockState, BlockedAddress, ListSort, Origin, Removal, RemovalCause},
    page::{Direction, Total},
};
use uuid::Uuid;

/// A block to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlock {
    /// The address.
    pub key: AddressKey,
    /// How it is shown.
    pub address: String,
    /// Why.
    pub reason: Reason,
    /// Where it came from.
    pub origin: Origin,
    /// When.
    pub blocked_at: DateTime<Utc>,
}

/// A live block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The block.
    pub id: Uuid,
    /// The address.
    pub key: AddressKey,
    /// How it is shown.
    pub address: String,
    /// Why.
    pub reason: Reason,
    /// The change set that added it.
    pub added_set_id: Uuid,
    /// The first list version that holds it; `None` while pending.
    pub version: Option<i64>,
}

fn reason(row: &QueryResult) -> Result<Reason> {
    let text: String = row.try_get("", "reason")?;
    text.parse().map_err(|_| Error::Unreadable(format!("reason {text}")))
}

/// Adds live blocks to a change set. The addresses must not be blocked.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    set_id: Uuid,
    blocks: &[NewBlock],
) -> Result<()> {
    for chunk in blocks.chunks(1_000) {
        let mut values: Vec<Value> = vec![server_configuration_id.into(), set_id.into()];
        let mut rows = Vec::with_capacity(chunk.len());
        for block in chunk {
            let n = values.len();
            rows.push(format!(
                "(${}, $1, ${}, ${}, ${}, ${}, ${}, ${}, $2)",
                n + 1,
                n + 2,
                n + 3,
                n + 4,
                n + 5,
                n + 6,
                n + 7
            ));
            values.extend([
                Uuid::now_v7().into(),
                block.key.as_str().into(),
                block.address.as_str().into(),
                block.key.domain().into(),
                block.reason.as_str().into(),
                block.origin.as_str().into(),
                millis(block.blocked_at).into(),
            ]);
        }
        let sql = format!(
            "INSERT INTO blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, origin, \
             blocked_at, added_set_id) VALUES {}",
            rows.join(", ")
        );
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}

const BLOCK: &str = "SELECT b.id, b.address_key, b.address, b.reason, b.added_set_id, s.version \
                     FROM blocked_addresses b JOIN change_sets s ON s.id = b.added_set_id \
                     WHERE b.server_configuration_id = $1";

async fn blocks<C: ConnectionTrait>(connection: &C, sql: String, values: Vec<Value>) -> Result<Vec<Block>> {
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter()
        .map(|row| {
            Ok(Block {
                id: row.try_get("", "id")?,
                key: AddressKey::from_stored(row.try_get("", "address_key")?),
                address: row.try_get("", "address")?,
                reason: reason(row)?,
                added_set_id: row.try_get("", "added_set_id")?,
                version: row.try_get("", "version")?,
            })
        })
        .collect()
}

/// Live blocks of these addresses.
///
/// # Errors
/// The database refused.
pub async fn with_keys<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<Vec<Block>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{BLOCK} AND b.address_key IN ({})", placeholders(2, keys.len()));
    let mut values = vec![server_configuration_id.into()];
    values.extend(keys.iter().map(|key| key.as_str().into()));
    blocks(connection, sql, values).await
}

/// The oldest live blocks made up to a time, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn made_until<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Block>> {
    let sql = format!("{BLOCK} AND b.blocked_at <= $2 ORDER BY b.blocked_at, b.id LIMIT {limit}");
    blocks(connection, sql, vec![server_configuration_id.into(), millis(until).into()]).await
}

/// Live blocks with a reason, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn with_reason<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    reason: Reason,
    limit: i64,
) -> Result<Vec<Block>> {
    let sql = format!("{BLOCK} AND b.reason = $2 ORDER BY b.blocked_at, b.id LIMIT {limit}");
    blocks(connection, sql, vec![server_configuration_id.into(), reason.as_str().into()]).await
}

/// Ends live blocks. `removed_set_id` is the set that tells the mail servers, or `None` for blocks that no published
/// list ever held.
///
/// # Errors
/// The database refused.
pub async fn end<C: ConnectionTrait>(
    transaction: &C,
    ids: &[Uuid],
    cause: RemovalCause,
    at: DateTime<Utc>,
    removed_set_id: Option<Uuid>,
) -> Result<()> {
    for chunk in ids.chunks(2_000) {
        let sql = format!(
            "INSERT INTO removed_blocks (id, server_configuration_id, address_key, address, domain, reason, origin, \
             blocked_at, added_set_id, cause, removed_at, removed_set_id) \
             SELECT id, server_configuration_id, address_key, address, domain, reason, origin, blocked_at, \
             added_set_id, CAST($1 AS TEXT), CAST($2 AS BIGINT), {} FROM blocked_addresses WHERE id IN ({})",
            if removed_set_id.is_some() { "$3" } else { "NULL" },
            placeholders(if removed_set_id.is_some() { 4 } else { 3 }, chunk.len())
        );
        let mut values: Vec<Value> = vec![cause.as_str().into(), millis(at).into()];
        values.extend(removed_set_id.map(Value::from));
        values.extend(chunk.iter().map(|id| Value::from(*id)));
        transaction.execute_raw(statement(transaction, sql, values)).await?;
        let sql = format!("DELETE FROM blocked_addresses WHERE id IN ({})", placeholders(1, chunk.len()));
        let values: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}

/// Blocks that ended, but whose removal waits for a distribution, of these addresses. `added_set_id` and `version` of
/// the rows are those of the set that removes them.
///
/// # Errors
/// The database refused.
pub async fn pending_removals<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<Vec<Block>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT r.id, r.address_key, r.address, r.reason, r.removed_set_id AS added_set_id, s.version \
         FROM removed_blocks r JOIN change_sets s ON s.id = r.removed_set_id \
         WHERE r.server_configuration_id = $1 AND s.version IS NULL AND r.address_key IN ({})",
        placeholders(2, keys.len())
    );
    let mut values = vec![server_configuration_id.into()];
    values.extend(keys.iter().map(|key| key.as_str().into()));
    blocks(connection, sql, values).await
}

/// Moves removals to another change set.
///
/// # Errors
/// The database refused.
pub async fn move_removals<C: ConnectionTrait>(
    transaction: &C,
    ids: &[Uuid],
    removed_set_id: Uuid,
    cause: RemovalCause,
    at: DateTime<Utc>,
) -> Result<()> {
    let sql = format!(
        "UPDATE removed_blocks SET removed_set_id = $1, cause = $2, removed_at = $3 WHERE id IN ({})",
        placeholders(4, ids.len())
    );
    let mut values: Vec<Value> = vec![removed_set_id.into(), cause.as_str().into(), millis(at).into()];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// How many blocks ended with a cause since a time.
///
/// # Errors
/// The database refused.
pub async fn ended_since<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    cause: RemovalCause,
    since: DateTime<Utc>,
) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM removed_blocks WHERE server_configuration_id = $1 AND cause = $2 \
               AND removed_at >= $3";
    let values = [server_configuration_id.into(), cause.as_str().into(), millis(since).into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// How many live blocks were made in each quarter of an hour (unix milliseconds of its start): every time zone's days
/// begin with one.
///
/// # Errors
/// The database refused.
pub async fn made_by_quarter<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
) -> Result<Vec<(DateTime<Utc>, i64)>> {
    let sql = "SELECT blocked_at / 900000 AS quarter, COUNT(*) AS n FROM blocked_addresses \
               WHERE server_configuration_id = $1 GROUP BY blocked_at / 900000 ORDER BY quarter";
    let rows = connection.query_all_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    rows.iter().map(|row| Ok((time(row.try_get::<i64>("", "quarter")? * 900_000)?, row.try_get("", "n")?))).collect()
}

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
    match filter.state {
        None => {}
        Some(BlockState::InEffect) => conditions.and("s.version IS NOT NULL"),
        Some(BlockState::Pending) => conditions.and("s.version IS NULL"),
        Some(BlockState::Releasing) => return None,
    }
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
         AND (version IS NULL OR version > {held}))"
    ));
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
    let parts =
        [(live(filter, server_configuration_id), LIVE), (releasing(filter, server_configuration_id, held), ENDED)];
    for (conditions, from) in parts {
        let Some(conditions) = conditions else { continue };
        let part = conditions.total(connection, from).await?;
        let count = total.count + part.count;
        total = Total {
            count: count.min(super::search::COUNT_LIMIT),
            more: total.more || part.more || count > super::search::COUNT_LIMIT,
        };
    }
    Ok(total)
}
