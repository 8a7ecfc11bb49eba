//! Change sets: what a list gains and loses together, pending until published (DESIGN decision 2).

use super::{Error, Result, exists, locking, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseBackend, QueryResult};
use shared::{AddressKey, ListChecksum};
use uuid::Uuid;

/// A number of addresses and their checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// The checksum of their keys.
    pub checksum: ListChecksum,
}

impl Sum {
    /// With one more address.
    pub fn add(&mut self, key: &AddressKey) {
        self.count += 1;
        self.checksum.add(key);
    }

    /// With one address less.
    pub fn remove(&mut self, key: &AddressKey) {
        self.count -= 1;
        self.checksum.remove(key);
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, checksum: self.checksum.plus(other.checksum) }
    }

    /// This without a part of it.
    pub fn minus(self, part: Self) -> Self {
        Self { count: self.count - part.count, checksum: self.checksum.minus(part.checksum) }
    }
}

/// A change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The set.
    pub id: Uuid,
    /// The list version that it was published with; `None` while pending.
    pub version: Option<i64>,
    /// Whether it counts: a run or a list operation builds a set, or takes it apart, in many transactions, and until it
    /// is ready its blocks are not on the list and what it takes off still is.
    pub ready: bool,
    /// What the list gains.
    pub added: Sum,
    /// What the list loses.
    pub removed: Sum,
}

/// The present published list of a server configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which history the version counts in.
    pub epoch: Uuid,
    /// The version; 0 before the first publication.
    pub version: i64,
    /// What it holds.
    pub sum: Sum,
}

/// Reads a checksum column.
///
/// # Errors
/// It is no checksum.
pub(super) fn checksum(row: &QueryResult, column: &str) -> Result<ListChecksum> {
    let text: String = row.try_get("", column)?;
    text.parse().map_err(|_| Error::Unreadable(format!("checksum {text}")))
}

/// The sets of a configuration (whose placeholder is `$1`) that are not ready, as a subquery.
pub(super) const BUILDING: &str = "(SELECT id FROM change_sets WHERE server_configuration_id = $1 AND NOT ready)";

/// `$first, …` for `count` placeholders.
pub(super) fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

async fn read_head<C: ConnectionTrait>(connection: &C, id: Uuid, lock: &str) -> Result<Option<Head>> {
    let sql =
        format!("SELECT epoch, list_version, list_count, list_checksum FROM server_configurations WHERE id = $1{lock}");
    let Some(row) = connection.query_one_raw(statement(connection, sql, [id.into()])).await? else { return Ok(None) };
    Ok(Some(Head {
        epoch: row.try_get("", "epoch")?,
        version: row.try_get("", "list_version")?,
        sum: Sum { count: row.try_get("", "list_count")?, checksum: checksum(&row, "list_checksum")? },
    }))
}

/// The published list of a server configuration; `None` when there is no such configuration.
///
/// # Errors
/// The database refused.
pub async fn head<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<Option<Head>> {
    read_head(connection, server_configuration_id, "").await
}

/// As [`head`], and holds the configuration's row until the transaction ends: whoever changes a list takes this lock
/// first.
///
/// # Errors
/// The database refused.
pub async fn lock<C: ConnectionTrait>(transaction: &C, server_configuration_id: Uuid) -> Result<Option<Head>> {
    read_head(transaction, server_configuration_id, locking(transaction)).await
}

