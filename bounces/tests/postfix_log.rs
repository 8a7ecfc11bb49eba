//! The mail log of a real Postfix, line by line.

use bounces::postfix::{Config, LogParser, Relay, State};
use chrono::{DateTime, FixedOffset, Utc};
use shared::delivery_event::{NewDeliveryEvent, Outcome};
use std::collections::BTreeSet;

const LOG: &str = include_str!("samples/postfix-maillog.log");

fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-24T00:00:00+00:00").unwrap()
}

fn utc(time: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(time).unwrap().to_utc()
}

fn config() -> Config {
    Config { server: "pfe.mta.test".into(), ..of("pfe") }
}

fn of(syslog_name: &str) -> Config {
    Config { server: "mx.example".into(), syslog_name: syslog_name.into(), ignored_relays: Vec::new() }
}

fn feed_all(log: &mut LogParser, text: &str) -> Vec<NewDeliveryEvent> {
    text.lines().flat_map(|line| log.feed(line.as_bytes(), now())).collect()
}

fn one(line: &str, syslog_name: &str) -> Vec<NewDeliveryEvent> {
    LogParser::new(of(syslog_name)).feed(line.as_bytes(), now())
}

/// Every outcome in the sample, against the reviewed table.
#[test]
fn the_sample_gives_the_expected_outcome_for_each_recipient() {
    let events = feed_all(&mut LogParser::new(config()), LOG);
    let mut found: Vec<_> = events
        .iter()
        .map(|event| {
            let outcome = event.reason.map_or("delivered", |reason| reason.as_str());
            format!("{outcome:<20}{}", event.address)
        })
        .collect();
    found.sort();
    let expected: Vec<_> = include_str!("samples/postfix-maillog.expected")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    assert_eq!(found, expected, "found:\n{}\n", found.join("\n"));
    let ids: BTreeSet<_> = events.iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), events.len(), "one id for each outcome");
}

#[test]
fn events_fit_the_wire() {
    use shared::{
        Address, InvalidAddress, Reason,
        delivery_event::{MAX_ID, MAX_REPLY},
    };
    for event in feed_all(&mut LogParser::new(config()), LOG) {
        let malformed = event.reason == Some(Reason::AddressFormat);
        let parse = if malformed { Address::parse_malformed } else { Address::parse };
        match event.address.as_str() {
            // One server took it. On a list it could stand for nobody, so the service refuses it.
            "\"\"@x.test" => assert_eq!(parse(&event.address), Err(InvalidAddress::EmptyLocalPart)),
            address => assert!(parse(address).is_ok(), "{address}"),
        }
        assert!(event.id.len() <= MAX_ID);
        assert!(event.reply.is_none_or(|reply| reply.chars().count() <= MAX_REPLY));
        assert!(event.smtp_code.is_none_or(|code| (200..600).contains(&code)));
        assert!(event.status.is_none_or(|status| status.len() <= 16));
        assert_eq!(event.occurred_at.date_naive().to_string(), "2026-11-23");
    }
}

/// A restart at any line, with the stored state, changes nothing.
#[test]
fn a_restart_loses_and_doubles_nothing() {
    let whole = feed_all(&mut LogParser::new(config()), LOG);
    let lines: Vec<_> = LOG.lines().collect();
    for stop in (0..lines.len()).step_by(97) {
        let mut first = LogParser::new(config());
        let mut events = feed_all(&mut first, &lines[..stop].join("\n"));
        let stored = serde_json::to_string(first.state()).unwrap();
        drop(first);
        let state: State = serde_json::from_str(&stored).unwrap();
        events.extend(feed_all(&mut LogParser::with_state(config(), state), &lines[stop..].join("\n")));
        assert_eq!(events, whole, "restart at line {stop}");
    }
}

#[test]
fn lines_read_twice_give_the_same_ids() {
    let mut log = LogParser::new(config());
    let first: BTreeSet<_> = feed_all(&mut log, LOG).into_iter().map(|event| event.id).collect();
    let second: BTreeSet<_> = feed_all(&mut log, LOG).into_iter().map(|event| event.id).collect();
    assert_eq!(first, second);
}

