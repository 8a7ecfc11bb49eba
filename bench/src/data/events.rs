//! Delivery events as mail servers report them.

use super::{SEED, addresses::Addresses};
use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use shared::{
    Reason,
    delivery_event::{NewDeliveryEvent, Outcome},
};

/// Recipients that mail is sent to again and again.
const RECIPIENTS: usize = 200_000;

/// An endless mail log: nine of ten messages arrive.
pub struct Events {
    random: StdRng,
    recipients: Vec<String>,
    sent: u64,
    now: DateTime<Utc>,
}

impl Events {
    /// A log that begins at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        let recipients = Addresses::new(SEED).take(RECIPIENTS).map(|address| address.into_parts().0).collect();
        Self { random: StdRng::seed_from_u64(SEED ^ 3), recipients, sent: 0, now }
    }
}

impl Iterator for Events {
    type Item = NewDeliveryEvent;

    fn next(&mut self) -> Option<NewDeliveryEvent> {
        let address = self.recipients[self.random.random_range(0..self.recipients.len())].clone();
        let (reason, smtp_code, status, reply) = match self.random.random_range(0..1_000) {
            0..60 => (
                Some(Reason::UnknownUser),
                Some(550),
                "5.1.1",
                "The email account that you tried to reach does not exist. Please try double-checking the \
                 recipient's email address for typos or unnecessary spaces.",
            ),
            60..75 => {
                (Some(Reason::ReceptionRejected), Some(552), "5.2.2", "The recipient's inbox is out of storage space.")
            }
            75..90 => (
                Some(Reason::ResendTimeout),
                None,
                "4.4.1",
                "connect to mx.example.jp[192.0.2.25]:25: Connection timed out",
            ),
            90..100 => (Some(Reason::Other), Some(550), "5.7.1", "Message rejected: it looks like unsolicited mail"),
            _ => (None, Some(250), "2.0.0", "2.0.0 OK 1732441518 d2e1a72fcca58-724de55c3a2si1234567b3a.15 - gsmtp"),
        };
        self.sent += 1;
        Some(NewDeliveryEvent {
            // As an agent's: when the message came, then a hash.
            id: format!("{:010x}{:032x}", self.sent, self.random.random::<u128>()),
            address,
            outcome: if reason.is_some() { Outcome::Error } else { Outcome::Delivered },
            reason,
            smtp_code,
            status: Some(status.to_owned()),
            reply: Some(reply.to_owned()),
            occurred_at: self.now + TimeDelta::milliseconds(i64::try_from(self.sent / 20).unwrap_or(0)),
        })
    }
}
