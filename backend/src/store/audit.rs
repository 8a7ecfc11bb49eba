//! The audit log: who changed what, when, from where and why. One log for each account, and one of what the provider does
//! outside of all accounts. Entries are only ever added, and each holds the hash of the one before it.

mod listing;

pub use listing::{Filter, list, source};

use super::{Result, millis, named, search::Conditions, statement, time, to_json};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value as DbValue};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use shared::audit::{ActorKind, AuditEntry};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Entries of one statement, as far as SQLite's limit of values goes.
const AT_ONCE: usize = 1_000;

/// One change.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// The account it happened in; `None` outside of all accounts.
    pub account_id: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of actor.
    pub actor_kind: ActorKind,
    /// Which one.
    pub actor_id: Option<Uuid>,
    /// Its name at that time.
    pub actor_name: String,
    /// What was done, `server_configuration.create` for example.
    pub action: &'static str,
    /// To what: an id or an address.
    pub object: String,
    /// How it was.
    pub before: Option<Json>,
    /// How it is now.
    pub after: Option<Json>,
    /// Why, in the actor's words.
    pub comment: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// Where the request came from.
    pub client_address: Option<String>,
}

/// An entry as stored: what its hash is computed of.
#[derive(Debug, Clone)]
pub struct StoredEntry {
    /// The account; `None`: the provider's log.
    pub account_id: Option<Uuid>,
    /// Counts the entries of the log, from 1.
    pub number: i64,
    /// Empty: older than the chain.
    pub hash: String,
    id: Uuid,
    at: i64,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_name: String,
    action: String,
    object: String,
    before: Option<String>,
    after: Option<String>,
    comment: Option<String>,
    request_id: Option<String>,
    client_address: Option<String>,
}

/// The end of a log, as it is kept beside the entries: without it, missing last entries would not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The account; `None`: the provider's log.
    pub account_id: Option<Uuid>,
    /// How many entries there are.
    pub length: i64,
    /// The hash of the last one.
    pub hash: String,
}

const COLUMNS: &str = "id, account_id, at, actor_kind, actor_id, actor_name, action, object, before_value, after_value, \
                       comment, request_id, client_address, number, hash";
/// How many [`COLUMNS`] there are.
const WIDTH: usize = 15;

impl StoredEntry {
    fn new(number: i64, entry: NewAuditEntry) -> Self {
        Self {
            account_id: entry.account_id,
            number,
            hash: String::new(),
            id: Uuid::now_v7(),
            at: millis(entry.at),
            actor_kind: entry.actor_kind.as_str().to_owned(),
            actor_id: entry.actor_id,
            actor_name: entry.actor_name,
            action: entry.action.to_owned(),
            object: entry.object,
            before: entry.before.map(|value| value.to_string()),
            after: entry.after.map(|value| value.to_string()),
            comment: entry.comment,
            request_id: entry.request_id,
            client_address: entry.client_address,
        }
    }

    fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            account_id: row.try_get("", "account_id")?,
            number: row.try_get("", "number")?,
            hash: row.try_get("", "hash")?,
            id: row.try_get("", "id")?,
            at: row.try_get("", "at")?,
            actor_kind: row.try_get("", "actor_kind")?,
            actor_id: row.try_get("", "actor_id")?,
            actor_name: row.try_get("", "actor_name")?,
            action: row.try_get("", "action")?,
            object: row.try_get("", "object")?,
            before: row.try_get("", "before_value")?,
            after: row.try_get("", "after_value")?,
            comment: row.try_get("", "comment")?,
            request_id: row.try_get("", "request_id")?,
            client_address: row.try_get("", "client_address")?,
        })
    }

    /// The hash of this entry after one with the hash `previous`: SHA-256 of `previous`, a line feed, and the entry as a
    /// JSON array in the order below (docs/OPERATIONS.md tells how to compute it elsewhere).
    ///
    /// # Errors
    /// The entry cannot be written as JSON.
    pub fn hash_after(&self, previous: &str) -> Result<String> {
        let fields = (
            (self.number, self.id, self.account_id, self.at),
            (&self.actor_kind, self.actor_id, &self.actor_name, &self.action, &self.object),
            (&self.before, &self.after, &self.comment, &self.request_id, &self.client_address),
        );
        let fields = to_json(&fields)?;
        let digest = Sha256::new().chain_update(previous).chain_update("\n").chain_update(fields).finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn values(self) -> [DbValue; WIDTH] {
        [
            self.id.into(),
            self.account_id.into(),
            self.at.into(),
            self.actor_kind.into(),
            self.actor_id.into(),
            self.actor_name.into(),
            self.action.into(),
            self.object.into(),
            self.before.into(),
            self.after.into(),
            self.comment.into(),
            self.request_id.into(),
            self.client_address.into(),
            self.number.into(),
            self.hash.into(),
        ]
    }

    fn shown(self) -> Result<AuditEntry> {
        let json = |text: Option<String>| text.as_deref().map(super::from_json).transpose();
        Ok(AuditEntry {
            id: self.id,
            number: self.number,
            at: time(self.at)?,
            actor_kind: named(&ActorKind::ALL, ActorKind::as_str, "audit", &self.actor_kind)?,
            actor_id: self.actor_id,
            actor_name: self.actor_name,
            action: self.action,
            object: self.object,
            before: json(self.before)?,
            after: json(self.after)?,
            comment: self.comment,
            request_id: self.request_id,
            client_address: self.client_address,
            hash: self.hash,
        })
    }
}

