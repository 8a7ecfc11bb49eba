//! Releases: off the blocked list on every mail server at once, and on the stop cancellation list.

use super::{
    Access, Result,
    blocked_addresses::{end, take_out_of_building},
    distributions,
    wake::What,
};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction,
        blocked_addresses::{self, Block, End, PendingRemoval},
        change_sets::{self, ChangeSet, Sum},
        conditions, exemptions, pending_parts,
    },
};
use serde_json::json;
use shared::{
    Address, AddressKey,
    list::{Exemption, ReleaseItem, ReleaseRequest, ReleaseResult, ReleaseStatus, RemovalCause},
    run::DistributionKind,
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Releases addresses in one transaction. Publishes their removal and nothing else that is pending.
///
/// # Errors
/// The database refused; then nothing changed.
pub async fn release(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    request: &ReleaseRequest,
) -> Result<ReleaseResult> {
    let now = state.clock.now();
    // What was blocked for its malformed address can be released as well.
    let key = |text: &String| Address::parse_malformed(text).ok().map(|address| address.into_parts().1);
    let parsed: Vec<Option<AddressKey>> = request.addresses.iter().map(key).collect();
    let mut keys: Vec<&AddressKey> = parsed.iter().flatten().collect();
    keys.sort_unstable();
    keys.dedup();

    let transaction = state.db.begin().await?;
    let mut head = change_sets::lock(&transaction, server_configuration_id).await?.ok_or(super::Error::NotFound)?;
    let live = blocked_addresses::with_keys(&transaction, server_configuration_id, &keys).await?;
    let ending = blocked_addresses::pending_removals(&transaction, server_configuration_id, &keys).await?;
    let mut set = change_sets::create(&transaction, server_configuration_id, now).await?;
    let (by, comment) = (Some(access.actor.name()), request.comment.as_deref());
    let released = End { cause: RemovalCause::Release, at: now, by, comment };
    end(&transaction, server_configuration_id, &live, released, &mut set).await?;
    take_over(&transaction, &ending, &mut set, released).await?;
    let ended: Vec<&AddressKey> = ending.iter().map(|removal| &removal.block.key).collect();
    conditions::reset_counts(&transaction, server_configuration_id, &ended).await?;
    // What a run or a registration at work is about to block again is exempt now.
    take_out_of_building(&transaction, server_configuration_id, &ended).await?;

    let ended = ending.iter().map(|removal| &removal.block);
    let released: HashMap<&AddressKey, &Block> = ended.chain(&live).map(|block| (&block.key, block)).collect();
    for block in released.values() {
        let exemption = Exemption {
            id: Uuid::now_v7(),
            address: block.address.clone(),
            reason: block.reason,
            released_at: now,
            comment: request.comment.clone(),
        };
        exemptions::save(&transaction, server_configuration_id, &block.key, &exemption).await?;
        let mut entry = access.audit(now, "blocked_address.release", &block.address);
        entry.before = Some(json!({ "reason": block.reason }));
        entry.comment.clone_from(&request.comment);
        transaction.audit(entry);
    }

    let mut changes = Vec::new();
    let distribution_id = if set.removed.count == 0 {
        change_sets::discard(&transaction, set.id).await?;
        None
    } else {
        change_sets::save(&transaction, &set).await?;
        let kind = DistributionKind::Release;
        let published =
            distributions::publish_alone(&transaction, server_configuration_id, kind, &mut head, set, now).await?;
        changes.push(What::List);
        changes.push(What::Distribution(published));
        Some(published)
    };
    let names: HashSet<&AddressKey> = released.keys().copied().collect();
    let items: Vec<_> = request
        .addresses
        .iter()
        .zip(&parsed)
        .map(|(address, key)| ReleaseItem {
            address: address.clone(),
            status: match key {
                Some(key) if names.contains(key) => ReleaseStatus::Released,
                _ if Address::parse(address).is_ok() => ReleaseStatus::NotBlocked,
                _ => ReleaseStatus::NotValid,
            },
        })
        .collect();
    if !names.is_empty() {
        changes.push(What::Rows);
    }
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    state.metrics.released(&items);
    if distribution_id.is_some() {
        state.metrics.distribution_published(DistributionKind::Release);
    }
    Ok(ReleaseResult { items, distribution_id })
}

/// Takes removals that wait, for a distribution or for the end of a run or of a list operation, into this release, so that they
/// reach the mail servers now.
async fn take_over(
    transaction: &DatabaseTransaction,
    ending: &[PendingRemoval],
    release: &mut ChangeSet,
    end: End<'_>,
) -> Result<()> {
    let (held, never_held): (Vec<_>, Vec<_>) = ending.iter().partition(|removal| removal.block.version.is_some());
    let mut taken: HashMap<Uuid, Sum> = HashMap::new();
    for removal in ending {
        taken.entry(removal.removed_set_id).or_default().add(&removal.block.key);
    }
    for removal in &held {
        release.removed.add(&removal.block.key);
    }
    for (set_id, sum) in taken {
        let mut set = change_sets::get(transaction, set_id).await?;
        set.removed = set.removed.minus(sum);
        change_sets::save(transaction, &set).await?;
    }
    // No published list ever held these: they leave the set that would have added them.
    let mut parts: HashMap<(Uuid, Uuid), Sum> = HashMap::new();
    for removal in &never_held {
        parts.entry((removal.removed_set_id, removal.block.added_set_id)).or_default().add(&removal.block.key);
    }
    for ((removed_set_id, added_set_id), sum) in parts {
        let mut set = change_sets::get(transaction, added_set_id).await?;
        set.added = set.added.minus(sum);
        change_sets::save(transaction, &set).await?;
        let part = pending_parts::get(transaction, removed_set_id, added_set_id).await?;
        pending_parts::save(transaction, removed_set_id, added_set_id, part.minus(sum)).await?;
    }
    let ids = |removals: &[&PendingRemoval]| removals.iter().map(|removal| removal.block.id).collect::<Vec<_>>();
    blocked_addresses::move_removals(transaction, &ids(&held), Some(release.id), end).await?;
    blocked_addresses::move_removals(transaction, &ids(&never_held), None, end).await?;
    Ok(())
}