#[test]
fn all_messages_leave_the_memory() {
    let mut log = LogParser::new(config());
    feed_all(&mut log, LOG);
    assert!(log.state().len() < 10, "{} messages left", log.state().len());
}

#[test]
fn our_refusals_are_told_from_all_others() {
    let ours = [
        "Nov 23 18:18:44 mx postfix/submission/smtpd[7]: NOQUEUE: reject: RCPT from c.test[192.0.2.1]: 550 5.7.1 <v@live.test>: Recipient address rejected: Blocked by Stoplist: address keeps failing; from=<a@app.test> to=<v@live.test> proto=ESMTP helo=<x>",
        "Nov 23 18:18:44 mx postfix/smtpd[7]: 4dFQ0z1Xy8z2: reject: RCPT from c.test[192.0.2.1]:4711: 554 5.7.1 <v@live.test>: Recipient address rejected: Blocked by Stoplist; from=<a@app.test> to=<v@live.test> proto=ESMTP helo=<x>",
        "Nov 23 17:36:55 mx postfix/error[9964]: 6E87C9DE11C: to=<v@live.test>, relay=none, delay=0, delays=0/0/0/0, dsn=5.7.1, status=bounced (Blocked by Stoplist: address keeps failing)",
    ];
    for line in ours {
        let events = one(line, "postfix");
        assert_eq!(events.len(), 1, "{line}");
        assert_eq!(events[0].reason, Some(shared::Reason::BlockedAddress), "{line}");
        assert_eq!(events[0].address, "v@live.test");
        assert!(one(line, "postfix-out").is_empty(), "another instance");
    }
    let remote = "Nov 23 17:36:55 mx postfix/smtp[9]: 6E87C9DE11C: to=<v@live.test>, relay=m.test[192.0.2.1]:25, delay=0, delays=0/0/0/0, dsn=5.7.1, status=bounced (host m.test[192.0.2.1] said: 550 5.7.1 Blocked by Stoplist (in reply to RCPT TO command))";
    assert_eq!(one(remote, "postfix")[0].reason, Some(shared::Reason::Other));
    let by_name = r#"Nov 23 18:18:44 mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from c.test[192.0.2.1]: 550 5.1.1 <"Blocked by Stoplist"@live.test>: Recipient address rejected: User unknown; from=<a@app.test> to=<"Blocked by Stoplist"@live.test> proto=ESMTP helo=<x>"#;
    assert!(one(by_name, "postfix").is_empty());
}

#[test]
fn strange_addresses_survive_and_cannot_forge_fields() {
    for address in [
        "foo@bad..test",
        "foo@",
        "foo@[300.1.2.3]",
        r#""a b"@x.test"#,
        r#""here<u-511-t"@x.test"#,
        r#""x>, relay=none, dsn=2.0.0, status=sent (y"@x.test"#,
        r#""quote\">, dsn=2.0.0, status=sent ("@x.test"#,
    ] {
        let line = format!(
            "2026-11-23T17:10:19.123456+09:00 mx postfix/smtp[1]: 7EF619DE0FC: to=<{address}>, relay=m.test[192.0.2.1]:25, delay=0.13, delays=0/0/0/0, dsn=5.1.1, status=bounced (host m.test[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command))"
        );
        let events = one(&line, "postfix");
        assert_eq!(events.len(), 1, "{address}");
        assert_eq!((events[0].address.as_str(), events[0].outcome), (address, Outcome::Error));
        assert_eq!(events[0].smtp_code, Some(550));
        assert_eq!(events[0].occurred_at, utc("2026-11-23T08:10:19.123456Z"));
    }
}

#[test]
fn the_year_and_zone_come_from_the_reference_time() {
    let at = |time: &str, now: &str| {
        let line =
            format!("{time} mx postfix/smtp[1]: 7E: to=<a@x.test>, relay=m, delay=0, dsn=2.0.0, status=sent (250 ok)");
        let now = DateTime::parse_from_rfc3339(now).unwrap();
        LogParser::new(of("postfix")).feed(line.as_bytes(), now)[0].occurred_at
    };
    assert_eq!(at("Dec 31 23:59:59", "2027-01-01T00:00:05+00:00"), utc("2026-12-31T23:59:59+00:00"));
    assert_eq!(at("Jan  1 00:00:01", "2026-12-31T23:59:59+00:00"), utc("2027-01-01T00:00:01+00:00"));
    assert_eq!(at("Nov 23 17:10:19", "2026-11-24T00:00:00+09:00"), utc("2026-11-23T08:10:19+00:00"));
    assert_eq!(at("Feb 29 12:00:00", "2026-11-24T00:00:00+00:00"), utc("2024-02-29T12:00:00+00:00"));
}

