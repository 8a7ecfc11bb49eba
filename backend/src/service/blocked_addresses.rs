//! The blocked list: search it, end blocks.

pub use crate::store::blocked_addresses::Filter;

use super::{Error, Result};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction, agent_lists,
        blocked_addresses::{self, Block, Position},
        change_sets::{self, ChangeSet, Sum},
        conditions, millis,
        search::CursorScope,
    },
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    Address, AddressKey, Page,
    list::{BlockedAddress, ListSort, RemovalCause},
    page::Direction,
};
use std::collections::HashMap;
use uuid::Uuid;

/// How a list is to be shown.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The column.
    pub sort: ListSort,
    /// The direction.
    pub direction: Direction,
    /// From the page before.
    pub cursor: Option<String>,
    /// Rows of the page.
    pub limit: u16,
}

/// The domain as it is stored: ASCII form, lower case.
pub fn stored_domain(domain: &str) -> String {
    let domain = domain.trim().trim_start_matches('@');
    Address::parse(&format!("x@{domain}"))
        .map_or_else(|_| domain.to_lowercase(), |address| address.key().domain().to_owned())
}

/// Reads the place that a cursor names.
///
/// # Errors
/// The cursor is of another list, other filters or another order.
pub fn position(scope: &CursorScope, view: &View) -> Result<Option<Position>> {
    let Some(cursor) = &view.cursor else { return Ok(None) };
    let wrong = |error: crate::store::search::InvalidCursor| Error::field("cursor", error.to_string());
    let position = match view.sort {
        ListSort::Date => {
            let (at, id): (i64, Uuid) = scope.position(cursor).map_err(wrong)?;
            Position { value: at.into(), id }
        }
        ListSort::Address => {
            let (key, id): (String, Uuid) = scope.position(cursor).map_err(wrong)?;
            Position { value: key.into(), id }
        }
    };
    Ok(Some(position))
}

/// The place of a row in an order, for cursors.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Place {
    /// By date.
    Date(i64, Uuid),
    /// By address.
    Address(String, Uuid),
}

/// A page of the blocks that match.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn search(
    state: &AppState,
    server_configuration_id: Uuid,
    filter: &Filter,
    view: &View,
) -> Result<Page<BlockedAddress>> {
    let connection = state.db.connection();
    let filters = (
        (&filter.text, filter.reason, filter.origin, filter.state, &filter.domain),
        (filter.from.map(millis), filter.to.map(millis), view.sort, view.direction),
    );
    let scope = CursorScope::new("blocked_addresses", server_configuration_id, &filters);
    let after = position(&scope, view)?;
    let held = agent_lists::held_by_all(connection, server_configuration_id).await?;
    let rows = blocked_addresses::search(
        connection,
        server_configuration_id,
        filter,
        held,
        view.sort,
        view.direction,
        after,
        view.limit + 1,
    )
    .await?;
    let total = blocked_addresses::total(connection, server_configuration_id, filter, held).await?;
    let page = scope.page(rows, view.limit, Some(total), |row| match view.sort {
        ListSort::Date => Place::Date(millis(row.block.blocked_at), row.block.id),
        ListSort::Address => Place::Address(row.key.clone(), row.block.id),
    });
    Ok(Page {
        items: page.items.into_iter().map(|row| row.block).collect(),
        next_cursor: page.next_cursor,
        total: page.total,
    })
}

/// Ends live blocks: those that a published list holds by the set `removal`, the others at once, because no mail server
/// ever knew them. The counts of the addresses start again at zero.
///
/// # Errors
/// The database refused.
pub(super) async fn end(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    blocks: &[Block],
    cause: RemovalCause,
    removal: &mut ChangeSet,
    now: DateTime<Utc>,
) -> Result<()> {
    let (published, pending): (Vec<&Block>, Vec<&Block>) = blocks.iter().partition(|block| block.version.is_some());
    let ids = |blocks: &[&Block]| blocks.iter().map(|block| block.id).collect::<Vec<_>>();
    blocked_addresses::end(transaction, &ids(&published), cause, now, Some(removal.id)).await?;
    for block in &published {
        removal.removed.add(&block.key);
    }
    blocked_addresses::end(transaction, &ids(&pending), cause, now, None).await?;
    let mut taken: HashMap<Uuid, Sum> = HashMap::new();
    for block in &pending {
        taken.entry(block.added_set_id).or_default().add(&block.key);
    }
    for (set_id, sum) in taken {
        let mut set = change_sets::get(transaction, set_id).await?;
        set.added = set.added.minus(sum);
        change_sets::save(transaction, &set).await?;
    }
    let keys: Vec<&AddressKey> = blocks.iter().map(|block| &block.key).collect();
    Ok(conditions::reset_counts(transaction, server_configuration_id, &keys).await?)
}
