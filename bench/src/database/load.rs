//! Ten million rows in seconds: straight into the product's own tables, past its services.
//!
//! What is written is what the services would have left: blocks name a change set, whose sums say what it adds; the
//! head of the list and a completed distribution carry count and checksum, so that the service sees a true database
//! and agents agree with it. Indexes are taken away for the load and made again from their own definitions.

use super::{Database, Kind, rows::Cell, rows::Rows};
use crate::{
    account::Account,
    data::{SEED, addresses::Addresses},
};
use anyhow::{Context, ensure};
use mail_e2e::field::clock;
use shared::{ListChecksum, Reason, list::Origin, run::DistributionKind};
use uuid::Uuid;

const DAY: i64 = 24 * 3_600_000;
/// Blocks and errors are spread over this many days.
const DAYS: i64 = 90;

/// Reasons of blocks with their shares, in thousandths.
const REASONS: [(Reason, u64); 5] = [
    (Reason::UnknownUser, 620),
    (Reason::Registered, 200),
    (Reason::UnknownHost, 90),
    (Reason::ReceptionRejected, 60),
    (Reason::ResendTimeout, 30),
];

/// How far a loaded list has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// On the mail servers, version 1.
    Yes,
    /// Waits for the next run.
    No,
}

/// Loads a blocked list of `count` addresses.
///
/// # Errors
/// The database refuses.
pub async fn blocked_list(
    database: &Database,
    account: &Account,
    count: u64,
    published: Published,
) -> anyhow::Result<()> {
    let (set, now) = (Uuid::now_v7(), clock::now().timestamp_millis());
    let configuration = account.configuration;
    insert_set(database, configuration, set, now).await?;
    let indexes = Indexes::take_away(database, "blocked_addresses").await?;
    let usual = keep_trigrams(database, LARGE_HASH).await?;
    let columns = [
        "id",
        "server_configuration_id",
        "address_key",
        "address",
        "domain",
        "reason",
        "origin",
        "blocked_at",
        "added_set_id",
    ];
    let mut rows = Rows::into(database, "blocked_addresses", &columns).await?;
    let checksum = tokio::task::spawn_blocking(move || {
        let mut checksum = ListChecksum::EMPTY;
        for (n, address) in (0..count).zip(Addresses::new(SEED)) {
            let key = address.key();
            checksum.add(key);
            let reason = reason(n);
            let origin = if reason == Reason::Registered { Origin::Upload } else { Origin::Condition };
            rows.push(&[
                Cell::Id(Uuid::now_v7()),
                Cell::Id(configuration),
                Cell::Text(key.as_str()),
                Cell::Text(address.spelling()),
                Cell::Text(key.domain()),
                Cell::Text(reason.as_str()),
                Cell::Text(origin.as_str()),
                Cell::Number(past(now, n, count)),
                Cell::Id(set),
            ])?;
        }
        rows.finish()?;
        anyhow::Ok(checksum)
    })
    .await??;
    keep_trigrams(database, usual).await?;
    indexes.make_again(database).await?;
    let (set, configuration) = (database.id(set), database.id(configuration));
    let mut sql =
        format!("UPDATE change_sets SET added_count = {count}, added_checksum = '{checksum}' WHERE id = {set};\n");
    if published == Published::Yes {
        let (distribution, kind) = (database.id(Uuid::now_v7()), DistributionKind::Run.as_str());
        sql.push_str(&format!(
            "UPDATE change_sets SET version = 1, published_at = {now} WHERE id = {set};\n\
             UPDATE server_configurations SET list_version = 1, list_count = {count}, list_checksum = '{checksum}' \
             WHERE id = {configuration};\n\
             INSERT INTO distributions (id, server_configuration_id, kind, version, added, removed, count, checksum, \
             created_at, rung_at, published_at, completed_at, attempts) VALUES ({distribution}, {configuration}, \
             '{kind}', 1, {count}, 0, {count}, '{checksum}', {now}, {now}, {now}, {now}, 1);\n"
        ));
    }
    database.execute(&sql).await?;
    settle(database, "blocked_addresses").await?;
    let there = database.count("blocked_addresses").await?;
    ensure!(there == count, "{there} rows are there instead of {count}");
    Ok(())
}

/// Makes an empty, pending change set.
///
/// # Errors
/// The database refuses.
pub async fn insert_set(database: &Database, configuration: Uuid, set: Uuid, now: i64) -> anyhow::Result<()> {
    let empty = ListChecksum::EMPTY;
    let (set, configuration) = (database.id(set), database.id(configuration));
    database
        .execute(&format!(
            "INSERT INTO change_sets (id, server_configuration_id, added_count, added_checksum, removed_count, \
             removed_checksum, created_at) VALUES ({set}, {configuration}, 0, '{empty}', 0, '{empty}', {now})"
        ))
        .await
}

/// Of a hundred tallies, these changed since the last run, and half of them pass a condition.
const CHANGED: u64 = 2;

