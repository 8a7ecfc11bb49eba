//! The stop cancellation list.

pub mod bulk;

use super::{
    Result,
    address_history::{ExemptionEnd, Whose, remember_exemptions},
    change_sets::BUILDING,
    downloads::{self, Field, Source},
    is_there, millis, reason,
    search::{Conditions, Found, Listing, Narrow, Needle, Order, Place, Portion, Tables},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, TransactionTrait};
use shared::{
    AddressKey, Reason,
    list::{Exemption, ListSort},
    page::Direction,
};
use uuid::Uuid;

/// An entry with its key.
#[derive(Debug, Clone)]
pub struct Row {
    /// The key.
    pub key: AddressKey,
    /// The set of the list operation that is about to end it.
    pub ended_set_id: Option<Uuid>,
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

/// Whether the address of each of `rows` is exempt, as a condition; `$1` is the server configuration.
pub(super) fn is_exempt(rows: &str) -> String {
    is_there(&format!(
        "FROM exemptions e WHERE e.server_configuration_id = $1 AND e.address_key = {rows}.address_key \
         AND e.ended_set_id IS NULL"
    ))
}

fn read(row: &QueryResult) -> Result<Row> {
    Ok(Row {
        key: AddressKey::from_stored(row.try_get("", "address_key")?),
        ended_set_id: row.try_get("", "ended_set_id")?,
        exemption: Exemption {
            id: row.try_get("", "id")?,
            address: row.try_get("", "address")?,
            reason: reason(row)?,
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
pub(super) fn in_force(table: &str) -> String {
    format!(
        "({table}.made_set_id IS NULL OR {table}.made_set_id NOT IN {BUILDING}) \
         AND ({table}.ended_set_id IS NULL OR {table}.ended_set_id IN {BUILDING})"
    )
}

/// Deletes an entry and returns it; `None` when it is not there. The history of the address remembers who did.
///
/// # Errors
/// The database refused.
pub async fn delete<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    id: Uuid,
    ended: &ExemptionEnd<'_>,
) -> Result<Option<Row>> {
    let which = format!("id = $5 AND {}", in_force("exemptions"));
    remember_exemptions(transaction, server_configuration_id, ended, &which, [id.into()]).await?;
    let sql = format!(
        "DELETE FROM exemptions WHERE server_configuration_id = $1 AND id = $2 AND {} \
         RETURNING id, address_key, address, reason, released_at, comment, ended_set_id",
        in_force("exemptions")
    );
    let values = [server_configuration_id.into(), id.into()];
    let row = transaction.query_one_raw(statement(transaction, sql, values)).await?;
    row.as_ref().map(read).transpose()
}

/// The entry of an address; `None` when it has none.
///
/// # Errors
/// The database refused.
pub async fn of_address<C: ConnectionTrait>(connection: &C, whose: Whose<'_>) -> Result<Option<Exemption>> {
    let sql = format!(
        "SELECT e.id, e.address_key, e.address, e.reason, e.released_at, e.comment, e.ended_set_id FROM exemptions e \
         WHERE e.server_configuration_id = $1 AND e.address_key = $2 AND {} ORDER BY e.id DESC LIMIT 1",
        in_force("e")
    );
    let values = [whose.server_configuration_id.into(), whose.key.as_str().into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    row.as_ref().map(|row| Ok(read(row)?.exemption)).transpose()
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

/// Whether only rows marked `odd` can match, which have indexes of their own.
fn is_odd(filter: &Filter) -> bool {
    Needle::is_odd_text(filter.text.as_deref())
}

fn tables(filter: &Filter, sort: ListSort) -> Tables {
    let index = is_odd(filter).then_some(match sort {
        ListSort::Date => "exemptions_odd",
        ListSort::Address => "exemptions_odd_by_address",
    });
    Tables { index, ..Tables::new("exemptions", "e") }
}

/// What the index of an order answers.
fn scope(filter: &Filter, sort: ListSort, conditions: &mut Conditions) {
    conditions.and("e.server_configuration_id = $1");
    if is_odd(filter) {
        conditions.and("e.odd");
    }
    if sort == ListSort::Address {
        return;
    }
    conditions.between("e.released_at", filter.from.map(millis), filter.to.map(millis));
    if !is_odd(filter)
        && let Some(domain) = &filter.domain
    {
        conditions.equal("e.domain", domain.as_str());
    }
}

/// Entries that match, in order.
///
/// # Errors
/// The database refused.
pub async fn search<C: ConnectionTrait + TransactionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    filter: &Filter,
    (sort, direction): (ListSort, Direction),
    portion: Portion<'_>,
) -> Result<Found<Exemption>> {
    let order = match sort {
        ListSort::Date => Order { columns: ["e.released_at", "e.id"], direction, place: Place::read_time },
        ListSort::Address => Order { columns: ["e.address_key", "e.id"], direction, place: Place::read_address },
    };
    let in_scope = |conditions: &mut Conditions| scope(filter, sort, conditions);
    let all = conditions(filter, server_configuration_id);
    let (scope, matching) = Conditions::scoped(all, server_configuration_id, in_scope);
    let mut narrow: Vec<Narrow> = filter.text.as_deref().and_then(Needle::new).map(Narrow::Text).into_iter().collect();
    narrow.extend(filter.domain.as_deref().map(|domain| Narrow::Equal("e.domain", domain.into())));
    if sort == ListSort::Address && (filter.from.is_some() || filter.to.is_some()) {
        narrow.push(Narrow::Between("e.released_at", filter.from.map(millis), filter.to.map(millis)));
    }
    let listing = Listing {
        tables: tables(filter, sort),
        columns: "e.id, e.address_key, e.address, e.reason, e.released_at, e.comment, e.ended_set_id",
        order,
        scope,
        matching,
        assured: None,
        first: None,
        narrow,
    };
    listing.search(connection, portion).await?.read(|row| Ok(read(row)?.exemption))
}

/// What a search finds, for a download.
pub fn source(server_configuration_id: Uuid, filter: &Filter, sort: ListSort, direction: Direction) -> Source {
    let columns = match sort {
        ListSort::Date => [Field::Number("e.released_at"), Field::Id("e.id")],
        ListSort::Address => [Field::Name("e.address_key"), Field::Id("e.id")],
    };
    let in_scope = |conditions: &mut Conditions| scope(filter, sort, conditions);
    let all = conditions(filter, server_configuration_id);
    let (scope, matching) = Conditions::scoped(all, server_configuration_id, in_scope);
    Source {
        tables: tables(filter, sort),
        scope,
        matching,
        given: None,
        order: downloads::Order { columns, direction },
        fields: &[
            Field::Name("e.address"),
            Field::Name("e.reason"),
            Field::Number("e.released_at"),
            Field::Text("e.comment"),
        ],
    }
}

/// All exemptions that have ended, by address, and who ended them: by hand or by an addition, and by a list operation.
pub fn ended_sources(server_configuration_id: Uuid) -> Vec<Source> {
    let of = |tables, condition: &str, fields| {
        let mut scope = Conditions::new();
        scope.equal("e.server_configuration_id", server_configuration_id);
        let mut matching = scope.clone();
        matching.and(condition);
        let columns = [Field::Name("e.address_key"), Field::Id("e.id")];
        let order = downloads::Order { columns, direction: Direction::Ascending };
        Source { tables, scope, matching, given: None, order, fields }
    };
    let by_hand: &[Field] = &[
        Field::Name("e.address_key"),
        Field::Name("e.reason"),
        Field::Number("e.released_at"),
        Field::Text("e.comment"),
        Field::Number("e.ended_at"),
        Field::Text("e.ended_by"),
        Field::Text("e.ended_comment"),
    ];
    let by_operation: &[Field] = &[
        Field::Name("e.address"),
        Field::Name("e.reason"),
        Field::Number("e.released_at"),
        Field::Text("e.comment"),
        Field::Number("o.finished_at"),
        Field::Text("o.requested_by"),
        Field::Text("o.comment"),
    ];
    let operations = Tables::new("exemptions", "e").join(" JOIN list_operations o ON o.change_set_id = e.ended_set_id");
    let is_done = format!("o.finished_at IS NOT NULL AND e.ended_set_id NOT IN {BUILDING}");
    vec![of(Tables::new("ended_exemptions", "e"), "TRUE", by_hand), of(operations, &is_done, by_operation)]
}
