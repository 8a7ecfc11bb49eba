//! Run settings: columns of `server_configurations`.

use super::{Result, millis, optional_time, statement, time};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

/// Run settings as stored, without the conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRunSettings {
    /// The account.
    pub account_id: Uuid,
    /// Grows with every change.
    pub revision: i64,
    /// Local time of the daily run, `HH:MM`.
    pub execute_timing: String,
    /// The IANA time zone of it.
    pub time_zone: String,
    /// Days after which a block is cancelled.
    pub watch_period_days: Option<i64>,
    /// At most this many automatic cancellations a day.
    pub watch_daily_limit: Option<i64>,
    /// Warn of days on which more blocks would end.
    pub watch_warning: i64,
    /// Whether a successful delivery resets the counts.
    pub success_resets_count: bool,
    /// The conditions changed since the last run: it looks at every count, not only at those that changed.
    pub conditions_changed: bool,
    /// When the blocked list was last distributed by a run.
    pub previous_execution_at: Option<DateTime<Utc>>,
    /// When the next scheduled run is due.
    pub next_run_at: DateTime<Utc>,
}

fn read(row: &QueryResult) -> Result<StoredRunSettings> {
    Ok(StoredRunSettings {
        account_id: row.try_get("", "account_id")?,
        revision: row.try_get("", "settings_revision")?,
        execute_timing: row.try_get("", "execute_timing")?,
        time_zone: row.try_get("", "time_zone")?,
        watch_period_days: row.try_get("", "watch_period_days")?,
        watch_daily_limit: row.try_get("", "watch_daily_limit")?,
        watch_warning: row.try_get("", "watch_warning")?,
        success_resets_count: row.try_get("", "success_resets_count")?,
        conditions_changed: row.try_get("", "conditions_changed")?,
        previous_execution_at: optional_time(row.try_get("", "previous_execution_at")?)?,
        next_run_at: time(row.try_get("", "next_run_at")?)?,
    })
}

/// The run settings of a server configuration; `None` when there is no such configuration.
///
/// # Errors
/// The database refused.
pub async fn get<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
) -> Result<Option<StoredRunSettings>> {
    let sql = "SELECT * FROM server_configurations WHERE id = $1";
    let row = connection.query_one_raw(statement(connection, sql, [server_configuration_id.into()])).await?;
    row.as_ref().map(read).transpose()
}

/// Writes run settings.
///
/// # Errors
/// The database refused.
pub async fn save<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    settings: &StoredRunSettings,
) -> Result<()> {
    let sql = "UPDATE server_configurations SET settings_revision = $2, execute_timing = $3, watch_period_days = $4, \
               watch_daily_limit = $5, watch_warning = $6, success_resets_count = $7, conditions_changed = $8, \
               previous_execution_at = $9, next_run_at = $10 WHERE id = $1";
    let values = [
        server_configuration_id.into(),
        settings.revision.into(),
        settings.execute_timing.as_str().into(),
        settings.watch_period_days.into(),
        settings.watch_daily_limit.into(),
        settings.watch_warning.into(),
        settings.success_resets_count.into(),
        settings.conditions_changed.into(),
        settings.previous_execution_at.map(millis).into(),
        millis(settings.next_run_at).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// The server configurations whose scheduled run is due; those of a suspended account wait.
///
/// # Errors
/// The database refused.
pub async fn due<C: ConnectionTrait>(connection: &C, now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let sql = "SELECT c.id FROM server_configurations c JOIN accounts a ON a.id = c.account_id \
               WHERE c.next_run_at <= $1 AND a.suspended_at IS NULL ORDER BY c.next_run_at";
    let rows = connection.query_all_raw(statement(connection, sql, [millis(now).into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}
