//! The published list as agents read it, and what they acknowledge.
//!
//! A version never changes once published: blocks name their change sets, and the tables keep every block that a
//! version held. So a list can be read in parts, without a transaction, while it goes on changing.

use super::{Error, Result, change_sets::placeholders, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use shared::agent_sync::Acknowledgement;
use uuid::Uuid;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// A line for each key, with its sign before it; in no order.
    pub lines: String,
    /// The next part begins after this key; `None`: this is the last one.
    pub next: Option<String>,
}

/// Sorts after every key.
const LAST: &str = "\u{10FFFF}";

/// Reads a part by a statement with the columns `lines` and `last`.
async fn part<C: ConnectionTrait>(connection: &C, sql: String, values: Vec<Value>) -> Result<Part> {
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    let row = row.ok_or_else(|| Error::Unreadable("an aggregate without a row".to_owned()))?;
    let (lines, last): (Option<String>, String) = (row.try_get("", "lines")?, row.try_get("", "last")?);
    Ok(Part { lines: lines.unwrap_or_default(), next: (last != LAST).then_some(last) })
}

/// Puts the lines together. The database does it: to take a million rows out of it one by one takes longer than all else.
fn lines(sign: &str) -> String {
    format!("'{sign}' || string_agg(b.address_key, '\n{sign}') || '\n' AS lines")
}

/// Where a part of `limit` keys ends: at `end` where there are no more. It is looked for before the keys are read, so that
/// they need not be kept for that.
fn last(rows: &str, limit: usize, end: &str) -> String {
    format!(
        "COALESCE((SELECT b.address_key {rows} ORDER BY b.address_key LIMIT 1 OFFSET {}), {end}) AS last",
        limit - 1
    )
}

/// The next keys of live and of ended blocks, at most `limit` of each: of ended ones only up to where the live ones go, so
/// that reading on looks at each once, and of live ones only up to where the ended ones go, if there are too many of those.
/// `$1` is the key to begin after, `$2` is [`LAST`]. One statement, because a block may end between two.
fn merged(sign: &str, live: &str, ended: &str, limit: usize) -> String {
    let live = format!("FROM blocked_addresses b {live} AND b.address_key > $1");
    let ended = format!("FROM removed_blocks b {ended} AND b.address_key > $1");
    let upto = "b.address_key <= (SELECT last FROM upto)";
    let whole = "b.address_key <= (SELECT last FROM whole)";
    format!(
        "WITH upto AS MATERIALIZED (SELECT {}), whole AS MATERIALIZED (SELECT {}) \
         SELECT (SELECT last FROM whole) AS last, {} FROM (SELECT b.address_key {live} AND {whole} \
         UNION ALL SELECT b.address_key {ended} AND {whole}) AS b",
        last(&live, limit, "$2"),
        last(&format!("{ended} AND {upto}"), limit, "(SELECT last FROM upto)"),
        lines(sign)
    )
}

/// Keys that the change sets `sets`, all published after `from` and up to `to`, take off the list at `from`: after the
/// key `after`, in order, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn removed_by<C: ConnectionTrait>(
    connection: &C,
    sets: &[Uuid],
    from: i64,
    after: &str,
    limit: usize,
) -> Result<Part> {
    let rows = format!(
        "FROM removed_blocks b JOIN change_sets s ON s.id = b.added_set_id WHERE b.removed_set_id IN ({}) \
         AND b.address_key > $1 AND s.version <= $3",
        placeholders(4, sets.len())
    );
    let sql = format!(
        "WITH whole AS MATERIALIZED (SELECT {}) SELECT (SELECT last FROM whole) AS last, {} \
         {rows} AND b.address_key <= (SELECT last FROM whole)",
        last(&rows, limit, "$2"),
        lines("-")
    );
    let mut values: Vec<Value> = vec![after.into(), LAST.into(), from.into()];
    values.extend(sets.iter().map(|id| Value::from(*id)));
    part(connection, sql, values).await
}

/// Keys that the change sets `sets`, all published up to `to`, put on the list and that are still on it at `to`: after
/// the key `after`, in order, at most `limit` of live and of ended blocks, each with `sign` before it. Of all sets that
/// is the list.
///
/// # Errors
/// The database refused.
pub async fn added_by<C: ConnectionTrait>(
    connection: &C,
    sets: &[Uuid],
    to: i64,
    (sign, after): (&str, &str),
    limit: usize,
) -> Result<Part> {
    let live = format!("WHERE b.added_set_id IN ({})", placeholders(4, sets.len()));
    let ended =
        format!("JOIN change_sets r ON r.id = b.removed_set_id {live} AND (r.version IS NULL OR r.version > $3)");
    let mut values: Vec<Value> = vec![after.into(), LAST.into(), to.into()];
    values.extend(sets.iter().map(|id| Value::from(*id)));
    part(connection, merged(sign, &live, &ended, limit), values).await
}

/// Stores what a mail server holds, and whether that is what its version says.
///
/// # Errors
/// The database refused.
pub async fn acknowledge<C: ConnectionTrait>(
    transaction: &C,
    mail_server_id: Uuid,
    acknowledgement: &Acknowledgement,
    matches: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE mail_servers SET epoch = $2, version = $3, count = $4, checksum = $5, matches = $6, \
               acknowledged_at = $7, last_seen_at = $7 WHERE id = $1";
    let values = [
        mail_server_id.into(),
        acknowledgement.epoch.into(),
        acknowledgement.version.into(),
        acknowledgement.count.into(),
        acknowledgement.checksum.to_string().into(),
        matches.into(),
        millis(now).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Says that a mail server's agent called; true when that was not known for more than `known_for` milliseconds, or not
/// since its token was made.
///
/// # Errors
/// The database refused.
pub async fn seen<C: ConnectionTrait>(
    connection: &C,
    mail_server_id: Uuid,
    now: DateTime<Utc>,
    known_for: i64,
) -> Result<bool> {
    let sql = "UPDATE mail_servers SET last_seen_at = $2 WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $3 \
               OR EXISTS (SELECT 1 FROM api_tokens t WHERE t.mail_server_id = mail_servers.id \
                          AND t.revoked_at IS NULL AND t.created_at >= mail_servers.last_seen_at))";
    let values = [mail_server_id.into(), millis(now).into(), (millis(now) - known_for).into()];
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected() == 1)
}

/// The newest version that every active mail server is known to hold rightly. A server that never acknowledged any
/// version holds none and is not waited for.
///
/// # Errors
/// The database refused.
pub async fn held_by_all<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid) -> Result<i64> {
    let sql = "SELECT MIN(CASE WHEN m.matches AND m.epoch = c.epoch THEN m.version ELSE 0 END) AS held \
               FROM mail_servers m JOIN server_configurations c ON c.id = m.server_configuration_id \
               WHERE m.server_configuration_id = $1 AND m.active AND m.version IS NOT NULL";
    let row = connection.query_one_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    let held: Option<i64> = row.map(|row| row.try_get("", "held")).transpose()?.flatten();
    Ok(held.unwrap_or(i64::MAX))
}
