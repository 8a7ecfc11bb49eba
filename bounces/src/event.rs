//! Events with ids that log and bounce message derive alike.

use crate::{Reply, classify, classify::codes_in, classify::remote_text};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use shared::{
    Address, Reason,
    delivery_event::{MAX_REPLY, NewDeliveryEvent, Outcome},
};

/// The longest address in an event, in characters.
const MAX_ADDRESS: usize = 1_000;

/// An id from what identifies the outcome: 32 hexadecimal digits. Each part is delimited, so that parts cannot merge.
pub(crate) fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The id of what became of a message in a queue for one recipient, whatever reported it. It begins with when the message
/// came, where the queue id says so: the service stores ids that grow beside each other, and has a page of its index
/// written for each that does not.
pub(crate) fn queue_id(server: &str, queue_id: &str, address: &str, outcome: Outcome) -> String {
    let outcome = match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Error => "error",
    };
    let identity = id(&["queue", &server.to_ascii_lowercase(), queue_id, &key(address), outcome]);
    format!("{}{identity}", arrival(queue_id))
}

/// What Postfix's long queue ids begin with, if this is one: seconds in six digits and microseconds in four, in the order of
/// ASCII, then a `z` (Postfix, `enable_long_queue_ids`).
fn arrival(queue_id: &str) -> &str {
    let time = queue_id.split_once('z').map(|(time, _)| time);
    time.filter(|time| time.len() == 10 && time.bytes().all(|octet| octet.is_ascii_alphanumeric())).unwrap_or_default()
}

/// The address's key, or its lower case where it is none.
fn key(address: &str) -> String {
    Address::parse(address).map_or_else(|_| address.trim().to_lowercase(), |address| address.key().as_str().to_owned())
}

/// A delivery.
pub(crate) fn delivered(id: String, address: &str, text: &str, at: DateTime<Utc>) -> NewDeliveryEvent {
    let reply = Reply { text, ..Reply::default() };
    NewDeliveryEvent { reason: None, ..build(id, address, Outcome::Delivered, &reply, None, at) }
}

/// A failure; `reason` only where it does not follow from the reply.
pub(crate) fn error(
    id: String,
    address: &str,
    reply: &Reply<'_>,
    reason: Option<Reason>,
    at: DateTime<Utc>,
) -> NewDeliveryEvent {
    build(id, address, Outcome::Error, reply, reason, at)
}

fn build(
    id: String,
    address: &str,
    outcome: Outcome,
    reply: &Reply<'_>,
    reason: Option<Reason>,
    at: DateTime<Utc>,
) -> NewDeliveryEvent {
    let (code, status) = codes_in(remote_text(reply.text));
    NewDeliveryEvent {
        id,
        address: clip(address, MAX_ADDRESS),
        outcome,
        reason: Some(reason.unwrap_or_else(|| classify(reply))),
        smtp_code: reply.smtp_code.or(code),
        status: reply.status.or(status).map(str::to_owned),
        reply: (!reply.text.is_empty()).then(|| clip(reply.text, MAX_REPLY)),
        occurred_at: at,
    }
}

/// Whether a mail server's spelling of a recipient has a domain. Postfix logs, and reports, what a local program left
/// without one as it was given, beside the address that it was sent to.
pub(crate) fn is_qualified(address: &str) -> bool {
    address.contains('@')
}

/// The first `limit` characters.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_with_the_time_in_long_queue_ids() {
        // Two of Postfix 3.7's log, of messages that came one after the other, and a short one.
        let ids = ["4jcLCt4ZjJz1bQqH", "4jcLCt4ppMz1bQqK", "8E1F42C0B7"].map(|queue| {
            let error = queue_id("mx.example", queue, "a@example.com", Outcome::Error);
            assert_ne!(error, queue_id("mx.example", queue, "a@example.com", Outcome::Delivered));
            error
        });
        assert!(ids[0] < ids[1]);
        assert_eq!(ids.each_ref().map(String::len), [42, 42, 32]);
        assert_eq!(&ids[1][..10], "4jcLCt4ppM");
        for none in ["", "4jcLCt4ZjJ", "4jcLCt4Zj_z1", "z", "4jcLCt4ZjJDz1"] {
            assert_eq!(arrival(none), "", "{none}");
        }
    }
}
