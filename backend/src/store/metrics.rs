//! Figures for monitoring: small, indexed reads however large the lists are.

use super::{Result, change_sets::checksum, optional_time, server_configurations::ListHead, statement, time};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

/// What monitoring wants to know of a server configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigurationFigures {
    /// The configuration.
    pub id: Uuid,
    /// Its published list.
    pub head: ListHead,
    /// When a run was last done.
    pub previous_execution_at: Option<DateTime<Utc>>,
    /// When the next scheduled run is due.
    pub next_run_at: DateTime<Utc>,
    /// Whether its account is neither suspended nor closed. Else no run is made, and no agent is answered.
    pub at_work: bool,
}

/// Every server configuration.
///
/// # Errors
/// The database refused.
pub async fn configurations<C: ConnectionTrait>(connection: &C) -> Result<Vec<ConfigurationFigures>> {
    let sql = "SELECT c.id, c.epoch, c.list_version, c.list_count, c.list_checksum, c.previous_execution_at, \
               c.next_run_at, (a.suspended_at IS NULL AND a.closed_at IS NULL) AS at_work \
               FROM server_configurations c JOIN accounts a ON a.id = c.account_id";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter()
        .map(|row| {
            Ok(ConfigurationFigures {
                id: row.try_get("", "id")?,
                head: ListHead {
                    epoch: row.try_get("", "epoch")?,
                    version: row.try_get("", "list_version")?,
                    count: row.try_get("", "list_count")?,
                    checksum: checksum(row, "list_checksum")?,
                },
                previous_execution_at: optional_time(row.try_get("", "previous_execution_at")?)?,
                next_run_at: time(row.try_get("", "next_run_at")?)?,
                at_work: row.try_get("", "at_work")?,
            })
        })
        .collect()
}

/// How many addresses wait to be added to the published lists, and how many to be removed.
///
/// # Errors
/// The database refused.
pub async fn pending<C: ConnectionTrait>(connection: &C) -> Result<(i64, i64)> {
    let sql = "SELECT CAST(COALESCE(SUM(s.added_count), 0) AS BIGINT) AS added, \
               CAST(COALESCE(SUM(s.removed_count), 0) AS BIGINT) AS removed \
               FROM server_configurations c JOIN change_sets s ON s.server_configuration_id = c.id \
               AND s.version IS NULL AND s.ready";
    let row = connection.query_one_raw(statement(connection, sql, [])).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.try_get("", "added")?, row.try_get("", "removed")?)))
}

/// Runs that are neither done nor given up, by their state.
///
/// # Errors
/// The database refused.
pub async fn unfinished_runs<C: ConnectionTrait>(connection: &C) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT state AS name, COUNT(*) AS count FROM runs WHERE finished_at IS NULL GROUP BY state";
    by_name(connection, sql).await
}

/// Distributions that a mail server is still to acknowledge, by their state.
///
/// # Errors
/// The database refused.
pub async fn incomplete_distributions<C: ConnectionTrait>(connection: &C) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT CASE WHEN published_at IS NULL THEN 'queued' ELSE 'published' END AS name, COUNT(*) AS count \
               FROM distributions WHERE completed_at IS NULL GROUP BY 1";
    by_name(connection, sql).await
}

async fn by_name<C: ConnectionTrait>(connection: &C, sql: &str) -> Result<Vec<(String, i64)>> {
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok((row.try_get("", "name")?, row.try_get("", "count")?))).collect()
}
