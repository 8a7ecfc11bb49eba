//! The published list as agents read it, and what they acknowledge.
//!
//! A version never changes once published: blocks name their change sets, and the tables keep every block that a
//! version held. So a list can be read in parts, without a transaction, while it goes on changing.

use super::{Error, Result, change_sets::placeholders, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use shared::agent_sync::Acknowledgement;
use uuid::Uuid;

/// Which keys of a list: those after one, up to and with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys<'a> {
    /// `""`: from the first key.
    pub after: &'a str,
    /// `None`: to the last key.
    pub up_to: Option<&'a str>,
}

impl Keys<'_> {
    /// Every key.
    pub const ALL: Self = Self { after: "", up_to: None };
}

/// When a list is read.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// As it is at a version.
    Version(i64),
    /// As it would be if it were published now.
    Pending,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// A line for each key, with its sign before it; in no order.
    pub lines: String,
    /// The next part begins after this key; `None`: this is the last one.
    pub next: Option<String>,
}

impl Part {
    /// Of runs of at most `limit` keys in order, joined by line feed and sign: up to where all of them are known.
    fn of(mut runs: Vec<String>, sign: &str, limit: usize) -> Self {
        runs.retain(|run| !run.is_empty());
        let is_full = |run: &&String| run.bytes().filter(|octet| *octet == b'\n').count() + 1 == limit;
        let next = runs.iter().filter(is_full).map(|run| last_key(run, sign)).min().map(str::to_owned);
        if let Some(end) = &next {
            for run in &mut runs {
                while !run.is_empty() && last_key(run, sign) > end.as_str() {
                    run.truncate(run.rfind('\n').unwrap_or_default());
                }
            }
        }
        runs.retain(|run| !run.is_empty());
        for run in &mut runs {
            run.insert_str(0, sign);
            run.push('\n');
        }
        // One run is not copied: that is the rule.
        let lines = if runs.len() == 1 { runs.remove(0) } else { runs.concat() };
        Self { lines, next }
    }
}

fn last_key<'a>(run: &'a str, sign: &str) -> &'a str {
    run.rfind('\n').map_or(run, |end| &run[end + 1 + sign.len()..])
}

/// Selects a run: the next keys of these rows, at most `limit`. The database joins them: to take a million rows out of it
/// one by one takes longer than all else.
fn run(sign: &str, rows: &str, up_to: &str, limit: usize) -> String {
    format!(
        "(SELECT string_agg(address_key, '\n{sign}') FROM \
         (SELECT b.address_key {rows} AND b.address_key > $1 {up_to} ORDER BY b.address_key LIMIT {limit}) AS next)"
    )
}

/// Reads a part of some runs: of `keys` at most the first `limit`. One statement, because a block may end between two.
async fn part<C: ConnectionTrait>(
    connection: &C,
    (sign, runs): (&str, &[&str]),
    (keys, version, sets): (Keys<'_>, i64, &[Uuid]),
    limit: usize,
) -> Result<Part> {
    let mut values: Vec<Value> = vec![keys.after.into(), version.into()];
    values.extend(sets.iter().map(|id| Value::from(*id)));
    let mut up_to = String::new();
    if let Some(last) = keys.up_to {
        values.push(last.into());
        up_to = format!("AND b.address_key <= ${}", values.len());
    }
    let columns: Vec<String> =
        runs.iter().enumerate().map(|(n, rows)| format!("{} AS run_{n}", run(sign, rows, &up_to, limit))).collect();
    let sql = format!("SELECT {}", columns.join(", "));
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    let row = row.ok_or_else(|| Error::Unreadable("a selection of expressions without a row".to_owned()))?;
    let run = |n: usize| Ok(row.try_get::<Option<String>>("", &format!("run_{n}"))?.unwrap_or_default());
    Ok(Part::of((0..runs.len()).map(run).collect::<Result<_>>()?, sign, limit))
}

/// Keys that the change sets `sets`, all published after `from`, take off the list at `from`: of `keys` at most the first
/// `limit`.
///
/// # Errors
/// The database refused.
pub async fn removed_by<C: ConnectionTrait>(
    connection: &C,
    sets: &[Uuid],
    from: i64,
    keys: Keys<'_>,
    limit: usize,
) -> Result<Part> {
    let rows = format!(
        "FROM removed_blocks b JOIN change_sets s ON s.id = b.added_set_id \
         WHERE b.removed_set_id IN ({}) AND s.version <= $2",
        placeholders(3, sets.len())
    );
    part(connection, ("-", &[&rows]), (keys, from, sets), limit).await
}

/// Keys that the change sets `sets`, all published up to then, put on the list and that are still on it at that time: of
/// `keys` at most the first `limit` of live and of ended blocks, each with `sign` before it. Of all sets that is the list.
///
/// # Errors
/// The database refused.
pub async fn added_by<C: ConnectionTrait>(
    connection: &C,
    sets: &[Uuid],
    at: At,
    (sign, keys): (&str, Keys<'_>),
    limit: usize,
) -> Result<Part> {
    let (is_on_it, version) = match at {
        At::Version(version) => ("(r.version IS NULL OR r.version > $2)", version),
        // What a set that is not ready takes off still counts.
        At::Pending => ("(NOT r.ready OR r.version > $2)", i64::MAX),
    };
    let of_sets = format!("b.added_set_id IN ({})", placeholders(3, sets.len()));
    let live = format!("FROM blocked_addresses b WHERE {of_sets}");
    let ended =
        format!("FROM removed_blocks b JOIN change_sets r ON r.id = b.removed_set_id WHERE {of_sets} AND {is_on_it}");
    part(connection, (sign, &[&live, &ended]), (keys, version, sets), limit).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_all_runs_are_known() {
        let part = |runs: [&str; 2], sign| Part::of(runs.map(str::to_owned).into(), sign, 2);
        let whole = |lines: &str| Part { lines: lines.to_owned(), next: None };
        let up_to = |lines: &str, next: &str| Part { lines: lines.to_owned(), next: Some(next.to_owned()) };
        assert_eq!(part(["", ""], "+"), whole(""));
        assert_eq!(part(["a", "b"], "+"), whole("+a\n+b\n"));
        // Two are as many as were asked for: there may be more behind the last of them.
        assert_eq!(part(["a\nd", "c"], ""), up_to("a\nd\nc\n", "d"));
        assert_eq!(part(["a\n+d", "b\n+c"], "+"), up_to("+a\n+b\n+c\n", "c"));
        assert_eq!(part(["x\n+y", "b\n+c"], "+"), up_to("+b\n+c\n", "c"));
    }
}
