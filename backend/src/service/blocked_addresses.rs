//! The blocked list: search it, end blocks.

pub use crate::store::blocked_addresses::Filter;

use super::{Result, position};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction, agent_lists,
        blocked_addresses::{self, Block, End, bulk},
        change_sets::{self, ChangeSet, Sum},
        conditions, millis, pending_parts,
        search::{CursorScope, Portion},
    },
};
use shared::{
    Address, AddressKey, Page,
    list::{BlockedAddress, ListSort},
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
    let filters = (
        (&filter.text, filter.reason, filter.origin, filter.state, &filter.domain),
        (filter.from.map(millis), filter.to.map(millis), view.sort, view.direction),
    );
    let scope = CursorScope::new("blocked_addresses", server_configuration_id, &filters);
    let after = position(&scope, view.cursor.as_deref())?;
    // List operations move rows between the parts of the list.
    let snapshot = state.db.snapshot().await?;
    let held = agent_lists::held_by_all(&snapshot, server_configuration_id).await?;
    let order = (view.sort, view.direction);
    let portion = Portion::page(after.as_ref(), view.limit);
    let found = blocked_addresses::search(&snapshot, server_configuration_id, filter, held, order, portion).await?;
    snapshot.commit().await?;
    Ok(scope.found(found, view.limit))
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
    end: End<'_>,
    removal: &mut ChangeSet,
) -> Result<()> {
    let (published, pending): (Vec<&Block>, Vec<&Block>) = blocks.iter().partition(|block| block.version.is_some());
    let ids = |blocks: &[&Block]| blocks.iter().map(|block| block.id).collect::<Vec<_>>();
    blocked_addresses::end(transaction, &ids(&published), end, Some(removal.id)).await?;
    for block in &published {
        removal.removed.add(&block.key);
    }
    blocked_addresses::end(transaction, &ids(&pending), end, None).await?;
    let mut taken: HashMap<Uuid, Sum> = HashMap::new();
    for block in &pending {
        taken.entry(block.added_set_id).or_default().add(&block.key);
    }
    take_from_sets(transaction, taken).await?;
    let keys: Vec<&AddressKey> = blocks.iter().map(|block| &block.key).collect();
    Ok(conditions::reset_counts(transaction, server_configuration_id, &keys).await?)
}

/// Takes blocks that ended before they were published off the sums of the sets that were to add them.
///
/// # Errors
/// The database refused.
pub(super) async fn take_from_sets(transaction: &DatabaseTransaction, taken: HashMap<Uuid, Sum>) -> Result<()> {
    for (set_id, sum) in taken {
        let mut set = change_sets::get(transaction, set_id).await?;
        set.added = set.added.minus(sum);
        change_sets::save(transaction, &set).await?;
    }
    Ok(())
}

/// Counts ended blocks in the set that is not ready and takes them off: of each the address, the set that had added it, and
/// whether a published list holds it.
///
/// # Errors
/// The database refused.
pub(super) async fn count_off<'a>(
    transaction: &DatabaseTransaction,
    set: &mut ChangeSet,
    ended: impl IntoIterator<Item = (&'a AddressKey, Uuid, bool)>,
) -> Result<()> {
    let mut parts: HashMap<Uuid, Sum> = HashMap::new();
    for (key, added_set_id, published) in ended {
        set.removed.add(key);
        if !published {
            parts.entry(added_set_id).or_default().add(key);
        }
    }
    Ok(pending_parts::add(transaction, set.id, parts).await?)
}

/// What was pending when a set that becomes ready took it off, and still is, was never on a published list: it leaves the
/// set that would have added it, and nobody has to take it off. True when there was such a block.
///
/// # Errors
/// The database refused.
pub(super) async fn leave_pending(transaction: &DatabaseTransaction, set: &mut ChangeSet) -> Result<bool> {
    let mut met = false;
    for (added_set_id, part) in pending_parts::list(transaction, set.id).await? {
        let mut added = change_sets::get(transaction, added_set_id).await?;
        if added.version.is_none() && part.count > 0 {
            added.added = added.added.minus(part);
            change_sets::save(transaction, &added).await?;
            set.removed = set.removed.minus(part);
            met = true;
        }
    }
    pending_parts::clear(transaction, set.id).await?;
    Ok(met)
}

/// Takes addresses out of the sets that are about to block them.
///
/// # Errors
/// The database refused.
pub(super) async fn take_out_of_building(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<()> {
    for (set_id, keys) in bulk::building(transaction, server_configuration_id, keys).await? {
        let mut set = change_sets::get(transaction, set_id).await?;
        for key in bulk::take_out(transaction, set_id, &keys).await? {
            set.added.remove(&key);
        }
        change_sets::save(transaction, &set).await?;
    }
    Ok(())
}