#[test]
fn an_expired_message_fails_only_for_those_still_waiting() {
    let mut log = LogParser::new(of("postfix"));
    let events = feed_all(
        &mut log,
        "Nov 23 10:00:00 mx postfix/qmgr[1]: 4AAA: from=<s@a.test>, size=1, nrcpt=3 (queue active)
Nov 23 10:00:01 mx postfix/smtp[2]: 4AAA: to=<later@x.test>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to x: Connection refused)
Nov 23 10:00:01 mx postfix/smtp[2]: 4AAA: to=<never@x.test>, orig_to=<alias@y.test>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to x: Connection refused)
Nov 23 11:00:01 mx postfix/smtp[2]: 4AAA: to=<later@x.test>, relay=x[192.0.2.1]:25, delay=3601, dsn=2.0.0, status=sent (250 ok)
Nov 28 10:00:01 mx postfix/qmgr[1]: 4AAA: from=<s@a.test>, status=expired, returned to sender
Nov 28 10:00:01 mx postfix/qmgr[1]: 4AAA: removed",
    );
    // The reference time is before the 28th, which is then last year's: only the order of lines matters here.
    let found: Vec<_> = events.iter().map(|event| (event.address.as_str(), event.reason)).collect();
    assert_eq!(found, [("later@x.test", None), ("alias@y.test", Some(shared::Reason::ResendTimeout))]);
}

/// Deliveries on this machine are no events, and so are none when their time is up.
#[test]
fn only_what_waits_for_another_server_expires() {
    let expired = |program: &str| {
        let mut log = LogParser::new(of("postfix"));
        let events = feed_all(
            &mut log,
            &format!(
                "Nov 23 10:00:00 mx postfix/qmgr[1]: 4AAA: from=<s@a.test>, size=1, nrcpt=1 (queue active)
Nov 23 10:00:01 mx postfix/{program}[2]: 4AAA: to=<taro@x.test>, relay=none, delay=1, dsn=4.2.0, status=deferred (busy)
Nov 23 11:00:01 mx postfix/qmgr[1]: 4AAA: from=<s@a.test>, status=expired, returned to sender"
            ),
        );
        events.into_iter().map(|event| event.address).collect::<Vec<_>>()
    };
    for program in ["smtp", "lmtp", "error", "qmgr"] {
        assert_eq!(expired(program), ["taro@x.test"], "{program}");
    }
    for program in ["local", "virtual", "pipe"] {
        assert_eq!(expired(program), [""; 0], "{program}");
    }
}

/// A program on the mail server left out the domain: Postfix logs what it was given and what it made of it.
#[test]
fn a_recipient_without_a_domain_is_the_one_that_postfix_completed() {
    for (orig_to, address) in [("foo", "foo@mx.test"), ("alias@mx.test", "alias@mx.test")] {
        let line = format!(
            "Nov 23 17:10:20 mx postfix/smtp[1]: 7E: to=<foo@mx.test>, orig_to=<{orig_to}>, relay=m.test[192.0.2.1]:25, delay=1, dsn=5.1.1, status=bounced (host m.test[192.0.2.1] said: 550 5.1.1 User unknown (in reply to RCPT TO command))"
        );
        assert_eq!(one(&line, "postfix")[0].address, address);
    }
}

/// The reason of each event, `None` for a delivery, where these relays are ignored.
fn reasons(ignored: &[&str], log: &str) -> Vec<Option<shared::Reason>> {
    let ignored_relays = ignored.iter().map(|relay| relay.parse::<Relay>().unwrap()).collect();
    let events = feed_all(&mut LogParser::new(Config { ignored_relays, ..of("postfix") }), log);
    events.into_iter().map(|event| event.reason).collect()
}

