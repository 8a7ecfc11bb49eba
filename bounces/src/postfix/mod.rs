//! Follows a Postfix mail log.

mod line;
mod relay;
mod state;

pub use relay::{InvalidRelay, Relay};
pub use state::State;

use crate::{
    MARK, Reply,
    classify::phase_in,
    event,
    event::{clip, is_qualified},
};
use chrono::{DateTime, FixedOffset, Utc};
use line::{Line, Record};
use shared::{
    Reason,
    delivery_event::{MAX_REPLY, NewDeliveryEvent, Outcome},
};
use state::Deferred;

/// The most messages and deferred recipients that are remembered at once, together.
const MAX_REMEMBERED: usize = 500_000;

/// What a log belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Postfix's `myhostname`: bounce messages name it as Reporting-MTA, so that both derive the same ids.
    pub server: String,
    /// Postfix's `syslog_name`, `postfix` by default. Services with their own below it (`postfix/submission`) belong
    /// to it; another instance (`postfix-out`) does not.
    pub syslog_name: String,
    /// Relays that only have a message on its way, such as a content filter, which gives it back to Postfix under
    /// another queue id: what they take is not delivered yet.
    pub ignored_relays: Vec<Relay>,
}

/// Joins the lines of a mail log by queue id and tells each recipient's final outcome.
///
/// Deliveries by `local`, `virtual`, `pipe` and `discard` and to ignored relays, notifications (`from=<>`) and refusals
/// that are not ours are no events. Ids need `enable_long_queue_ids = yes`: short queue ids come again after a while.
#[derive(Debug, Clone)]
pub struct LogParser {
    config: Config,
    state: State,
    limit: usize,
}

impl LogParser {
    /// A parser that has seen nothing yet.
    pub fn new(config: Config) -> Self {
        Self::with_state(config, State::default())
    }

    /// A parser that goes on where the [`State`] was taken.
    pub fn with_state(config: Config, mut state: State) -> Self {
        state.reindex();
        Self { config, state, limit: MAX_REMEMBERED }
    }

    /// What to keep together with the log's offset, so that a restart loses nothing. Lines after that offset may be
    /// fed again: they give the same ids.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Reads one line, with or without its line end, and returns the outcomes that it settles.
    ///
    /// `now` is the reference for timestamps without year and zone: they are in its zone and at most a day after it.
    pub fn feed(&mut self, line: &[u8], now: DateTime<FixedOffset>) -> Vec<NewDeliveryEvent> {
        let text = String::from_utf8_lossy(line);
        let Some(line) = line::parse(text.trim_end_matches(['\r', '\n']), &self.config.syslog_name, now) else {
            return Vec::new();
        };
        let events = self.apply(&line);
        self.state.evict(self.limit);
        events
    }

    fn apply(&mut self, line: &Line<'_>) -> Vec<NewDeliveryEvent> {
        match &line.record {
            Record::From { queue_id, sender } => {
                let notification = sender.is_empty() || sender.starts_with("double-bounce@");
                self.state.message(queue_id).notification = notification;
                Vec::new()
            }
            Record::Outcome(outcome) => self.outcome(line.at, outcome).into_iter().collect(),
            Record::Expired { queue_id, forced } => self.expired(queue_id, *forced, line.at),
            Record::Removed { queue_id } => {
                self.state.remove(queue_id);
                Vec::new()
            }
            Record::Refused { recipient, reply } => self.refused(line, recipient, reply).into_iter().collect(),
        }
    }

