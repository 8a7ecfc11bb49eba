//! The blocked list as people search it: live blocks, and ended ones that a mail server may still hold.

use crate::store::{
    Error, Result,
    change_sets::{self, BUILDING},
    downloads::{self, Field, Source},
    millis, reason,
    search::{Conditions, Found, Listing, Narrow, Needle, Order, Place, Portion, Tables, order_by},
    time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, TransactionTrait};
use shared::{
    Reason,
    list::{BlockState, BlockedAddress, ListSort, Origin, Removal, RemovalCause},
    page::Direction,
};
use uuid::Uuid;

/// Which blocks a search finds; absent means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the address.
    pub text: Option<String>,
    /// The reason.
    pub reason: Option<Reason>,
    /// Where it came from.
    pub origin: Option<Origin>,
    /// How far it has come.
    pub state: Option<BlockState>,
    /// The domain, in ASCII form.
    pub domain: Option<String>,
    /// Blocked at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Blocked before this time.
    pub to: Option<DateTime<Utc>>,
}

/// The searched conditions on one of the two tables.
fn conditions(filter: &Filter, server_configuration_id: Uuid) -> Conditions {
    let mut conditions = Conditions::new();
    conditions.equal("b.server_configuration_id", server_configuration_id);
    if let Some(text) = &filter.text {
        conditions.address_contains("b", text);
    }
    if let Some(reason) = filter.reason {
        conditions.equal("b.reason", reason.as_str());
    }
    if let Some(origin) = filter.origin {
        conditions.equal("b.origin", origin.as_str());
    }
    if let Some(domain) = &filter.domain {
        conditions.equal("b.domain", domain.as_str());
    }
    conditions.between("b.blocked_at", filter.from.map(millis), filter.to.map(millis));
    conditions
}

pub(super) const LIVE: Tables =
    Tables::new("blocked_addresses", "b").join(" JOIN change_sets s ON s.id = b.added_set_id");
const ENDED: Tables = Tables::new("removed_blocks", "b")
    .join(" JOIN change_sets s ON s.id = b.added_set_id JOIN change_sets r ON r.id = b.removed_set_id");

/// Sets of a configuration (`$1`) that wait for a distribution.
const PENDING: &str = "(SELECT id FROM change_sets WHERE server_configuration_id = $1 AND version IS NULL AND ready)";

/// Rows of a set that is not ready are not on the list.
const IS_READY: &str = "s.ready";

/// Blocks on the list that no set takes off which is not ready.
pub(super) fn live(filter: &Filter, server_configuration_id: Uuid) -> Option<Conditions> {
    let mut conditions = conditions(filter, server_configuration_id);
    conditions.and(IS_READY);
    match filter.state {
        None => {}
        Some(BlockState::InEffect) => conditions.and("s.version IS NOT NULL"),
        Some(BlockState::Pending) => conditions.and("s.version IS NULL"),
        Some(BlockState::Releasing) => return None,
    }
    Some(conditions)
}

/// What a set takes off that is not ready: until it is, it is on the list.
fn live_until_done(filter: &Filter, server_configuration_id: Uuid) -> Option<Conditions> {
    let mut conditions = live(filter, server_configuration_id)?;
    conditions.and(format!("b.removed_set_id IN {BUILDING}"));
    Some(conditions)
}

/// Blocks that a mail server may still hold; `held`: a number or placeholder.
fn removals(held: &str) -> String {
    format!(
        "b.removed_set_id IN (SELECT id FROM change_sets WHERE server_configuration_id = $1 \
         AND ready AND (version IS NULL OR version > {held}))"
    )
}

/// `held`: the newest version that every active mail server is known to hold.
fn releasing(filter: &Filter, server_configuration_id: Uuid, held: i64) -> Option<Conditions> {
    if !matches!(filter.state, None | Some(BlockState::Releasing)) {
        return None;
    }
    let mut conditions = conditions(filter, server_configuration_id);
    let held = conditions.bind(held);
    conditions.and(removals(&held));
    // Never on a published list, so nobody has to let go of it.
    conditions.and("s.version <= COALESCE(r.version, s.version)");
    Some(conditions)
}

/// Whether only rows marked `odd` can match, which have indexes of their own.
fn is_odd(filter: &Filter) -> bool {
    Needle::is_odd_text(filter.text.as_deref())
}

/// The index of [`scope`] among live blocks.
fn index(filter: &Filter, sort: ListSort) -> Option<&'static str> {
    is_odd(filter).then_some(match sort {
        ListSort::Date => "blocked_addresses_odd",
        ListSort::Address => "blocked_addresses_odd_by_address",
    })
}

