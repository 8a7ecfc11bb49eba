//! The stop cancellation list.

use super::{
    Error, Result,
    blocked_addresses::Position,
    change_sets::BUILDING,
    millis,
    search::{Conditions, order_by},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use shared::{
    AddressKey, Reason,
    list::{Exemption, ListSort},
    page::{Direction, Total},
};
use uuid::Uuid;

/// An entry with its key.
#[derive(Debug, Clone)]
pub struct Row {
    /// The key.
    pub key: AddressKey,
    /// What is shown.
    pub exemption: Exemption,
}

/// Which entries a search finds; absent means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the address.
    pub text: Option<String>,
    /// The reason.
    pub reason: Option<Reason>,
    /// The domain, in ASCII form.
    pub domain: Option<String>,
    /// Released at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Released before this time.
    pub to: Option<DateTime<Utc>>,
}

fn read(row: &QueryResult) -> Result<Row> {
    let reason: String = row.try_get("", "reason")?;
    Ok(Row {
        key: AddressKey::from_stored(row.try_get("", "address_key")?),
        exemption: Exemption {
            id: row.try_get("", "id")?,
            address: row.try_get("", "address")?,
            reason: reason.parse().map_err(|_| Error::Unreadable(reason))?,
            released_at: time(row.try_get("", "released_at")?)?,
            comment: row.try_get("", "comment")?,
        },
    })
}

/// Exempts an address; one that is exempt already gets the newer reason, time and comment.
///
/// # Errors
/// The database refused.
pub async fn save<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    key: &AddressKey,
    exemption: &Exemption,
) -> Result<()> {
    let sql = "INSERT INTO exemptions (id, server_configuration_id, address_key, address, domain, reason, released_at, \
               comment) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (server_configuration_id, address_key) WHERE ended_set_id IS NULL \
               DO UPDATE SET reason = excluded.reason, released_at = excluded.released_at, comment = excluded.comment, \
               made_set_id = NULL, release_set_id = NULL";
    let values = [
        exemption.id.into(),
        server_configuration_id.into(),
        key.as_str().into(),
        exemption.address.as_str().into(),
        key.domain().into(),
        exemption.reason.as_str().into(),
        millis(exemption.released_at).into(),
        exemption.comment.clone().into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// What holds for an exemption in force, in a statement whose `$1` is the server configuration: the operation that made
/// it is done, the one that ends it is not.
fn in_force(table: &str) -> String {
    format!(
        "({table}.made_set_id IS NULL OR {table}.made_set_id NOT IN {BUILDING}) \
         AND ({table}.ended_set_id IS NULL OR {table}.ended_set_id IN {BUILDING})"
    )
}

/// Deletes an entry and returns it; `None` when it is not there.
///
/// # Errors
/// The database refused.
pub async fn delete<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    id: Uuid,
) -> Result<Option<Row>> {
    let sql = format!(
        "DELETE FROM exemptions WHERE server_configuration_id = $1 AND id = $2 AND {} \
         RETURNING id, address_key, address, reason, released_at, comment",
        in_force("exemptions")
    );
    let values = [server_configuration_id.into(), id.into()];
    let row = transaction.query_one_raw(statement(transaction, sql, values)).await?;
    row.as_ref().map(read).transpose()
}

fn conditions(filter: &Filter, server_configuration_id: Uuid) -> Conditions {
    let mut conditions = Conditions::new();
    conditions.equal("e.server_configuration_id", server_configuration_id);
    conditions.and(in_force("e"));
    if let Some(text) = &filter.text {
        conditions.address_contains("e", text);
    }
    if let Some(reason) = filter.reason {
        conditions.equal("e.reason", reason.as_str());
    }
    if let Some(domain) = &filter.domain {
        conditions.equal("e.domain", domain.as_str());
    }
    conditions.between("e.released_at", filter.from.map(millis), filter.to.map(millis));
    conditions
}

/// Entries that match, in order, after a place, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn search<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    filter: &Filter,
    sort: ListSort,
    direction: Direction,
    after: Option<Position>,
    limit: u16,
) -> Result<Vec<Row>> {
    let columns = match sort {
        ListSort::Date => ["e.released_at", "e.id"],
        ListSort::Address => ["e.address_key", "e.id"],
    };
    let mut conditions = conditions(filter, server_configuration_id);
    if let Some(position) = after {
        conditions.after(columns, [position.value, position.id.into()], direction);
    }
    let sql = format!(
        "SELECT e.id, e.address_key, e.address, e.reason, e.released_at, e.comment FROM exemptions e {} {} LIMIT {limit}",
        conditions.clause(),
        order_by(columns, direction)
    );
    let rows = connection.query_all_raw(conditions.statement(connection, sql)).await?;
    rows.iter().map(read).collect()
}

/// How many entries match, counted up to a limit.
///
/// # Errors
/// The database refused.
pub async fn total<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    filter: &Filter,
) -> Result<Total> {
    Ok(conditions(filter, server_configuration_id).total(connection, "exemptions e").await?)
}
