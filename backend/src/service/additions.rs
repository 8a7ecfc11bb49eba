//! Small additions: a few addresses on the blocked list, without a file.

use super::{Access, Error, Result, blocked_addresses::take_out_of_building, wake::What};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction,
        address_history::ExemptionEnd,
        blocked_addresses::{self, NewBlock},
        change_sets, exemptions,
    },
};
use serde_json::json;
use shared::{
    Address, AddressKey, Reason,
    list::{AdditionItem, AdditionRequest, AdditionResult, AdditionStatus, Origin},
};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Blocks addresses in one transaction; they are pending until the next distribution.
///
/// # Errors
/// The database refused; then nothing changed.
pub async fn add(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    request: &AdditionRequest,
) -> Result<AdditionResult> {
    let now = state.clock.now();
    let parsed: Vec<Option<Address>> = request.addresses.iter().map(|text| Address::parse(text).ok()).collect();
    // The first spelling of an address is the one to show.
    let mut wanted: BTreeMap<&AddressKey, &str> = BTreeMap::new();
    for address in parsed.iter().flatten() {
        wanted.entry(address.key()).or_insert(address.spelling());
    }
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let keys: Vec<&AddressKey> = wanted.keys().copied().collect();
    let blocked = blocked(&transaction, server_configuration_id, &keys).await?;
    let exempt = exemptions::bulk::with_keys(&transaction, server_configuration_id, &keys).await?;
    wanted.retain(|key, _| !blocked.contains(*key) && (request.block_exempt || !exempt.contains(*key)));

    let keys: Vec<&AddressKey> = wanted.keys().copied().collect();
    let (by, comment) = (access.actor.name(), request.comment.as_deref());
    let ended = ExemptionEnd { at: now, by, comment };
    exemptions::bulk::remove(&transaction, server_configuration_id, &keys, &ended).await?;
    // What is about to block them may yet be taken back, and they are to stay.
    take_out_of_building(&transaction, server_configuration_id, &keys).await?;
    let blocks: Vec<NewBlock> = wanted
        .iter()
        .map(|(key, address)| NewBlock {
            key: (*key).clone(),
            address: (*address).to_owned(),
            reason: Reason::Registered,
            origin: Origin::Api,
            blocked_at: now,
        })
        .collect();
    if !blocks.is_empty() {
        let mut set = change_sets::create(&transaction, server_configuration_id, now).await?;
        change_sets::made_by(&transaction, set.id, by, comment).await?;
        blocked_addresses::insert(&transaction, server_configuration_id, set.id, &blocks).await?;
        for block in &blocks {
            set.added.add(&block.key);
            let mut entry = access.audit(now, "blocked_address.add", &block.address);
            let mut told = json!({ "reason": block.reason, "origin": block.origin });
            if exempt.contains(&block.key) {
                entry.before = Some(json!({ "exempt": true }));
                told["exempt"] = json!(false);
            }
            entry.after = Some(told);
            entry.comment.clone_from(&request.comment);
            transaction.audit(entry);
        }
        change_sets::save(&transaction, &set).await?;
    }
    let mut added: HashSet<AddressKey> = blocks.into_iter().map(|block| block.key).collect();
    let mut status = |address: &Option<Address>| {
        let Some(address) = address else { return AdditionStatus::NotValid };
        if added.remove(address.key()) {
            AdditionStatus::Added
        } else if exempt.contains(address.key()) && !request.block_exempt && !blocked.contains(address.key()) {
            AdditionStatus::Exempt
        } else {
            AdditionStatus::AlreadyBlocked
        }
    };
    let items = request.addresses.iter().zip(&parsed);
    let items = items.map(|(text, address)| AdditionItem { address: text.clone(), status: status(address) }).collect();
    let changes: &[What] = if keys.is_empty() { &[] } else { &[What::Rows] };
    state.wake.commit(transaction, server_configuration_id, changes).await?;
    Ok(AdditionResult { items })
}

/// Which of these addresses are on the list: also those that a run or a list operation takes off, until it is done.
async fn blocked(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    keys: &[&AddressKey],
) -> Result<HashSet<AddressKey>> {
    let live = blocked_addresses::with_keys(transaction, server_configuration_id, keys).await?;
    let ending = blocked_addresses::pending_removals(transaction, server_configuration_id, keys).await?;
    let ending = ending.into_iter().filter(|removal| !removal.ready).map(|removal| removal.block);
    Ok(live.into_iter().chain(ending).map(|block| block.key).collect())
}
