//! The stop cancellation list.

pub use crate::store::exemptions::Filter;

use super::{Access, Error, Result, blocked_addresses::View, position, wake::What};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction,
        address_history::ExemptionEnd,
        blocked_addresses::bulk,
        change_sets, conditions, exemptions, list_operations, millis,
        search::{CursorScope, Portion},
    },
};
use serde_json::json;
use shared::{AddressKey, Page, list::Exemption, list_operation::ListOperationKind};
use uuid::Uuid;

/// A page of the entries that match.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn search(
    state: &AppState,
    server_configuration_id: Uuid,
    filter: &Filter,
    view: &View,
) -> Result<Page<Exemption>> {
    let connection = state.db.connection();
    let filters = (
        (&filter.text, filter.reason, &filter.domain),
        (filter.from.map(millis), filter.to.map(millis), view.sort, view.direction),
    );
    let scope = CursorScope::new("exemptions", server_configuration_id, &filters);
    let after = position(&scope, view.cursor.as_deref())?;
    let order = (view.sort, view.direction);
    let portion = Portion::page(after.as_ref(), view.limit);
    let found = exemptions::search(connection, server_configuration_id, filter, order, portion).await?;
    Ok(scope.found(found, view.limit))
}

/// Ends an exemption with the counts at zero: sending continues until new errors pass a condition.
///
/// # Errors
/// [`Error::NotFound`] when the configuration has no such entry; the database refused.
pub async fn delete(state: &AppState, access: &Access, server_configuration_id: Uuid, id: Uuid) -> Result<()> {
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let ended = ExemptionEnd { at: state.clock.now(), by: access.actor.name(), comment: None };
    let row = exemptions::delete(&transaction, server_configuration_id, id, &ended).await?.ok_or(Error::NotFound)?;
    conditions::reset_counts(&transaction, server_configuration_id, &[&row.key]).await?;
    if let Some(set_id) = row.ended_set_id {
        keep_from_undo(&transaction, server_configuration_id, set_id, &row.key).await?;
    }
    let mut entry = access.audit(ended.at, "exemption.delete", &row.exemption.address);
    entry.before = Some(json!(row.exemption));
    transaction.audit(entry);
    state.wake.commit(transaction, server_configuration_id, &[What::Rows]).await
}

/// The undo of a bulk release blocks only addresses again that are still exempt, and this one is not any more. A
/// registration blocks it all the same.
async fn keep_from_undo(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    set_id: Uuid,
    key: &AddressKey,
) -> Result<()> {
    let kind = list_operations::kind_of_set(transaction, server_configuration_id, set_id).await?;
    if kind != Some(ListOperationKind::Undo) {
        return Ok(());
    }
    let mut set = change_sets::get(transaction, set_id).await?;
    for key in bulk::take_out(transaction, set_id, std::slice::from_ref(key)).await? {
        set.added.remove(&key);
    }
    Ok(change_sets::save(transaction, &set).await?)
}
