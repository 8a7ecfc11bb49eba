//! Delivery events: reported in batches, counted, and read as error log and delivery log.

pub mod batch;

pub use crate::store::delivery_events::{Filter, Report};

use super::{Error, Result, blocked_addresses::place};
use crate::{
    state::AppState,
    store::{
        self, Db,
        delivery_events::NewEvent,
        error_tallies::{NewErrors, Success},
        search::{CursorScope, Portion},
    },
};
use shared::{
    Address, Page,
    delivery_event::{BatchResult, DeliveryEvent, ItemResult, ItemStatus, Outcome},
};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Stores a batch and counts its errors, in one transaction: whatever happens, an event is counted exactly when it is
/// stored. An event whose id is already there, from an earlier batch or earlier in this one, changes nothing.
///
/// # Errors
/// The database's; then nothing of the batch is stored and it can be sent again.
pub async fn report(state: &AppState, report: Report, items: Vec<batch::Item>) -> Result<BatchResult> {
    let mut results = Vec::with_capacity(items.len());
    let mut events: BTreeMap<String, (usize, NewEvent)> = BTreeMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let (id, status, detail) = match item {
            Err(rejection) => (rejection.id, ItemStatus::Rejected, Some(rejection.detail)),
            Ok(event) => {
                let id = event.id.clone();
                match batch::check(event, report.received_at) {
                    Err(detail) => (Some(id), ItemStatus::Rejected, Some(detail)),
                    Ok(_) if events.contains_key(&id) => (Some(id), ItemStatus::Duplicate, None),
                    Ok(event) => {
                        events.insert(id.clone(), (index, event));
                        (Some(id), ItemStatus::Accepted, None)
                    }
                }
            }
        };
        let index = u32::try_from(index).map_err(|error| Error::Internal(error.into()))?;
        results.push(ItemResult { index, id, status, detail });
    }
    let (places, events): (Vec<usize>, Vec<NewEvent>) = events.into_values().unzip();
    let stored = store(&state.db, report, &events).await?;
    for (place, event) in places.into_iter().zip(&events) {
        if !stored.contains(&event.event_id) {
            results[place].status = ItemStatus::Duplicate;
        }
    }
    let count = |status| results.iter().map(|item| u32::from(item.status == status)).sum();
    let result = BatchResult {
        accepted: count(ItemStatus::Accepted),
        duplicates: count(ItemStatus::Duplicate),
        rejected: count(ItemStatus::Rejected),
        items: results,
    };
    state.metrics.reported(&result);
    Ok(result)
}

/// Stores events, sorted by id and each id once, and counts those that are new; returns their ids.
async fn store(db: &Db, report: Report, events: &[NewEvent]) -> Result<HashSet<String>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let configuration = report.server_configuration_id;
    let tx = db.begin().await?;
    let success_resets = store::error_tallies::lock(&tx, configuration).await?;
    let stored = store::delivery_events::insert(&tx, report, events).await?;
    let new = || events.iter().filter(|event| stored.contains(&event.event_id));
    let successes = if success_resets { successes(new()) } else { BTreeMap::new() };
    let errors = errors(new(), &successes);
    let resets: Vec<Success> = successes
        .into_iter()
        .map(|(key, delivered_at)| Success { address_key: key.to_owned(), delivered_at })
        .collect();
    store::error_tallies::reset(&tx, configuration, &resets).await?;
    store::error_tallies::add(&tx, configuration, &errors).await?;
    tx.commit().await?;
    Ok(stored)
}

/// The last delivery to each address.
fn successes<'a>(events: impl Iterator<Item = &'a NewEvent>) -> BTreeMap<&'a str, i64> {
    let mut last = BTreeMap::new();
    for event in events.filter(|event| event.outcome == Outcome::Delivered) {
        let delivered_at = store::millis(event.occurred_at);
        let known = last.entry(event.address_key.as_str()).or_insert(delivered_at);
        *known = delivered_at.max(*known);
    }
    last
}

/// The errors that count, by address and reason, without those that a delivery made good.
fn errors<'a>(events: impl Iterator<Item = &'a NewEvent>, successes: &BTreeMap<&str, i64>) -> Vec<NewErrors> {
    let mut tallies: BTreeMap<(&str, &str), NewErrors> = BTreeMap::new();
    for event in events {
        let Some(reason) = event.reason.filter(|reason| reason.is_counted()) else { continue };
        let at = store::millis(event.occurred_at);
        if successes.get(event.address_key.as_str()).is_some_and(|delivered_at| at <= *delivered_at) {
            continue;
        }
        let tally = tallies.entry((&event.address_key, reason.as_str())).or_insert_with(|| NewErrors {
            address_key: event.address_key.clone(),
            address: event.address.clone(),
            reason,
            count: 0,
            first_at: at,
            last_at: at,
        });
        tally.count += 1;
        tally.last_at = tally.last_at.max(at);
        if at < tally.first_at {
            tally.first_at = at;
            tally.address.clone_from(&event.address);
        }
    }
    tallies.into_values().collect()
}

/// A domain in the form that it has in keys.
fn domain_key(domain: &str) -> Result<String> {
    let address = Address::parse(&format!("x@{}", domain.trim().trim_start_matches('@')));
    let address = address.map_err(|_| Error::field("domain", "is no domain, such as example.com"))?;
    Ok(address.key().domain().to_owned())
}

/// A page of the error log or delivery log.
///
/// # Errors
/// [`Error::Invalid`] names `cursor` when it is of another list or other filters, `domain` when it is none.
pub async fn search(
    db: &Db,
    server_configuration_id: Uuid,
    mut filter: Filter,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<DeliveryEvent>> {
    filter.domain = filter.domain.as_deref().map(domain_key).transpose()?;
    let scope = CursorScope::new("delivery_events", server_configuration_id, &filter);
    let after = place(&scope, cursor)?;
    let portion = Portion::page(after.as_ref(), limit);
    let found = store::delivery_events::search(db.connection(), server_configuration_id, &filter, portion).await?;
    Ok(scope.found(found, limit))
}
