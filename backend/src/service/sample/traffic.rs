//! Days of sending: what a mail server would report of them.

use super::recipients::{Nature, Recipient};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use shared::{
    Address, Reason,
    delivery_event::{NewDeliveryEvent, Outcome},
};
use std::collections::HashSet;

/// Somebody who sends to a list of recipients every day; the same seed gives the same history.
pub struct Traffic {
    random: StdRng,
    recipients: Vec<Recipient>,
    sent: u32,
}

impl Traffic {
    /// A list of `recipients` people, for a history of `days`.
    pub fn new(seed: u64, recipients: usize, days: u32) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let recipients = (0..recipients).map(|n| Recipient::invent(&mut random, n + 1, days)).collect();
        Self { random, recipients, sent: 0 }
    }

    /// The events of `count` messages of one hour. Mail to `blocked` addresses is refused by the mail server itself.
    pub fn hour(
        &mut self,
        day: u32,
        hour: DateTime<Utc>,
        count: u64,
        blocked: &HashSet<String>,
    ) -> Vec<NewDeliveryEvent> {
        let mut times: Vec<i64> = (0..count).map(|_| self.random.random_range(0..3_600_000)).collect();
        times.sort_unstable();
        times.into_iter().filter_map(|at| self.event(day, hour + TimeDelta::milliseconds(at), blocked)).collect()
    }

    /// Some of `addresses`, as a person would pick them.
    pub fn pick(&mut self, addresses: &HashSet<String>, count: usize) -> Vec<String> {
        let mut sorted: Vec<&String> = addresses.iter().collect();
        sorted.sort_unstable();
        sorted.sample(&mut self.random, count).map(|address| (*address).clone()).collect()
    }

    fn event(&mut self, day: u32, at: DateTime<Utc>, blocked: &HashSet<String>) -> Option<NewDeliveryEvent> {
        let recipient = self.recipients.choose(&mut self.random)?;
        let is_blocked = Address::parse_malformed(&recipient.address).is_ok_and(|a| blocked.contains(a.key().as_str()));
        let reason = if is_blocked {
            Some(Reason::BlockedAddress)
        } else {
            match recipient.nature {
                Nature::FailsFrom(from, reason) if day >= from && self.random.random_bool(0.9) => Some(reason),
                // A message in a hundred and fifty looks like spam to somebody: the sender's fault.
                _ if self.random.random_bool(1.0 / 150.0) => Some(Reason::Other),
                _ => None,
            }
        };
        self.sent += 1;
        // Like a Postfix queue id.
        let id = format!("{:08X}-{}", self.random.random::<u32>(), self.sent);
        let answer = reason.map(|reason| recipient.answer(reason));
        Some(NewDeliveryEvent {
            id,
            address: recipient.address.clone(),
            outcome: if reason.is_some() { Outcome::Error } else { Outcome::Delivered },
            reason,
            smtp_code: answer.as_ref().map_or(Some(250), |answer| answer.code),
            status: Some(answer.as_ref().map_or("2.0.0", |answer| answer.status).to_owned()),
            reply: Some(answer.map_or_else(|| "2.0.0 OK".to_owned(), |answer| answer.text)),
            occurred_at: at,
        })
    }
}

/// How much is sent in an hour, in parts: most in the morning and evening of Tokyo's working days.
pub fn weight(hour: DateTime<Utc>) -> u64 {
    let local = hour + TimeDelta::hours(9);
    let by_hour = match local.hour() {
        0..6 => 1,
        8..11 | 18..21 => 12,
        _ => 6,
    };
    match local.weekday() {
        Weekday::Sat | Weekday::Sun => by_hour,
        _ => by_hour * 2,
    }
}