/// Writes entries at the end of their logs. What the end of a log is stays locked until the transaction ends.
///
/// # Errors
/// The database refused.
pub(super) async fn append<C: ConnectionTrait>(transaction: &C, entries: Vec<NewAuditEntry>) -> Result<()> {
    // In the order of their accounts: two transactions that write to the same two logs do not wait for each other.
    let mut logs: BTreeMap<Option<Uuid>, Vec<NewAuditEntry>> = BTreeMap::new();
    for entry in entries {
        logs.entry(entry.account_id).or_default().push(entry);
    }
    for (account_id, entries) in logs {
        let mut end = lock_end(transaction, account_id).await?;
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            end.length += 1;
            let mut row = StoredEntry::new(end.length, entry);
            end.hash = row.hash_after(&end.hash)?;
            row.hash.clone_from(&end.hash);
            rows.push(row);
        }
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(AT_ONCE));
            insert(transaction, rows).await?;
            rows = rest;
        }
        let sql = "UPDATE audit_chains SET length = $2, hash = $3 WHERE account_id = $1";
        let values = [key(account_id), end.length.into(), end.hash.into()];
        transaction.execute_raw(statement(transaction, sql, values)).await?;
    }
    Ok(())
}

/// A log's key in `audit_chains`.
fn key(account_id: Option<Uuid>) -> DbValue {
    account_id.unwrap_or_default().into()
}

/// Adds the condition that entries are of one log.
fn of_log(conditions: &mut Conditions, account_id: Option<Uuid>) {
    match account_id {
        Some(account_id) => conditions.equal("account_id", account_id),
        None => conditions.and("account_id IS NULL"),
    }
}

/// The end of a log, which others cannot write to until the transaction ends.
async fn lock_end<C: ConnectionTrait>(transaction: &C, account_id: Option<Uuid>) -> Result<Chain> {
    let mut conditions = Conditions::new();
    let key = conditions.bind(key(account_id));
    of_log(&mut conditions, account_id);
    let sql = format!(
        "INSERT INTO audit_chains (account_id, length, hash) \
         VALUES ({key}, (SELECT COALESCE(MAX(number), 0) FROM audit_log {}), '') \
         ON CONFLICT (account_id) DO UPDATE SET length = audit_chains.length RETURNING account_id, length, hash",
        conditions.clause()
    );
    let row = transaction.query_one_raw(conditions.statement(transaction, sql)).await?;
    row.as_ref().map_or_else(|| Err(super::Error::Unreadable("no end of the audit log".to_owned())), read_chain)
}

fn read_chain(row: &QueryResult) -> Result<Chain> {
    let account_id: Uuid = row.try_get("", "account_id")?;
    let account_id = (!account_id.is_nil()).then_some(account_id);
    Ok(Chain { account_id, length: row.try_get("", "length")?, hash: row.try_get("", "hash")? })
}

async fn insert<C: ConnectionTrait>(transaction: &C, rows: Vec<StoredEntry>) -> Result<()> {
    let placeholders = (0..rows.len()).map(|row| {
        let places = (1..=WIDTH).map(|column| format!("${}", row * WIDTH + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    });
    let sql = format!("INSERT INTO audit_log ({COLUMNS}) VALUES {}", placeholders.collect::<Vec<_>>().join(", "));
    let values = rows.into_iter().flat_map(StoredEntry::values);
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// The ends of all logs.
///
/// # Errors
/// The database refused.
pub async fn chains<C: ConnectionTrait>(connection: &C) -> Result<Vec<Chain>> {
    let sql = "SELECT account_id, length, hash FROM audit_chains";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(read_chain).collect()
}

/// The logs that there must be, whether anything of them is left or not: of every account, since making it is the first
/// entry of its log (the row of a closed one stays), and of the provider (`None`), if there is one. And whatever has entries.
///
/// # Errors
/// The database refused.
pub async fn logs<C: ConnectionTrait>(connection: &C) -> Result<Vec<Option<Uuid>>> {
    let sql = "SELECT id AS account_id FROM accounts UNION SELECT account_id FROM users WHERE account_id IS NULL \
               UNION SELECT account_id FROM audit_log";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "account_id")?)).collect()
}

/// The entries of a log after the one with a number, in order, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn entries_after<C: ConnectionTrait>(
    connection: &C,
    account_id: Option<Uuid>,
    number: i64,
    limit: u32,
) -> Result<Vec<StoredEntry>> {
    let mut conditions = Conditions::new();
    of_log(&mut conditions, account_id);
    let number = conditions.bind(number);
    conditions.and(format!("number > {number}"));
    let sql = format!("SELECT {COLUMNS} FROM audit_log {} ORDER BY number LIMIT {limit}", conditions.clause());
    let rows = connection.query_all_raw(conditions.statement(connection, sql)).await?;
    rows.iter().map(StoredEntry::read).collect()
}