/// Moves the head of the list.
///
/// # Errors
/// The database refused.
pub async fn save_head<C: ConnectionTrait>(transaction: &C, server_configuration_id: Uuid, head: &Head) -> Result<()> {
    let sql = "UPDATE server_configurations SET list_version = $2, list_count = $3, list_checksum = $4 WHERE id = $1";
    let values = [
        server_configuration_id.into(),
        head.version.into(),
        head.sum.count.into(),
        head.sum.checksum.to_string().into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Makes an empty, pending change set.
///
/// # Errors
/// The database refused.
pub async fn create<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    now: DateTime<Utc>,
) -> Result<ChangeSet> {
    insert(transaction, server_configuration_id, true, now).await
}

/// Says who made a set: the address of a person, the name of a token; and why, in their words.
///
/// # Errors
/// The database refused.
pub async fn made_by<C: ConnectionTrait>(transaction: &C, id: Uuid, by: &str, comment: Option<&str>) -> Result<()> {
    let sql = "UPDATE change_sets SET made_by = $2, comment = $3 WHERE id = $1";
    let values = [id.into(), by.into(), comment.map(str::to_owned).into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Says which run made a set.
///
/// # Errors
/// The database refused.
pub async fn of_run<C: ConnectionTrait>(transaction: &C, id: Uuid, run_id: Uuid) -> Result<()> {
    let sql = "UPDATE change_sets SET run_id = $2 WHERE id = $1";
    transaction.execute_raw(statement(transaction, sql, [id.into(), run_id.into()])).await?;
    Ok(())
}

/// Makes an empty change set that is not ready.
///
/// # Errors
/// The database refused.
pub async fn build<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    now: DateTime<Utc>,
) -> Result<ChangeSet> {
    insert(transaction, server_configuration_id, false, now).await
}

async fn insert<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    ready: bool,
    now: DateTime<Utc>,
) -> Result<ChangeSet> {
    let set = ChangeSet { id: Uuid::now_v7(), version: None, ready, added: Sum::default(), removed: Sum::default() };
    let sql = "INSERT INTO change_sets (id, server_configuration_id, ready, added_count, added_checksum, \
               removed_count, removed_checksum, created_at) VALUES ($1, $2, $3, 0, $4, 0, $4, $5)";
    let empty = ListChecksum::EMPTY.to_string();
    let values = [set.id.into(), server_configuration_id.into(), ready.into(), empty.into(), millis(now).into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(set)
}

/// Writes what a set adds and removes, and whether it is ready.
///
/// # Errors
/// The database refused.
pub async fn save<C: ConnectionTrait>(transaction: &C, set: &ChangeSet) -> Result<()> {
    let sql = "UPDATE change_sets SET added_count = $2, added_checksum = $3, removed_count = $4, \
               removed_checksum = $5, ready = $6 WHERE id = $1";
    let values = [
        set.id.into(),
        set.added.count.into(),
        set.added.checksum.to_string().into(),
        set.removed.count.into(),
        set.removed.checksum.to_string().into(),
        set.ready.into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Lets the commit return before PostgreSQL's disk has it: for a step that is done again when it is lost with the
/// database's machine. Whatever is committed after it is durable only together with it.
///
/// # Errors
/// The database refused.
pub async fn need_not_last<C: ConnectionTrait>(transaction: &C) -> Result<()> {
    if transaction.get_database_backend() == DatabaseBackend::Postgres {
        transaction.execute_unprepared("SET LOCAL synchronous_commit TO off").await?;
    }
    Ok(())
}

/// Removes a set that was made and not needed.
///
/// # Errors
/// The database refused, a row naming the set for example.
pub async fn discard<C: ConnectionTrait>(transaction: &C, id: Uuid) -> Result<()> {
    transaction.execute_raw(statement(transaction, "DELETE FROM change_sets WHERE id = $1", [id.into()])).await?;
    Ok(())
}

fn read(row: &QueryResult) -> Result<ChangeSet> {
    Ok(ChangeSet {
        id: row.try_get("", "id")?,
        version: row.try_get("", "version")?,
        ready: row.try_get("", "ready")?,
        added: Sum { count: row.try_get("", "added_count")?, checksum: checksum(row, "added_checksum")? },
        removed: Sum { count: row.try_get("", "removed_count")?, checksum: checksum(row, "removed_checksum")? },
    })
}

const COLUMNS: &str = "id, version, ready, added_count, added_checksum, removed_count, removed_checksum";

/// One set.
///
/// # Errors
/// The database refused, or there is no such set.
pub async fn get<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<ChangeSet> {
    let sql = format!("SELECT {COLUMNS} FROM change_sets WHERE id = $1");
    let row = connection.query_one_raw(statement(connection, sql, [id.into()])).await?;
    read(&row.ok_or_else(|| Error::Unreadable(format!("no change set {id}")))?)
}

/// The sets that wait for a distribution, oldest first.
///
/// # Errors
/// The database refused.
pub async fn pending<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<Vec<ChangeSet>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM change_sets WHERE server_configuration_id = $1 AND version IS NULL AND ready \
         ORDER BY created_at, id"
    );
    let rows = connection.query_all_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    rows.iter().map(read).collect()
}

/// The configurations with a set that waits for a distribution and adds at least `least` addresses.
///
/// # Errors
/// The database refused.
pub async fn with_long_pending<C: ConnectionTrait>(connection: &C, least: i64) -> Result<Vec<Uuid>> {
    let sql = "SELECT DISTINCT server_configuration_id FROM change_sets \
               WHERE version IS NULL AND ready AND added_count >= $1";
    let rows = connection.query_all_raw(statement(connection, sql, [least.into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "server_configuration_id")?)).collect()
}

/// Whether a run or a list operation builds a set of the configuration, or takes one apart.
///
/// # Errors
/// The database refused.
pub async fn is_building<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<bool> {
    is_building_besides(connection, server_configuration_id, Uuid::nil()).await
}

/// As [`is_building`], of other sets than one.
///
/// # Errors
/// The database refused.
pub async fn is_building_besides<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    id: Uuid,
) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM change_sets WHERE server_configuration_id = $1 AND NOT ready AND id <> $2 LIMIT 1";
    exists(connection, sql, [server_configuration_id.into(), id.into()]).await
}

/// The sets published after version `after`, up to `version`, oldest first.
///
/// # Errors
/// The database refused.
pub async fn published_between<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    after: i64,
    version: i64,
) -> Result<Vec<ChangeSet>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM change_sets WHERE server_configuration_id = $1 AND version > $2 AND version <= $3 \
         ORDER BY version, id"
    );
    let values = [server_configuration_id.into(), after.into(), version.into()];
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter().map(read).collect()
}

/// Gives sets their version.
///
/// # Errors
/// The database refused.
pub async fn publish<C: ConnectionTrait>(
    transaction: &C,
    sets: &[ChangeSet],
    version: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    for chunk in sets.chunks(1_000) {
        let sql = format!(
            "UPDATE change_sets SET version = $1, published_at = $2 WHERE id IN ({})",
            placeholders(3, chunk.len())
        );
        let mut values = vec![version.into(), millis(now).into()];
        values.extend(chunk.iter().map(|set| set.id.into()));
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}
