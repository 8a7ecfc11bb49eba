//! How many messages were delivered and how many failed, by day: kept as events arrive, so that a report of ninety days
//! costs its days and not its events.

use super::{Result, each_row, exists, json_rows, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};
use shared::delivery_report::{DomainErrors, TOP_DOMAINS};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Counts removed of each table in one transaction: so few that nobody waits long.
const STEP: u64 = 2_000;
/// The tables, and what each counts by beside the day.
const TABLES: [(&str, &str); 2] = [("event_tallies", "result"), ("domain_tallies", "domain")];

/// Numbers by when their day began (Unix milliseconds) and something else: concurrent batches lock rows in one order.
pub type ByDay<'a> = BTreeMap<(i64, &'a str), i64>;

/// Adds what became of messages ("delivered", or the reason of an error), and errors by domain. The last thing that a
/// batch does: the rows of today are wanted by all.
///
/// # Errors
/// The database's.
pub async fn add(
    tx: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    results: &ByDay<'_>,
    domains: &ByDay<'_>,
) -> Result<()> {
    for ((table, column), counts) in TABLES.into_iter().zip([results, domains]) {
        if counts.is_empty() {
            continue;
        }
        let rows = json_rows(counts.iter().map(|((begins_at, name), count)| (begins_at, name, count)))?;
        let sql = format!(
            "INSERT INTO {table} (server_configuration_id, begins_at, {column}, count) \
             SELECT $1, CAST(value ->> 0 AS BIGINT), value ->> 1, CAST(value ->> 2 AS BIGINT) FROM {} WHERE TRUE \
             ON CONFLICT (server_configuration_id, begins_at, {column}) \
             DO UPDATE SET count = {table}.count + excluded.count",
            each_row(tx, 2)
        );
        tx.execute_raw(statement(tx, sql, [server_configuration_id.into(), rows.into()])).await?;
    }
    Ok(())
}

/// What became of messages from one time up to another: when the day began (Unix milliseconds), the result, how many.
///
/// # Errors
/// The database's.
pub async fn results(
    connection: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(i64, String, i64)>> {
    let sql = "SELECT begins_at, result, count FROM event_tallies WHERE server_configuration_id = $1 \
               AND begins_at >= $2 AND begins_at < $3";
    let values = [server_configuration_id.into(), millis(from).into(), millis(to).into()];
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "begins_at")?, row.try_get("", "result")?, row.try_get("", "count")?)))
        .collect()
}

/// The domains with the most errors from one time up to another, the worst first: of those that had more than
/// `once_more_than` on some day. Adding up the few takes half as long as adding up all.
///
/// # Errors
/// The database's.
pub async fn top_domains(
    connection: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    once_more_than: i64,
) -> Result<Vec<DomainErrors>> {
    let range = "FROM domain_tallies WHERE server_configuration_id = $1 AND begins_at >= $2 AND begins_at < $3";
    let mut values: Vec<Value> = vec![server_configuration_id.into(), millis(from).into(), millis(to).into()];
    let mut candidates = String::new();
    if once_more_than > 0 {
        candidates = format!("AND domain IN (SELECT domain {range} AND count > $4)");
        values.push(once_more_than.into());
    }
    let sql = format!(
        "SELECT domain, CAST(SUM(count) AS BIGINT) AS errors {range} {candidates} GROUP BY domain \
         ORDER BY errors DESC, domain LIMIT {TOP_DOMAINS}"
    );
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter()
        .map(|row| Ok(DomainErrors { domain: row.try_get("", "domain")?, errors: row.try_get("", "errors")? }))
        .collect()
}

/// Whether there are counts of days that began before a time.
///
/// # Errors
/// The database's.
pub async fn has_older(
    connection: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    before: DateTime<Utc>,
) -> Result<bool> {
    for (table, _) in TABLES {
        let sql =
            format!("SELECT 1 AS found FROM {table} WHERE server_configuration_id = $1 AND begins_at < $2 LIMIT 1");
        if exists(connection, &sql, [server_configuration_id.into(), millis(before).into()]).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the oldest counts of days that began before a time; whether there may be more.
///
/// # Errors
/// The database's.
pub async fn remove_some(
    tx: &impl ConnectionTrait,
    server_configuration_id: Uuid,
    before: DateTime<Utc>,
) -> Result<bool> {
    let mut more = false;
    for (table, column) in TABLES {
        // By the whole key: SQLite looks for a part of it among all counts of the day.
        let key = format!("server_configuration_id, begins_at, {column}");
        let sql = format!(
            "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE server_configuration_id = $1 \
             AND begins_at < $2 ORDER BY begins_at, {column} LIMIT {STEP})"
        );
        let values = [server_configuration_id.into(), millis(before).into()];
        more |= tx.execute_raw(statement(tx, sql, values)).await?.rows_affected() == STEP;
    }
    Ok(more)
}