/// What the index of an order answers. Only live blocks have indexes for what is looked for.
fn scope(filter: &Filter, sort: ListSort, live: bool, conditions: &mut Conditions) {
    conditions.and("b.server_configuration_id = $1");
    let is_odd = live && is_odd(filter);
    if is_odd {
        conditions.and("b.odd");
    }
    if sort == ListSort::Address {
        return;
    }
    conditions.between("b.blocked_at", filter.from.map(millis), filter.to.map(millis));
    match (live && !is_odd, &filter.domain, filter.reason) {
        (true, Some(domain), _) => conditions.equal("b.domain", domain.as_str()),
        (true, _, Some(reason)) => conditions.equal("b.reason", reason.as_str()),
        _ => {}
    }
}

/// Indexes that may name all live blocks that match, the most selective first.
fn narrow(filter: &Filter, sort: ListSort) -> Vec<Narrow> {
    let mut narrow: Vec<Narrow> = filter.text.as_deref().and_then(Needle::new).map(Narrow::Text).into_iter().collect();
    narrow.extend(filter.domain.as_deref().map(|domain| Narrow::Equal("b.domain", domain.into())));
    narrow.extend(filter.reason.map(|reason| Narrow::Equal("b.reason", reason.as_str().into())));
    if sort == ListSort::Address && (filter.from.is_some() || filter.to.is_some()) {
        narrow.push(Narrow::Between("b.blocked_at", filter.from.map(millis), filter.to.map(millis)));
    }
    narrow
}

pub(super) const ON_THE_LIST: &str = "b.id, b.address, b.reason, b.origin, b.blocked_at, s.version, NULL AS cause, \
                           NULL AS removed_at";
const COMING_OFF: &str = "b.id, b.address, b.reason, b.origin, b.blocked_at, s.version, b.cause, \
                          b.removed_at";

