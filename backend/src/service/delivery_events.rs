//! Delivery events: reported in batches, counted, and read as error log and delivery log.

pub mod batch;

pub use crate::store::delivery_events::{Filter, Report};

use super::{Access, Actor, Error, Result, delivery_report, position, server_configurations::OpenConfiguration};
use crate::{
    state::AppState,
    store::{
        self, Db,
        audit::NewAuditEntry,
        delivery_events::NewEvent,
        error_tallies::{NewErrors, Success},
        search::{CursorScope, Portion},
    },
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use shared::{
    Address, Page, Reason, RefusalCode,
    delivery_event::{BatchResult, DeliveryEvent, ItemResult, ItemStatus, Outcome},
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Takes in a batch that somebody reports.
///
/// # Errors
/// As [`take_in`].
pub async fn report(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    read: impl FnOnce() -> Result<Vec<batch::Item>> + Send + 'static,
) -> Result<BatchResult> {
    let now = state.clock.now();
    let mut report = Report { server_configuration_id: configuration.id, mail_server_id: None, received_at: now };
    let entry = match access.actor {
        // All the time; its mail server stands at each event.
        Actor::MailServer { id, .. } => {
            report.mail_server_id = Some(id);
            None
        }
        _ => Some(NewAuditEntry {
            after: Some(json!({ "server_configuration": configuration.stored.name })),
            ..access.audit(now, "delivery_events.report", configuration.id.to_string())
        }),
    };
    take_in(state, report, entry, read).await
}

/// Stores a batch and counts its errors, in one transaction: whatever happens, an event is counted exactly when it is
/// stored. An event whose id is already there, from an earlier batch or earlier in this one, changes nothing.
///
/// `entry` goes into the audit log, with how many events are new, if any are. `read` makes the items. It and the checks keep a processor busy for long, so they run beside the requests.
///
/// # Errors
/// Those of `read`; the database's: then nothing of the batch is stored and it can be sent again.
pub async fn take_in(
    state: &AppState,
    report: Report,
    entry: Option<NewAuditEntry>,
    read: impl FnOnce() -> Result<Vec<batch::Item>> + Send + 'static,
) -> Result<BatchResult> {
    let intake = store::error_tallies::intake(state.db.connection(), report.server_configuration_id).await?;
    let limits = (intake.oldest(report.received_at), report.received_at);
    let checked = tokio::task::spawn_blocking(move || check(read()?, limits)).await;
    let Checked { mut results, places, events } = checked.map_err(|error| Error::Internal(error.into()))??;
    let stored = store(&state.db, report, entry, &events).await?;
    if !stored.ids.is_empty() {
        state.wake.tell_of_events(&state.db, report.server_configuration_id);
    }
    for (place, event) in places.into_iter().zip(&events) {
        let result = &mut results[place];
        if store::millis(event.occurred_at) < stored.oldest {
            // Removed since the checks.
            result.status = ItemStatus::Rejected;
            result.detail = Some(too_old(stored.oldest));
        } else if !stored.ids.contains(&event.event_id) {
            result.status = ItemStatus::Duplicate;
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

/// A batch after the checks that need no database.
struct Checked {
    /// What is known of each item so far.
    results: Vec<ItemResult>,
    /// The places in the batch of `events`.
    places: Vec<usize>,
    /// What can be stored: sorted by id, each id once.
    events: Vec<NewEvent>,
}

/// `limits`: events that happened before the one, in Unix milliseconds, are not taken in; the other is now.
fn check(items: Vec<batch::Item>, (oldest, now): (i64, DateTime<Utc>)) -> Result<Checked> {
    let mut results = Vec::with_capacity(items.len());
    let mut events = Vec::with_capacity(items.len());
    for (place, item) in items.into_iter().enumerate() {
        let index = u32::try_from(place).map_err(|error| Error::Internal(error.into()))?;
        let (id, status, detail) = match item {
            Err(rejection) => (rejection.id, ItemStatus::Rejected, Some(rejection.detail)),
            Ok(event) => {
                let id = event.id.clone();
                let is_old = store::millis(event.occurred_at) < oldest;
                match if is_old { Err(too_old(oldest)) } else { batch::check(event, now) } {
                    Err(detail) => (Some(id), ItemStatus::Rejected, Some(detail)),
                    Ok(event) => {
                        events.push((place, event));
                        (Some(id), ItemStatus::Accepted, None)
                    }
                }
            }
        };
        results.push(ItemResult { index, id, status, detail });
    }
    events.sort_unstable_by(|(a_place, a), (b_place, b)| a.event_id.cmp(&b.event_id).then(a_place.cmp(b_place)));
    events.dedup_by(|(place, later), (_, first)| {
        let is_duplicate = later.event_id == first.event_id;
        if is_duplicate {
            results[*place].status = ItemStatus::Duplicate;
        }
        is_duplicate
    });
    let (places, events) = events.into_iter().unzip();
    Ok(Checked { results, places, events })
}

fn too_old(oldest: i64) -> String {
    let oldest = store::time(oldest).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("occurred_at: is before {oldest}, and older events are no longer kept")
}

/// What became of a batch in the database.
struct Stored {
    /// The ids of the events that are new.
    ids: HashSet<String>,
    /// Events that happened before this time are not taken in; Unix milliseconds.
    oldest: i64,
}

/// Stores events, sorted by id and each id once, and counts those that are new.
async fn store(db: &Db, report: Report, entry: Option<NewAuditEntry>, events: &[NewEvent]) -> Result<Stored> {
    if events.is_empty() {
        return Ok(Stored { ids: HashSet::new(), oldest: i64::MIN });
    }
    let configuration = report.server_configuration_id;
    let tx = db.begin().await?;
    let intake = store::error_tallies::lock(&tx, configuration).await?;
    let oldest = intake.oldest(report.received_at);
    let ids = store::delivery_events::insert(&tx, report, events, oldest, intake.success_resets).await?;
    let new = || events.iter().filter(|event| ids.contains(&event.event_id));
    if intake.success_resets {
        store::error_tallies::reset(&tx, configuration, &successes(new())).await?;
    }
    let failed = new().filter(|event| counted_reason(event).is_some());
    let failed: BTreeSet<&str> = failed.map(|event| event.address_key.as_str()).collect();
    // The deliveries of this batch are among those that reset counts.
    let counted_from = store::error_tallies::counted_from(&tx, configuration, &failed).await?;
    store::error_tallies::add(&tx, configuration, &errors(new(), &counted_from)).await?;
    delivery_report::count(&tx, configuration, &intake.time_zone, new()).await?;
    if let Some(mut entry) = entry.filter(|_| !ids.is_empty()) {
        let mut told = entry.after.take().unwrap_or_else(|| json!({}));
        told["accepted"] = json!(ids.len());
        tx.audit(NewAuditEntry { after: Some(told), ..entry });
    }
    tx.commit().await?;
    Ok(Stored { ids, oldest })
}

/// The last delivery to each address.
fn successes<'a>(events: impl Iterator<Item = &'a NewEvent>) -> Vec<Success> {
    let mut last = BTreeMap::new();
    for event in events.filter(|event| event.outcome == Outcome::Delivered) {
        let delivered_at = store::millis(event.occurred_at);
        let known = last.entry(event.address_key.as_str()).or_insert(delivered_at);
        *known = delivered_at.max(*known);
    }
    let success = |(key, delivered_at): (&str, i64)| Success { address_key: key.to_owned(), delivered_at };
    last.into_iter().map(success).collect()
}

/// Why a message failed, if such errors count.
fn counted_reason(event: &NewEvent) -> Option<Reason> {
    event.reason.filter(|reason| reason.is_counted())
}

/// The errors that count, by address and reason: not those that happened before the counts of their addresses begin.
fn errors<'a>(events: impl Iterator<Item = &'a NewEvent>, counted_from: &HashMap<String, i64>) -> Vec<NewErrors> {
    let mut tallies: BTreeMap<(&str, &str), NewErrors> = BTreeMap::new();
    for event in events {
        let Some(reason) = counted_reason(event) else { continue };
        let at = store::millis(event.occurred_at);
        if counted_from.get(&event.address_key).is_some_and(|from| at < *from) {
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
    let address =
        address.map_err(|_| Error::field("domain", RefusalCode::NotADomain, "is no domain, such as example.com"))?;
    Ok(address.key().domain().to_owned())
}

/// The filter with its domain as it is stored.
///
/// # Errors
/// [`Error::Invalid`] names `domain` when it is none.
pub fn stored_filter(filter: Filter) -> Result<Filter> {
    Ok(Filter { domain: filter.domain.as_deref().map(domain_key).transpose()?, ..filter })
}

/// A page of the error log or delivery log.
///
/// # Errors
/// [`Error::Invalid`] names `cursor` when it is of another list or other filters, `domain` when it is none.
pub async fn search(
    db: &Db,
    server_configuration_id: Uuid,
    filter: Filter,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<DeliveryEvent>> {
    let filter = stored_filter(filter)?;
    let scope = CursorScope::new("delivery_events", server_configuration_id, &filter);
    let after = position(&scope, cursor)?;
    let portion = Portion::page(after.as_ref(), limit);
    let found = store::delivery_events::search(db.connection(), server_configuration_id, &filter, portion).await?;
    Ok(scope.found(found, limit))
}
