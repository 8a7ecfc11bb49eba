//! Why an address is blocked, since when, and where, in one sentence.

use crate::i18n::{Texts, number::grouped};
use chrono::{DateTime, Utc};
use shared::{
    address_history::{AddressHistory, AddressOnMailServer, Holding},
    list::{BlockState, BlockedAddress},
    run::ReasonCount,
};

/// Whether nothing is known about the address.
pub fn is_unknown(history: &AddressHistory) -> bool {
    history.block.is_none()
        && history.exemption.is_none()
        && history.counts.is_empty()
        && history.events.items.is_empty()
        && history.events.next_cursor.is_none()
}

/// The sentence; `when` writes times.
pub fn why(texts: &Texts, history: &AddressHistory, when: impl Fn(DateTime<Utc>) -> String) -> String {
    let words = &texts.history;
    if let Some(block) = &history.block {
        let (reason, since) = ((texts.reason)(block.reason), when(block.blocked_at));
        let held = held(texts, block, &history.mail_servers, &when);
        let cause = block.removal.as_ref().map(|removal| (texts.removal_cause)(removal.cause)).unwrap_or_default();
        return match block.state {
            BlockState::InEffect => (words.why)(&since, reason, &held),
            BlockState::Pending => (words.why_pending)(&since, reason, &held),
            BlockState::Releasing => (words.why_releasing)(cause, &held),
        };
    }
    if let Some(exemption) = &history.exemption {
        return (words.why_exempt)(&when(exemption.released_at), (texts.reason)(exemption.reason));
    }
    (words.why_not)(&counts(texts, &history.counts))
}

/// Errors that count, reason by reason.
pub fn counts(texts: &Texts, counts: &[ReasonCount]) -> String {
    if counts.is_empty() {
        return texts.history.none.to_owned();
    }
    let one = |one: &ReasonCount| format!("{} {}", (texts.reason)(one.reason), grouped(one.count));
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Which mail servers hold the block, and since when the first of them does.
fn held(
    texts: &Texts,
    block: &BlockedAddress,
    servers: &[AddressOnMailServer],
    when: impl Fn(DateTime<Utc>) -> String,
) -> String {
    let words = &texts.history;
    let holding: Vec<_> = servers.iter().filter(|server| server.holding == Holding::Held).collect();
    if holding.is_empty() {
        let pending = block.state == BlockState::Pending;
        return if pending { words.not_distributed } else { words.nowhere }.to_owned();
    }
    let names = holding.iter().map(|server| server.mail_server_name.as_str()).collect::<Vec<_>>().join(", ");
    let since = holding.iter().filter_map(|server| server.since).min().unwrap_or(block.blocked_at);
    (words.held_by)(&names, holding.len(), servers.len(), &when(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use shared::{
        Page, Reason,
        list::{Exemption, Origin, Removal, RemovalCause},
    };
    use uuid::Uuid;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("a time")
    }

    fn history() -> AddressHistory {
        AddressHistory {
            address: "taro@example.com".to_owned(),
            block: None,
            exemption: None,
            counts: Vec::new(),
            mail_servers: Vec::new(),
            events: Page { items: Vec::new(), next_cursor: None, total: None },
        }
    }

    fn block(state: BlockState) -> BlockedAddress {
        let removal = Removal { cause: RemovalCause::Release, removed_at: at(9) };
        BlockedAddress {
            id: Uuid::nil(),
            address: "taro@example.com".to_owned(),
            reason: Reason::UnknownUser,
            origin: Origin::Condition,
            state,
            blocked_at: at(1),
            version: None,
            removal: (state == BlockState::Releasing).then_some(removal),
        }
    }

    fn server(name: &str, holding: Holding, since: Option<i64>) -> AddressOnMailServer {
        AddressOnMailServer {
            mail_server_id: Uuid::nil(),
            mail_server_name: name.to_owned(),
            active: true,
            holding,
            since: since.map(at),
            version: None,
        }
    }

    fn said(history: &AddressHistory) -> String {
        why(Language::English.texts(), history, |time| format!("t{}", time.timestamp()))
    }

    #[test]
    fn a_block_says_why_since_when_and_where() {
        let mail_servers = vec![
            server("mx1", Holding::Held, Some(7)),
            server("mx2", Holding::Held, Some(5)),
            server("mx3", Holding::Unknown, None),
        ];
        let known = AddressHistory { block: Some(block(BlockState::InEffect)), mail_servers, ..history() };
        assert_eq!(
            said(&known),
            "Blocked since t1 because of “Unknown user”; in effect on 2 of 3 mail servers (mx1, mx2) since t5."
        );
        let nowhere = AddressHistory { mail_servers: vec![server("mx1", Holding::NotHeld, None)], ..known };
        assert!(said(&nowhere).ends_with("no mail server has acknowledged it yet."), "{}", said(&nowhere));
    }

    #[test]
    fn what_waits_and_what_ends_says_so() {
        let pending = AddressHistory { block: Some(block(BlockState::Pending)), ..history() };
        assert!(said(&pending).contains("with the next distribution"), "{}", said(&pending));
        let mail_servers = vec![server("mx1", Holding::Held, None)];
        let releasing = AddressHistory { block: Some(block(BlockState::Releasing)), mail_servers, ..history() };
        assert!(said(&releasing).starts_with("Being released (Released)"), "{}", said(&releasing));
        assert!(said(&releasing).contains("in effect on the mail server mx1 since"), "{}", said(&releasing));
    }

    #[test]
    fn what_is_not_blocked_says_so() {
        let exemption = Exemption {
            id: Uuid::nil(),
            address: "taro@example.com".to_owned(),
            reason: Reason::UnknownHost,
            released_at: at(3),
            comment: None,
        };
        let exempt = AddressHistory { exemption: Some(exemption), ..history() };
        assert!(said(&exempt).starts_with("Not blocked: released t3"), "{}", said(&exempt));
        let counts = vec![ReasonCount { reason: Reason::ResendTimeout, count: 1_204 }];
        let counted = AddressHistory { counts, ..history() };
        assert_eq!(said(&counted), "Not blocked. Errors that count now: Resend timeout 1,204.");
        assert!(said(&history()).ends_with("Errors that count now: none."));
        assert!(is_unknown(&history()) && !is_unknown(&counted) && !is_unknown(&exempt));
    }
}
