//! Server configurations: name, time zone and the head of the published list.

use super::{
    Error, Result, millis,
    search::{Conditions, Keyset, ordered},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::{
    ListChecksum,
    mail_server::ServerConfiguration,
    page::Direction,
    plan::Plan,
    run_settings::{DEFAULT_EXECUTE_TIMING, DEFAULT_WATCH_WARNING},
};
use uuid::Uuid;

/// Which list is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListHead {
    /// Which history of the list the version counts in.
    pub epoch: Uuid,
    /// The version; 0 before the first.
    pub version: i64,
    /// How many addresses it holds.
    pub count: i64,
    /// Their checksum.
    pub checksum: ListChecksum,
}

/// A server configuration with the head of its list.
#[derive(Debug, Clone)]
pub struct StoredServerConfiguration {
    /// The configuration.
    pub id: Uuid,
    /// Its account.
    pub account_id: Uuid,
    /// The account's plan.
    pub plan: Plan,
    /// Its name.
    pub name: String,
    /// The IANA time zone of its execute timing.
    pub time_zone: String,
    /// Local time of the daily run, `HH:MM`.
    pub execute_timing: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The published list.
    pub head: ListHead,
    /// Counts the changes of name and time zone.
    pub revision: i64,
}

impl From<StoredServerConfiguration> for ServerConfiguration {
    fn from(stored: StoredServerConfiguration) -> Self {
        Self {
            id: stored.id,
            name: stored.name,
            time_zone: stored.time_zone,
            created_at: stored.created_at,
            list_version: stored.head.version,
            list_count: stored.head.count,
            revision: stored.revision,
        }
    }
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    plan: String,
    name: String,
    time_zone: String,
    execute_timing: String,
    created_at: i64,
    epoch: Uuid,
    list_version: i64,
    list_count: i64,
    list_checksum: String,
    revision: i64,
}

impl TryFrom<Row> for StoredServerConfiguration {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let checksum = row.list_checksum.parse();
        Ok(Self {
            id: row.id,
            account_id: row.account_id,
            plan: super::accounts::plan(&row.plan)?,
            name: row.name,
            time_zone: row.time_zone,
            execute_timing: row.execute_timing,
            created_at: time(row.created_at)?,
            head: ListHead {
                epoch: row.epoch,
                version: row.list_version,
                count: row.list_count,
                checksum: checksum.map_err(|_| Error::Unreadable(format!("checksum {}", row.list_checksum)))?,
            },
            revision: row.revision,
        })
    }
}

const SELECT: &str = "SELECT id, account_id, (SELECT plan FROM accounts WHERE id = server_configurations.account_id) AS plan, name, time_zone, \
                      execute_timing, created_at, epoch, list_version, list_count, list_checksum, \
                      revision FROM server_configurations";

/// Finds a server configuration of an account.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(
    connection: &C,
    account_id: Uuid,
    id: Uuid,
) -> Result<Option<StoredServerConfiguration>> {
    let sql = format!("{SELECT} WHERE id = $1 AND account_id = $2");
    let row =
        Row::find_by_statement(statement(connection, sql, [id.into(), account_id.into()])).one(connection).await?;
    row.map(StoredServerConfiguration::try_from).transpose()
}

/// Whose a server configuration is, and its name.
///
/// # Errors
/// The database refused.
pub async fn owner<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<(Uuid, String)>> {
    let sql = "SELECT account_id, name FROM server_configurations WHERE id = $1";
    let row = connection.query_one_raw(statement(connection, sql, [id.into()])).await?;
    row.map(|row| Ok((row.try_get("", "account_id")?, row.try_get("", "name")?))).transpose()
}

/// The server configurations of an account, or `only` some of them, by name.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: Uuid,
    only: Option<&[Uuid]>,
    keyset: Keyset<String>,
) -> Result<Vec<StoredServerConfiguration>> {
    let mut conditions = Conditions::new();
    conditions.equal("account_id", account_id);
    if let Some(ids) = only {
        let ids: Vec<String> = ids.iter().map(|id| conditions.bind(*id)).collect();
        conditions.and(format!("id IN ({})", ids.join(", ")));
    }
    let order = (["name", "id"], Direction::Ascending);
    let rows = Row::find_by_statement(ordered(connection, SELECT, conditions, order, keyset)).all(connection).await?;
    rows.into_iter().map(StoredServerConfiguration::try_from).collect()
}

/// A server configuration to add, with an empty list and the manual's run settings.
#[derive(Debug, Clone)]
pub struct NewRow {
    /// The configuration.
    pub id: Uuid,
    /// Its account.
    pub account_id: Uuid,
    /// Its name.
    pub name: String,
    /// The IANA time zone of its execute timing.
    pub time_zone: String,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When the first scheduled run is due.
    pub next_run_at: DateTime<Utc>,
}

/// Adds a server configuration.
///
/// # Errors
/// The database refused; [`Error::is_duplicate`] when the account has one of that name.
pub async fn insert<C: ConnectionTrait>(connection: &C, new: NewRow) -> Result<()> {
    let sql = "INSERT INTO server_configurations (id, account_id, name, created_at, epoch, list_version, list_count, \
               list_checksum, execute_timing, time_zone, watch_warning, success_resets_count, settings_revision, \
               conditions_changed, next_run_at) VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8, $9, FALSE, 1, FALSE, $10)";
    let values = [
        new.id.into(),
        new.account_id.into(),
        new.name.into(),
        millis(new.created_at).into(),
        Uuid::new_v4().into(),
        ListChecksum::EMPTY.to_string().into(),
        DEFAULT_EXECUTE_TIMING.into(),
        new.time_zone.into(),
        i64::from(DEFAULT_WATCH_WARNING).into(),
        millis(new.next_run_at).into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Changes name and time zone: a new revision. The run settings' revision grows, because the next execution moves.
///
/// # Errors
/// The database refused; [`Error::is_duplicate`] when the account has one of that name.
pub async fn update<C: ConnectionTrait>(
    connection: &C,
    id: Uuid,
    name: &str,
    time_zone: &str,
    next_run_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let sql = "UPDATE server_configurations SET name = $2, time_zone = $3, revision = revision + 1, \
               next_run_at = COALESCE($4, next_run_at), settings_revision = settings_revision + CASE WHEN $4 IS NULL THEN 0 ELSE 1 END WHERE id = $1";
    let values = [id.into(), name.into(), time_zone.into(), next_run_at.map(millis).into()];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// For how many days each server configuration keeps its delivery events.
///
/// # Errors
/// The database refused.
pub async fn event_retentions<C: ConnectionTrait>(connection: &C) -> Result<Vec<(Uuid, i64)>> {
    let sql = "SELECT c.id, a.event_retention_days FROM server_configurations c JOIN accounts a ON a.id = c.account_id";
    let rows = connection.query_all_raw(statement(connection, sql, [])).await?;
    rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "event_retention_days")?))).collect()
}

/// Says that events which happened before this time are not kept, and no longer taken in. It never moves back.
///
/// # Errors
/// The database refused.
pub async fn remove_events_before<C: ConnectionTrait>(connection: &C, id: Uuid, before: DateTime<Utc>) -> Result<()> {
    let sql =
        "UPDATE server_configurations SET events_removed_before = $2 WHERE id = $1 AND events_removed_before < $2";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(before).into()])).await?;
    Ok(())
}
