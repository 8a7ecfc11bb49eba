//! The overview of the delivery report: what happened on each of the last days.

use super::{Result, schedule::Schedule, server_configurations::OpenConfiguration};
use crate::{
    state::AppState,
    store::{
        ConnectionTrait, DatabaseTransaction,
        delivery_events::NewEvent,
        distributions,
        event_tallies::{self, ByDay},
        millis,
    },
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use shared::{
    Reason,
    delivery_event::Outcome,
    delivery_report::{DeliveryReport, DeliveryReportDay, DomainErrors, TOP_DOMAINS},
    run::ReasonCount,
};
use std::collections::HashSet;
use uuid::Uuid;

/// How long counts are kept: the longest report, whatever its time zone.
pub(super) const KEPT: TimeDelta = TimeDelta::days(92);

/// A domain with one in so many errors of a day has few.
const FEW: i64 = 200;

/// The report of the last `days` local days, with today.
///
/// # Errors
/// The database refused.
pub async fn show(state: &AppState, configuration: &OpenConfiguration, days: u16) -> Result<DeliveryReport> {
    let (connection, stored) = (state.db.connection(), &configuration.stored);
    let schedule = Schedule::parse(&stored.execute_timing, &stored.time_zone)?;
    let today = schedule.day(state.clock.now());
    let mut report: Vec<_> =
        (0..u64::from(days)).rev().map(|back| empty_day(schedule, today - Days::new(back))).collect();
    let from = schedule.day_start(today - Days::new(u64::from(days) - 1));
    // A mail server's clock may be ahead: what it dates tomorrow is in no day yet.
    let range = (from, schedule.day_start(today + Days::new(1)));
    let results = event_tallies::results(connection, configuration.id, range).await?;
    let domains = worst_domains(connection, configuration.id, range, &results).await?;
    for (at, result, count) in results {
        if let Some(day) = day_of(&mut report, at) {
            add(day, &result, count);
        }
    }
    let published = distributions::published_since(connection, configuration.id, from).await?;
    for part in &published.parts {
        if let Some(day) = day_of(&mut report, part.at) {
            day.blocked += part.added;
            day.released += part.released;
            day.cancelled += part.cancelled;
        }
    }
    let mut count = published.count;
    for day in report.iter_mut().rev() {
        day.list_count = count;
        count -= day.blocked - day.released - day.cancelled;
    }
    Ok(DeliveryReport { time_zone: stored.time_zone.clone(), days: report, domains })
}

/// The domains with the most errors. Most domains have few, and those are left out where they cannot be among the worst:
/// with at most `few` on each day, a domain has at most `few` times the days.
async fn worst_domains<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    range: (DateTime<Utc>, DateTime<Utc>),
    results: &[(i64, String, i64)],
) -> Result<Vec<DomainErrors>> {
    let not_of_domains = [Outcome::Delivered.as_str(), Reason::BlockedAddress.as_str()];
    let errors: i64 = results
        .iter()
        .filter(|(_, result, _)| !not_of_domains.contains(&result.as_str()))
        .map(|(.., count)| count)
        .sum();
    let days = results.iter().map(|(begins_at, ..)| begins_at).collect::<HashSet<_>>().len() as i64;
    let few = errors / (FEW * days.max(1));
    let worst = event_tallies::top_domains(connection, server_configuration_id, range, few).await?;
    let is_proven =
        worst.len() == usize::from(TOP_DOMAINS) && worst.last().is_some_and(|last| last.errors > few * days);
    if few == 0 || is_proven {
        return Ok(worst);
    }
    Ok(event_tallies::top_domains(connection, server_configuration_id, range, 0).await?)
}

fn empty_day(schedule: Schedule, day: NaiveDate) -> DeliveryReportDay {
    DeliveryReportDay {
        day,
        begins_at: schedule.day_start(day),
        delivered: 0,
        errors: Vec::new(),
        blocked: 0,
        released: 0,
        cancelled: 0,
        list_count: 0,
    }
}

/// The day that an instant (Unix milliseconds) is in.
fn day_of(days: &mut [DeliveryReportDay], at: i64) -> Option<&mut DeliveryReportDay> {
    let after = days.partition_point(|day| millis(day.begins_at) <= at);
    days.get_mut(after.checked_sub(1)?)
}

fn add(day: &mut DeliveryReportDay, result: &str, count: i64) {
    let Ok(reason) = result.parse::<Reason>() else {
        day.delivered += count;
        return;
    };
    match day.errors.binary_search_by_key(&reason, |errors| errors.reason) {
        Ok(place) => day.errors[place].count += count,
        Err(place) => day.errors.insert(place, ReasonCount { reason, count }),
    }
}

/// Counts events that are new by the days of a time zone, in the transaction that stores them.
///
/// # Errors
/// The database refused.
pub(super) async fn count<'a>(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    time_zone: &str,
    events: impl Iterator<Item = &'a NewEvent>,
) -> Result<()> {
    let mut days = LocalDays::new(time_zone)?;
    let (mut results, mut domains) = (ByDay::new(), ByDay::new());
    for event in events {
        let begins_at = days.begin(event.occurred_at);
        let reason = event.reason.unwrap_or(Reason::Other);
        let result = if event.outcome == Outcome::Delivered { event.outcome.as_str() } else { reason.as_str() };
        *results.entry((begins_at, result)).or_default() += 1;
        if event.outcome == Outcome::Error && reason != Reason::BlockedAddress && !event.domain.is_empty() {
            *domains.entry((begins_at, event.domain.as_str())).or_default() += 1;
        }
    }
    Ok(event_tallies::add(transaction, server_configuration_id, &results, &domains).await?)
}

/// Tells when the day of an instant began. Most events of a batch are of the same day.
struct LocalDays {
    schedule: Schedule,
    /// The day of the last one: its begin and its end, Unix milliseconds.
    last: (i64, i64),
}

impl LocalDays {
    fn new(time_zone: &str) -> Result<Self> {
        Ok(Self { schedule: Schedule::parse("00:00", time_zone)?, last: (0, 0) })
    }

    fn begin(&mut self, at: DateTime<Utc>) -> i64 {
        let (begin, end) = self.last;
        if !(begin..end).contains(&millis(at)) {
            let day = self.schedule.day(at);
            let starts = [day, day + Days::new(1)].map(|day| millis(self.schedule.day_start(day)));
            self.last = (starts[0], starts[1]);
        }
        self.last.0
    }
}
