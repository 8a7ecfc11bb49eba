//! Blocks: live ones in `blocked_addresses`, ended ones in `removed_blocks`.

mod address;
pub mod bulk;
mod chosen;
mod ended;
pub mod ending;
mod listing;
mod seen;

pub use address::of_address;
pub use chosen::{Chosen, Counting, NextBlocks};
pub use ended::ended_source;
pub use listing::{Filter, sample_of_upload, search, sources};
pub use seen::Seen;

use super::{
    Result,
    change_sets::{BUILDING, placeholders},
    count, is_there, millis, reason, statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use shared::{
    AddressKey, Reason,
    list::{Origin, RemovalCause},
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

/// A live block, on the list or pending.
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
                     WHERE b.server_configuration_id = $1 AND s.ready";

fn read(row: &QueryResult) -> Result<Block> {
    Ok(Block {
        id: row.try_get("", "id")?,
        key: AddressKey::from_stored(row.try_get("", "address_key")?),
        address: row.try_get("", "address")?,
        reason: reason(row)?,
        added_set_id: row.try_get("", "added_set_id")?,
        version: row.try_get("", "version")?,
    })
}

/// Whether the address of each of `rows` is blocked, as a condition; `$1` is the server configuration.
pub(super) fn is_blocked(rows: &str) -> String {
    is_there(&format!(
        "FROM blocked_addresses b WHERE b.server_configuration_id = $1 AND b.address_key = {rows}.address_key"
    ))
}

async fn blocks<C: ConnectionTrait>(connection: &C, sql: String, values: Vec<Value>) -> Result<Vec<Block>> {
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter().map(read).collect()
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

/// Live blocks with these ids.
///
/// # Errors
/// The database refused.
pub async fn with_ids<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<Block>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{BLOCK} AND b.id IN ({})", placeholders(2, ids.len()));
    let mut values = vec![server_configuration_id.into()];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    blocks(connection, sql, values).await
}

/// Live blocks that a set added, after the key `after`, in order, at most `limit`; or with `again` those that an undo has
/// made again for it.
///
/// # Errors
/// The database refused.
pub async fn added_by<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    added_set_id: Uuid,
    again: bool,
    after: &str,
    limit: usize,
) -> Result<Vec<Block>> {
    let column = if again { "b.first_set_id" } else { "b.added_set_id" };
    let sql =
        format!("{BLOCK} AND {column} = $2 AND b.address_key > $3 ORDER BY {column}, b.address_key LIMIT {limit}");
    blocks(connection, sql, vec![server_configuration_id.into(), added_set_id.into(), after.into()]).await
}

/// Who ends blocks, and why.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// Why.
    pub cause: RemovalCause,
    /// When.
    pub at: DateTime<Utc>,
    /// Who released it by name: the address of a person, the name of a token. What else ends blocks is known by its set.
    pub by: Option<&'a str>,
    /// Why, in the words of who released it.
    pub comment: Option<&'a str>,
}

impl End<'_> {
    /// What ended blocks without anybody who did it by name.
    pub fn by_itself(cause: RemovalCause, at: DateTime<Utc>) -> Self {
        Self { cause, at, by: None, comment: None }
    }

    fn values(self) -> Vec<Value> {
        let text = |text: Option<&str>| text.map(str::to_owned).into();
        vec![self.cause.as_str().into(), millis(self.at).into(), text(self.by), text(self.comment)]
    }
}

/// Ends live blocks. `removed_set_id` is the set that tells the mail servers, or `None` for blocks that no published
/// list ever held.
///
/// # Errors
/// The database refused.
pub async fn end<C: ConnectionTrait>(
    transaction: &C,
    ids: &[Uuid],
    end: End<'_>,
    removed_set_id: Option<Uuid>,
) -> Result<()> {
    for chunk in ids.chunks(2_000) {
        let sql = format!(
            "INSERT INTO removed_blocks (id, server_configuration_id, address_key, address, domain, reason, origin, \
             blocked_at, added_set_id, first_set_id, cause, removed_at, removed_by, comment, removed_set_id) \
             SELECT id, server_configuration_id, address_key, address, domain, reason, origin, blocked_at, \
             added_set_id, first_set_id, CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT), {} \
             FROM blocked_addresses WHERE id IN ({})",
            if removed_set_id.is_some() { "$5" } else { "NULL" },
            placeholders(if removed_set_id.is_some() { 6 } else { 5 }, chunk.len())
        );
        let mut values: Vec<Value> = end.values();
        values.extend(removed_set_id.map(Value::from));
        values.extend(chunk.iter().map(|id| Value::from(*id)));
        transaction.execute_raw(statement(transaction, sql, values)).await?;
        let sql = format!("DELETE FROM blocked_addresses WHERE id IN ({})", placeholders(1, chunk.len()));
        let values: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}

/// A block that ended, but whose removal waits for a distribution or for the end of a run or of a list operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRemoval {
    /// The block.
    pub block: Block,
    /// The set that removes it.
    pub removed_set_id: Uuid,
    /// Whether that set is ready; until then the block is on the list.
    pub ready: bool,
}

/// Pending removals of these addresses.
///
/// # Errors
/// The database refused.
pub async fn pending_removals<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<Vec<PendingRemoval>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT b.id, b.address_key, b.address, b.reason, b.added_set_id, s.version, b.removed_set_id, \
         r.ready AS removed_ready \
         FROM removed_blocks b JOIN change_sets s ON s.id = b.added_set_id JOIN change_sets r ON r.id = b.removed_set_id \
         WHERE b.server_configuration_id = $1 AND r.version IS NULL AND b.address_key IN ({})",
        placeholders(2, keys.len())
    );
    let mut values = vec![server_configuration_id.into()];
    values.extend(keys.iter().map(|key| key.as_str().into()));
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter()
        .map(|row| {
            let (removed_set_id, ready) = (row.try_get("", "removed_set_id")?, row.try_get("", "removed_ready")?);
            Ok(PendingRemoval { block: read(row)?, removed_set_id, ready })
        })
        .collect()
}

/// Moves removals to another change set; to none where no published list ever held the block.
///
/// # Errors
/// The database refused.
pub async fn move_removals<C: ConnectionTrait>(
    transaction: &C,
    ids: &[Uuid],
    removed_set_id: Option<Uuid>,
    end: End<'_>,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE removed_blocks SET cause = $1, removed_at = $2, removed_by = $3, comment = $4, removed_set_id = $5 \
         WHERE id IN ({})",
        placeholders(6, ids.len())
    );
    let mut values = end.values();
    values.push(removed_set_id.into());
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
    count(connection, sql, values).await
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
    let sql = format!(
        "SELECT blocked_at / 900000 AS quarter, COUNT(*) AS n FROM blocked_addresses \
         WHERE server_configuration_id = $1 AND added_set_id NOT IN {BUILDING} \
         GROUP BY blocked_at / 900000 ORDER BY quarter"
    );
    let rows = connection.query_all_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    rows.iter().map(|row| Ok((time(row.try_get::<i64>("", "quarter")? * 900_000)?, row.try_get("", "n")?))).collect()
}