/// The parts of the list: conditions, tables and columns of each.
pub(super) fn parts(
    filter: &Filter,
    server_configuration_id: Uuid,
    held: i64,
) -> [(Option<Conditions>, Tables, &'static str); 3] {
    [
        (live(filter, server_configuration_id), LIVE, ON_THE_LIST),
        (live_until_done(filter, server_configuration_id), ENDED, ON_THE_LIST),
        (releasing(filter, server_configuration_id, held), ENDED, COMING_OFF),
    ]
}

/// A part of the list, to be searched in an order.
pub(super) fn listing(
    filter: &Filter,
    server_configuration_id: Uuid,
    (conditions, tables, columns): (Conditions, Tables, &'static str),
    (sort, direction): (ListSort, Direction),
) -> Listing {
    let order = match sort {
        ListSort::Date => Order { columns: ["b.blocked_at", "b.id"], direction, place: Place::read_time },
        ListSort::Address => Order { columns: ["b.address_key", "b.id"], direction, place: Place::read_address },
    };
    let is_live = tables.name == LIVE.name;
    let in_scope = |conditions: &mut Conditions| scope(filter, sort, is_live, conditions);
    let (scope, matching) = Conditions::scoped(conditions, server_configuration_id, in_scope);
    Listing {
        tables: Tables { index: index(filter, sort).filter(|_| is_live), ..tables },
        columns,
        order,
        scope,
        matching,
        assured: None,
        first: None,
        narrow: if is_live { narrow(filter, sort) } else { Vec::new() },
    }
}

/// Blocks that match, live ones and those that are being released, in order. What has few rows as a rule is looked up by
/// its change sets.
///
/// # Errors
/// The database refused.
pub async fn search<C: ConnectionTrait + TransactionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    filter: &Filter,
    held: i64,
    order: (ListSort, Direction),
    portion: Portion<'_>,
) -> Result<Found<BlockedAddress>> {
    let pending = format!("b.added_set_id IN {PENDING}");
    let pending = (filter.state == Some(BlockState::Pending)).then_some(pending);
    let assured = (!change_sets::is_building(connection, server_configuration_id).await?).then_some(IS_READY);
    let first = [pending, Some(format!("b.removed_set_id IN {BUILDING}")), Some(removals(&held.to_string()))];
    let mut all: Option<Found<BlockedAddress>> = None;
    for ((conditions, tables, columns), first) in parts(filter, server_configuration_id, held).into_iter().zip(first) {
        let Some(conditions) = conditions else { continue };
        let is_live = tables.name == LIVE.name;
        let listing = Listing {
            assured: assured.filter(|_| is_live),
            first: first.map(Narrow::Among),
            ..listing(filter, server_configuration_id, (conditions, tables, columns), order)
        };
        let found = listing.search(connection, portion).await?.read(read)?;
        all = Some(match all {
            Some(all) => all.merge(found, order.1),
            None => found,
        });
    }
    all.ok_or_else(|| Error::Unreadable("a state without a part of the list".to_owned()))
}

pub(super) fn read(row: &QueryResult) -> Result<BlockedAddress> {
    let origin: String = row.try_get("", "origin")?;
    let version: Option<i64> = row.try_get("", "version")?;
    let cause: Option<String> = row.try_get("", "cause")?;
    let removal = match cause {
        None => None,
        Some(cause) => Some(Removal {
            cause: RemovalCause::ALL
                .into_iter()
                .find(|known| known.as_str() == cause)
                .ok_or_else(|| Error::Unreadable(format!("cause {cause}")))?,
            removed_at: time(row.try_get("", "removed_at")?)?,
        }),
    };
    let state = match (&removal, version) {
        (Some(_), _) => BlockState::Releasing,
        (None, Some(_)) => BlockState::InEffect,
        (None, None) => BlockState::Pending,
    };
    Ok(BlockedAddress {
        id: row.try_get("", "id")?,
        address: row.try_get("", "address")?,
        reason: reason(row)?,
        origin: Origin::ALL
            .into_iter()
            .find(|known| known.as_str() == origin)
            .ok_or_else(|| Error::Unreadable(format!("origin {origin}")))?,
        state,
        blocked_at: time(row.try_get("", "blocked_at")?)?,
        version,
        removal,
    })
}

/// That some of a configuration's change sets have taken blocks off. The history may be as long as the list, and as a rule
/// nothing of it is wanted.
fn some_ended(server_configuration_id: Uuid, sets: &str) -> Conditions {
    let mut conditions = Conditions::new();
    let id = conditions.bind(server_configuration_id);
    conditions.and(format!(
        "EXISTS (SELECT 1 FROM change_sets s WHERE s.server_configuration_id = {id} AND {sets} \
         AND EXISTS (SELECT 1 FROM removed_blocks b WHERE b.removed_set_id = s.id))"
    ));
    conditions
}

/// What a search finds, for a download: each source in order.
pub fn sources(
    server_configuration_id: Uuid,
    filter: &Filter,
    held: i64,
    sort: ListSort,
    direction: Direction,
) -> Vec<Source> {
    const ON_THE_LIST: &[Field] = &[
        Field::Name("b.address"),
        Field::Name("b.reason"),
        Field::Name("b.origin"),
        Field::Number("b.blocked_at"),
        Field::Number("s.version"),
    ];
    const COMING_OFF: &[Field] = &[
        Field::Name("b.address"),
        Field::Name("b.reason"),
        Field::Name("b.origin"),
        Field::Number("b.blocked_at"),
        Field::Number("s.version"),
        Field::Name("b.cause"),
        Field::Number("b.removed_at"),
    ];
    let columns = match sort {
        ListSort::Date => [Field::Number("b.blocked_at"), Field::Id("b.id")],
        ListSort::Address => [Field::Name("b.address_key"), Field::Id("b.id")],
    };
    let some_ended = |sets: String| some_ended(server_configuration_id, &sets);
    let building = some_ended("NOT s.ready".to_owned());
    let unheld = some_ended(format!("s.ready AND (s.version IS NULL OR s.version > {held})"));
    let parts = [
        (live(filter, server_configuration_id), LIVE, ON_THE_LIST, None),
        (live_until_done(filter, server_configuration_id), ENDED, ON_THE_LIST, Some(building)),
        (releasing(filter, server_configuration_id, held), ENDED, COMING_OFF, Some(unheld)),
    ];
    let sources = parts.into_iter().filter_map(|(conditions, tables, fields, given)| {
        let is_live = tables.name == LIVE.name;
        let in_scope = |conditions: &mut Conditions| scope(filter, sort, is_live, conditions);
        let (scope, matching) = Conditions::scoped(conditions?, server_configuration_id, in_scope);
        Some(Source {
            tables: Tables { index: index(filter, sort).filter(|_| is_live), ..tables },
            scope,
            matching,
            given,
            order: downloads::Order { columns, direction },
            fields,
        })
    });
    sources.collect()
}

/// Live blocks of the first addresses of an upload that are blocked, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn sample_of_upload<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    upload_id: Uuid,
    limit: u16,
) -> Result<Vec<BlockedAddress>> {
    let mut conditions = Conditions::new();
    conditions.equal("b.server_configuration_id", server_configuration_id);
    let upload = conditions.bind(upload_id);
    conditions.and("s.ready");
    conditions.and(format!("b.address_key IN (SELECT address_key FROM upload_addresses WHERE upload_id = {upload})"));
    let order = order_by(["b.blocked_at", "b.id"], Direction::Descending);
    let live = LIVE.joined(connection.get_database_backend());
    let sql = format!("SELECT {ON_THE_LIST} FROM {live} {} {order} LIMIT {limit}", conditions.clause());
    let rows = connection.query_all_raw(conditions.statement(connection, sql)).await?;
    rows.iter().map(read).collect()
}