/// amavis gives each message back to Postfix, under another queue id.
#[test]
fn a_message_through_a_content_filter_has_one_outcome() {
    let log = "Nov 23 17:10:19 mx postfix/qmgr[1201]: 4ZzQxv0001z1: from=<news@shop.test>, size=2161, nrcpt=1 (queue active)
Nov 23 17:10:20 mx amavis[977]: (00977-01) Passed CLEAN {RelayedOutbound}, <news@shop.test> -> <taro@example.com>, Queue-ID: 4ZzQxv0001z1, queued_as: 4ZzQxw0002z2, 1091 ms
Nov 23 17:10:20 mx postfix/smtp[1310]: 4ZzQxv0001z1: to=<taro@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1.2, delays=0.05/0.01/0/1.1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4ZzQxw0002z2)
Nov 23 17:10:20 mx postfix/qmgr[1201]: 4ZzQxv0001z1: removed
Nov 23 17:10:20 mx postfix/qmgr[1201]: 4ZzQxw0002z2: from=<news@shop.test>, size=2610, nrcpt=1 (queue active)
Nov 23 17:10:21 mx postfix/smtp[1312]: 4ZzQxw0002z2: to=<taro@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=0.9, delays=0.02/0.01/0.5/0.4, dsn=5.1.1, status=bounced (host mx.example.com[192.0.2.1] said: 550 5.1.1 <taro@example.com>: Recipient address rejected: User unknown (in reply to RCPT TO command))
Nov 23 17:10:21 mx postfix/qmgr[1201]: 4ZzQxw0002z2: removed";
    let refused = Some(shared::Reason::UnknownUser);
    for ignored in ["127.0.0.1[127.0.0.1]:10024", "127.0.0.1:10024"] {
        assert_eq!(reasons(&[ignored], log), [refused], "{ignored}");
    }
    assert_eq!(reasons(&[], log), [None, refused]);
    assert_eq!(reasons(&["127.0.0.1:10025", "[::1]:10024"], log), [None, refused], "others");
}

#[test]
fn what_fails_at_a_content_filter_is_told_and_never_the_recipients_fault() {
    use shared::Reason::{Other, ResendTimeout, UnknownHost, UnknownUser};
    for (otherwise, outcome) in [
        (
            UnknownUser,
            "relay=amavis[172.18.0.3]:10024, delay=1, dsn=5.1.1, status=bounced (host amavis[172.18.0.3] said: 550 5.1.1 <taro@example.com>: Recipient address rejected: User unknown (in reply to RCPT TO command))",
        ),
        (
            UnknownHost,
            "relay=none, delay=1, dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for name=amavis type=A: Host not found)",
        ),
        (
            ResendTimeout,
            "relay=amavis[172.18.0.3]:10024, delay=1, dsn=4.5.0, status=deferred (host amavis[172.18.0.3] said: 451 4.5.0 Error in processing, id=00977-02, virus_scan FAILED (in reply to end of DATA command))",
        ),
        (
            ResendTimeout,
            "relay=none, delay=1, dsn=4.4.1, status=deferred (connect to amavis[172.18.0.3]:10024: Connection refused)",
        ),
    ] {
        let log = format!(
            "Nov 23 10:00:01 mx postfix/smtp[2]: 4AAA: to=<taro@example.com>, {outcome}
Nov 23 15:00:01 mx postfix/qmgr[1]: 4AAA: from=<news@shop.test>, status=expired, returned to sender"
        );
        assert_eq!(reasons(&["amavis:10024"], &log), [Some(Other)], "{outcome}");
        assert_eq!(reasons(&[], &log), [Some(otherwise)], "{outcome}");
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(lines in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..200), 0..20)) {
        let mut log = LogParser::new(config());
        for line in lines {
            log.feed(&line, now());
        }
    }

    #[test]
    fn cut_and_spoilt_lines_never_panic(line in 0usize..2348, cut in 0usize..400, byte in proptest::num::u8::ANY) {
        let mut bytes = LOG.lines().nth(line).unwrap().as_bytes().to_vec();
        let mut log = LogParser::new(config());
        let at = cut.min(bytes.len().saturating_sub(1));
        log.feed(&bytes[..at], now());
        bytes[at] = byte;
        log.feed(&bytes, now());
    }
}