    fn outcome(&mut self, at: DateTime<Utc>, outcome: &line::Outcome<'_>) -> Option<NewDeliveryEvent> {
        let line::Outcome { queue_id, to, orig_to, relay, dsn, status, text, program } = outcome;
        let address = orig_to.filter(|original| is_qualified(original)).unwrap_or(to);
        if self.state.is_notification(queue_id) {
            return None;
        }
        let ignored = self.is_ignored(relay, text);
        match *status {
            "deferred" => {
                // error(8) and the queue manager hold back what smtp(8) failed to deliver before.
                if matches!(*program, "smtp" | "lmtp" | "error" | "qmgr") {
                    let reply = clip(text, MAX_REPLY);
                    let (address, status) = (address.to_owned(), (*dsn).to_owned());
                    self.state.defer(queue_id, to, Deferred { address, status, reply, ignored });
                }
                None
            }
            "sent" => {
                self.state.settle(queue_id, to);
                let remote = matches!(*program, "smtp" | "lmtp") && !ignored;
                let id = event::queue_id(&self.config.server, queue_id, address, Outcome::Delivered);
                remote.then(|| NewDeliveryEvent {
                    status: Some((*dsn).to_owned()),
                    ..event::delivered(id, address, text, at)
                })
            }
            "bounced" => {
                self.state.settle(queue_id, to);
                let id = event::queue_id(&self.config.server, queue_id, address, Outcome::Error);
                // error(8) asks no other server: its text is from our own transport map.
                let ours = *program == "error" && text.contains(MARK) && !text.contains(" said: ");
                // What a filter refuses reaches nobody, so it is told. But a filter judges messages, not mailboxes, and
                // where it is gone the fault is the sender's own: `other`, which never counts.
                let reason = if ours { Some(Reason::BlockedAddress) } else { ignored.then_some(Reason::Other) };
                let reply = Reply { status: Some(dsn), text, phase: phase_in(text), ..Reply::default() };
                let remote = matches!(*program, "smtp" | "lmtp" | "error");
                remote.then(|| event::error(id, address, &reply, reason, at))
            }
            _ => None,
        }
    }

    /// Whether a relay that is to be ignored did this, or could not be asked.
    fn is_ignored(&self, relay: &str, text: &str) -> bool {
        self.config.ignored_relays.iter().any(|ignored| match relay {
            "none" => ignored.failed_in(text),
            relay => ignored.is(relay),
        })
    }

    fn expired(&mut self, queue_id: &str, forced: bool, at: DateTime<Utc>) -> Vec<NewDeliveryEvent> {
        let server = &self.config.server;
        let expire = |Deferred { address, status, reply, ignored }: Deferred| {
            let id = event::queue_id(server, queue_id, &address, Outcome::Error);
            let reply = Reply { status: Some(&status), text: &reply, expired: true, ..Reply::default() };
            // `postsuper -e` is the operator's decision, not the recipient's failure; nor is a filter that is down.
            event::error(id, &address, &reply, (forced || ignored).then_some(Reason::Other), at)
        };
        self.state.take_deferred(queue_id).into_iter().map(expire).collect()
    }

    fn refused(&self, line: &Line<'_>, recipient: &str, reply: &str) -> Option<NewDeliveryEvent> {
        // After the last of these words, where no recipient can have written it.
        let (_, words) = reply.rsplit_once("Recipient address rejected: ")?;
        if !words.contains(MARK) {
            return None;
        }
        // No queue id: the line itself identifies the refusal. Equal refusals of one session in one tick are one.
        let id = event::id(&["refused", &self.config.server.to_ascii_lowercase(), line.whole]);
        let reply = Reply { text: reply, ..Reply::default() };
        Some(event::error(id, recipient, &reply, Some(Reason::BlockedAddress), line.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_oldest_message_goes_first() {
        let config = Config { server: "mx.example".into(), syslog_name: "postfix".into(), ignored_relays: Vec::new() };
        let mut log = LogParser { limit: 20, ..LogParser::new(config) };
        let now = DateTime::parse_from_rfc3339("2026-11-24T00:00:00Z").unwrap();
        for n in 0..100 {
            let line = format!(
                "Nov 23 17:10:19 mx postfix/smtp[1]: Q{n}: to=<u{n}@x.test>, relay=none, delay=1, dsn=4.4.1, status=deferred (busy)"
            );
            assert!(log.feed(line.as_bytes(), now).is_empty());
            assert!(log.state().len() <= 10);
        }
        let expired = |n| {
            format!("Nov 23 17:10:20 mx postfix/qmgr[1]: Q{n}: from=<a@b.test>, status=expired, returned to sender")
        };
        assert!(log.feed(expired(0).as_bytes(), now).is_empty());
        assert_eq!(log.feed(expired(99).as_bytes(), now).len(), 1);
    }
}
