//! Mail servers, and what each acknowledged last.

use super::{
    Error, Result, millis, optional_time,
    search::{Conditions, Keyset, ordered},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::{ListChecksum, page::Direction};
use uuid::Uuid;

/// A mail server as stored.
#[derive(Debug, Clone)]
pub struct StoredMailServer {
    /// The mail server.
    pub id: Uuid,
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether distributions wait for it.
    pub active: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its agent last called.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Counts the changes of name and activity.
    pub revision: i64,
    /// What it acknowledged last.
    pub acknowledged: Option<StoredAcknowledgement>,
}

/// What a mail server acknowledged last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredAcknowledgement {
    /// The history that its version counts in.
    pub epoch: Uuid,
    /// The version.
    pub version: i64,
    /// How many addresses it held.
    pub count: i64,
    /// Their checksum.
    pub checksum: ListChecksum,
    /// Whether the service agreed.
    pub matches: bool,
    /// When.
    pub at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    server_configuration_id: Uuid,
    name: String,
    active: bool,
    created_at: i64,
    last_seen_at: Option<i64>,
    revision: i64,
    epoch: Option<Uuid>,
    version: Option<i64>,
    count: Option<i64>,
    checksum: Option<String>,
    matches: Option<bool>,
    acknowledged_at: Option<i64>,
}

impl TryFrom<Row> for StoredMailServer {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let acknowledged = match (row.epoch, row.version, row.count, row.checksum, row.matches, row.acknowledged_at) {
            (Some(epoch), Some(version), Some(count), Some(checksum), Some(matches), Some(at)) => {
                Some(StoredAcknowledgement {
                    epoch,
                    version,
                    count,
                    checksum: checksum.parse().map_err(|_| Error::Unreadable(format!("checksum {checksum}")))?,
                    matches,
                    at: time(at)?,
                })
            }
            _ => None,
        };
        Ok(Self {
            id: row.id,
            server_configuration_id: row.server_configuration_id,
            name: row.name,
            active: row.active,
            created_at: time(row.created_at)?,
            last_seen_at: optional_time(row.last_seen_at)?,
            revision: row.revision,
            acknowledged,
        })
    }
}

const SELECT: &str = "SELECT id, server_configuration_id, name, active, created_at, last_seen_at, revision, epoch, \
                      version, count, checksum, matches, acknowledged_at FROM mail_servers";

/// The mail servers of a configuration, by name.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keyset: Keyset<String>,
) -> Result<Vec<StoredMailServer>> {
    let mut conditions = Conditions::new();
    conditions.equal("server_configuration_id", server_configuration_id);
    let order = (["name", "id"], Direction::Ascending);
    let rows = Row::find_by_statement(ordered(connection, SELECT, conditions, order, keyset)).all(connection).await?;
    rows.into_iter().map(StoredMailServer::try_from).collect()
}

/// The mail servers that distributions wait for, of every configuration.
///
/// # Errors
/// The database refused.
pub async fn active<C: ConnectionTrait>(connection: &C) -> Result<Vec<StoredMailServer>> {
    let sql = format!("{SELECT} WHERE active");
    let rows = Row::find_by_statement(statement(connection, sql, [])).all(connection).await?;
    rows.into_iter().map(StoredMailServer::try_from).collect()
}

/// Finds a mail server of a configuration.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    id: Uuid,
) -> Result<Option<StoredMailServer>> {
    let sql = format!("{SELECT} WHERE id = $1 AND server_configuration_id = $2");
    let values = [id.into(), server_configuration_id.into()];
    let row = Row::find_by_statement(statement(connection, sql, values)).one(connection).await?;
    row.map(StoredMailServer::try_from).transpose()
}

/// Adds an active mail server.
///
/// # Errors
/// The database refused; [`Error::is_duplicate`] when the configuration has one of that name.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    id: Uuid,
    name: &str,
    created_at: DateTime<Utc>,
) -> Result<()> {
    let sql = "INSERT INTO mail_servers (id, server_configuration_id, name, active, created_at) \
               VALUES ($1, $2, $3, TRUE, $4)";
    let values = [id.into(), server_configuration_id.into(), name.into(), millis(created_at).into()];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Changes a mail server that was read at `revision`; false where it has another one now.
///
/// # Errors
/// The database refused; [`Error::is_duplicate`] when the configuration has one of that name.
pub async fn update<C: ConnectionTrait>(
    connection: &C,
    id: Uuid,
    revision: i64,
    name: &str,
    active: bool,
) -> Result<bool> {
    let sql = "UPDATE mail_servers SET name = $3, active = $4, revision = revision + 1 WHERE id = $1 AND revision = $2";
    let values = [id.into(), revision.into(), name.into(), active.into()];
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected() == 1)
}