/// Loads `count` tallies of as many addresses; one in a hundred newly passes a blocking condition.
///
/// # Errors
/// The database refuses.
pub async fn tallies(database: &Database, account: &Account, count: u64) -> anyhow::Result<()> {
    let (configuration, now) = (account.configuration, clock::now().timestamp_millis());
    let indexes = Indexes::take_away(database, "error_tallies").await?;
    let columns = ["server_configuration_id", "address_key", "reason", "address", "count", "first_at", "last_at"];
    let mut rows = Rows::into(database, "error_tallies", &columns).await?;
    tokio::task::spawn_blocking(move || {
        for (n, address) in (0..count).zip(Addresses::new(SEED)) {
            // The default conditions block a full mailbox at the tenth error.
            let errors = if n % 100 == 0 { 10 } else { 1 + i64::try_from(n % 9)? };
            rows.push(&[
                Cell::Id(configuration),
                Cell::Text(address.key().as_str()),
                Cell::Text(Reason::ReceptionRejected.as_str()),
                Cell::Text(address.spelling()),
                Cell::Number(errors),
                Cell::Number(past(now, n, count) - DAY),
                Cell::Number(past(now, n, count)),
            ])?;
        }
        rows.finish()
    })
    .await??;
    let mut rows =
        Rows::into(database, "changed_tallies", &["server_configuration_id", "address_key", "reason"]).await?;
    tokio::task::spawn_blocking(move || {
        for (_, address) in (0..count).zip(Addresses::new(SEED)).filter(|(n, _)| n % 100 < CHANGED) {
            let reason = Reason::ReceptionRejected.as_str();
            rows.push(&[Cell::Id(configuration), Cell::Text(address.key().as_str()), Cell::Text(reason)])?;
        }
        rows.finish()
    })
    .await??;
    indexes.make_again(database).await?;
    // As the run before has left it.
    let id = database.id(configuration);
    database.execute(&format!("UPDATE server_configurations SET conditions_changed = FALSE WHERE id = {id}")).await?;
    settle(database, "error_tallies").await
}

/// When row `n` of `count` happened: the later, the newer, not in the order of the addresses.
fn past(now: i64, n: u64, count: u64) -> i64 {
    now - DAYS * DAY + i64::try_from(u128::from(n) * (DAYS * DAY) as u128 / u128::from(count.max(1))).unwrap_or(0)
}

fn reason(n: u64) -> Reason {
    // Any odd factor spreads the lots over the rows.
    let mut lot = n.wrapping_mul(7_919) % 1_000;
    for (reason, share) in REASONS {
        if lot < share {
            return reason;
        }
        lot -= share;
    }
    Reason::UnknownUser
}

/// Octets of trigrams that SQLite keeps in memory before it writes them, while it loads.
const LARGE_HASH: u64 = 256 << 20;

/// Sets how many octets of new trigrams of the blocked list SQLite keeps in memory, and returns what was set before: its
/// triggers index each row as it comes, and a few large segments are made sooner than thousands of small ones.
/// PostgreSQL's trigrams are an index like others.
async fn keep_trigrams(database: &Database, octets: u64) -> anyhow::Result<u64> {
    if database.kind() == Kind::Postgres {
        return Ok(octets);
    }
    let before = "SELECT CAST(v AS TEXT) FROM blocked_addresses_text_config WHERE k = 'hashsize'";
    let before = database.lines(before).await?;
    let before = before.first().context("the blocked list has no trigrams")?.parse()?;
    let set =
        format!("INSERT INTO blocked_addresses_text (blocked_addresses_text, rank) VALUES ('hashsize', {octets})");
    database.execute(&set).await?;
    Ok(before)
}

/// What a database does by itself within minutes after so many rows: PostgreSQL's autovacuum.
async fn settle(database: &Database, table: &str) -> anyhow::Result<()> {
    match database.kind() {
        Kind::Sqlite => database.execute("PRAGMA wal_checkpoint(TRUNCATE);").await,
        Kind::Postgres => {
            database.execute(&format!("VACUUM (ANALYZE) {table}")).await?;
            database.execute("CHECKPOINT").await
        }
    }
}

/// The indexes of a table that no constraint needs, taken away.
struct Indexes(Vec<String>);

impl Indexes {
    async fn take_away(database: &Database, table: &str) -> anyhow::Result<Self> {
        let sql = match database.kind() {
            Kind::Sqlite => format!(
                "SELECT name || '|' || sql FROM sqlite_schema WHERE type = 'index' \
                 AND tbl_name = '{table}' AND sql IS NOT NULL"
            ),
            Kind::Postgres => format!(
                "SELECT i.indexname || '|' || i.indexdef FROM pg_indexes i WHERE i.tablename = '{table}' AND NOT EXISTS \
                 (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexname::regclass)"
            ),
        };
        let mut definitions = Vec::new();
        for line in database.lines(&sql).await? {
            let Some((name, definition)) = line.split_once('|') else { continue };
            database.execute(&format!("DROP INDEX {name}")).await?;
            definitions.push(definition.to_owned());
        }
        Ok(Self(definitions))
    }

    async fn make_again(self, database: &Database) -> anyhow::Result<()> {
        let before = match database.kind() {
            Kind::Sqlite => "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;",
            Kind::Postgres => "SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 2;",
        };
        let statements: String = self.0.iter().map(|definition| format!("{definition};\n")).collect();
        database.execute(&format!("{before}\n{statements}")).await
    }
}
