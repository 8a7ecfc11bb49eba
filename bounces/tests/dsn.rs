//! Bounce messages of a real Postfix and a real Exim.

use bounces::{
    dsn::{self, Context, Error},
    postfix::{Config, LogParser, Relay},
};
use chrono::{DateTime, Utc};
use shared::{
    Reason,
    delivery_event::{NewDeliveryEvent, Outcome},
};
use std::{collections::BTreeMap, fs, path::Path};

fn received_at() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-24T00:00:00Z").unwrap().to_utc()
}

fn parse(message: &[u8], own_host: &str) -> Result<Vec<NewDeliveryEvent>, Error> {
    parse_sent_to(message, own_host, None)
}

fn parse_sent_to(message: &[u8], own_host: &str, sent_to: Option<&str>) -> Result<Vec<NewDeliveryEvent>, Error> {
    parse_with(message, own_host, sent_to, &[])
}

fn parse_with(
    message: &[u8],
    own_host: &str,
    sent_to: Option<&str>,
    ignored_relays: &[Relay],
) -> Result<Vec<NewDeliveryEvent>, Error> {
    let own_hosts = &[own_host.to_owned()];
    dsn::parse(message, &Context { own_hosts, received_at: received_at(), sent_to, ignored_relays })
}

/// Every message of a folder of samples, by file name.
fn samples(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(folder);
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect()
}

fn check(folder: &str, own_host: &str, expected: &[(&str, &str)]) {
    let samples = samples(folder);
    let found: Vec<_> = samples
        .iter()
        .map(|(name, message)| {
            let events = parse(message, own_host).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(events.len(), 1, "{name}");
            assert_eq!(events[0].outcome, Outcome::Error, "{name}");
            assert_eq!(events[0].occurred_at.date_naive().to_string(), "2026-11-23", "{name}");
            // The file's name is the address with brackets replaced.
            assert_eq!(events[0].address.replace(['[', ']'], "_"), *name);
            (name.as_str(), events[0].reason.unwrap().as_str())
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn postfix_reports() {
    check(
        "postfix-dsn",
        "pfe.mta.test",
        &[
            ("a@dead.test", "resend_timeout"),
            ("a@no-such-tld.invalidtld", "unknown_host"),
            ("a@nomx.test", "unknown_host"),
            ("a@nullmx.test", "unknown_host"),
            ("a@nxdomain.test", "unknown_host"),
            ("a@servfail.test", "resend_timeout"),
            ("foo@", "address_format"),
            ("foo@-bad-.test", "address_format"),
            ("foo@_300.1.2.3_", "address_format"),
            ("foo@bad..test", "address_format"),
            ("foo@x", "unknown_host"),
            ("u-421-a@x.test", "resend_timeout"),
            ("u-422-a@gm.test", "resend_timeout"),
            // A list that is not ours: it bears no mark.
            ("u-422-b@gm.test", "other"),
            ("u-422-f@gm.test", "other"),
            ("u-450-a@gm.test", "resend_timeout"),
            ("u-451-a@x.test", "resend_timeout"),
            ("u-511-a@gm.test", "unknown_user"),
            ("u-5110-a@x.test", "unknown_user"),
            ("u-512-a@x.test", "unknown_host"),
            ("u-513-a@x.test", "address_format"),
            ("u-521-a@x.test", "reception_rejected"),
            ("u-522-a@x.test", "reception_rejected"),
            ("u-553-a@x.test", "address_format"),
            ("u-554d-a@x.test", "other"),
            ("u-571-a@x.test", "other"),
            ("u-571d-a@gm.test", "other"),
            ("u-5726-a@gm.test", "other"),
            ("u-bare550-a@x.test", "unknown_user"),
            ("u-bare554-a@yahoo.test", "unknown_user"),
            ("u-ms-a@outlook.test", "unknown_user"),
            ("v7@x.test", "other"),
            ("v8@x.test", "other"),
            ("victim@x.test", "other"),
        ],
    );
}

#[test]
fn what_a_content_filter_refuses_is_other_as_in_the_mail_log() {
    let message = &samples("postfix-dsn")["u-511-a@gm.test"];
    let reason = |own_host: &str, relay: &str| {
        let events = parse_with(message, own_host, None, &[relay.parse().unwrap()]).unwrap();
        events[0].reason
    };
    assert_eq!(reason("pfe.mta.test", "127.0.0.1:25"), Some(Reason::Other));
    assert_eq!(reason("pfe.mta.test", "10.0.0.1:25"), Some(Reason::UnknownUser), "it was another server");
    assert_eq!(reason("mx.elsewhere.test", "127.0.0.1:25"), Some(Reason::UnknownUser), "of another network");
}

#[test]
fn exim_reports() {
    check(
        "exim-dsn",
        "exim.mta.test",
        &[
            ("a@dead.test", "resend_timeout"),
            ("a@nomx.test", "unknown_host"),
            ("a@nullmx.test", "unknown_host"),
            ("a@nxdomain.test", "unknown_host"),
            ("a@servfail.test", "resend_timeout"),
            ("taro.00@outlook.com", "other"),
            ("u-421-x@x.test", "resend_timeout"),
            ("u-422-x@x.test", "resend_timeout"),
            ("u-511-x@x.test", "unknown_user"),
            ("u-511-y@x.test", "unknown_user"),
            ("u-571-x@x.test", "other"),
            ("u-571d-x@x.test", "other"),
            ("u-bare550-x@x.test", "unknown_user"),
        ],
    );
}

/// The log and the bounce message of one failure count once, and agree about the reason.
#[test]
fn a_postfix_report_repeats_what_the_log_said() {
    let config = Config { server: "pfe.mta.test".into(), syslog_name: "pfe".into(), ignored_relays: Vec::new() };
    let mut log = LogParser::new(config);
    let logged: BTreeMap<_, _> = include_str!("samples/postfix-maillog.log")
        .lines()
        .flat_map(|line| log.feed(line.as_bytes(), received_at().fixed_offset()))
        .map(|event| (event.id.clone(), event))
        .collect();
    let samples = samples("postfix-dsn");
    for (name, message) in &samples {
        let event = &parse(message, "pfe.mta.test").unwrap()[0];
        let same = logged.get(&event.id).unwrap_or_else(|| panic!("{name}: the log has no event with this id"));
        assert_eq!((&same.address, same.reason, &same.status), (&event.address, event.reason, &event.status), "{name}");
    }
}

#[test]
fn only_our_own_server_can_say_that_the_list_refused() {
    let marked = |sample: &str, words: &str| {
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(sample)).unwrap();
        assert!(text.contains(words), "{sample}");
        text.replace(words, "Blocked by Stoplist").into_bytes()
    };
    let reason = |message: &[u8], host: &str| parse(message, host).unwrap()[0].reason.unwrap();
    let postfix = marked("postfix-dsn/v7@x.test.eml", "blocked by list");
    assert_eq!(reason(&postfix, "PFE.mta.test"), Reason::BlockedAddress);
    assert_eq!(reason(&postfix, "other.test"), Reason::Other);
    let exim = marked("exim-dsn/taro.00@outlook.com.eml", "blocked by list cfg-7");
    assert_eq!(reason(&exim, "exim.mta.test"), Reason::BlockedAddress);
    let remote = marked("postfix-dsn/u-554d-a@x.test.eml", "Message contents rejected");
    assert_eq!(reason(&remote, "pfe.mta.test"), Reason::Other);
}

fn report(groups: &str) -> Vec<u8> {
    format!(
        "From: MAILER-DAEMON@mx.test\r\nMessage-Id: <1@mx.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.test\r\n\r\n{groups}\r\n--b--\r\n"
    )
    .into_bytes()
}

#[test]
fn delays_and_relays_are_no_failures_and_each_recipient_counts() {
    let message = report(
        "Final-Recipient: rfc822; late@x.test\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n\
         Final-Recipient: rfc822; relayed@x.test\r\nAction: relayed\r\nStatus: 2.0.0\r\n\r\n\
         Original-Recipient: rfc822; alias@x.test\r\nFinal-Recipient: rfc822; a@y.test\r\nAction: Failed\r\n\
         Status: 5.1.1 (unknown)\r\nLast-Attempt-Date: Mon, 23 Nov 2026 17:10:19 +0900\r\n\r\n\
         Final-Recipient: rfc822; \"b c\"@y.test\r\nAction: failed\r\nStatus: 5.2.2\r\n",
    );
    let events = parse(&message, "mx.test").unwrap();
    let found: Vec<_> = events.iter().map(|event| (event.address.as_str(), event.reason.unwrap())).collect();
    assert_eq!(found, [("alias@x.test", Reason::UnknownUser), ("\"b c\"@y.test", Reason::ReceptionRejected)]);
    assert_ne!(events[0].id, events[1].id);
    assert_eq!(events[0].occurred_at, DateTime::parse_from_rfc3339("2026-11-23T08:10:19Z").unwrap());
    assert_eq!(events[1].occurred_at, received_at(), "no date in the report");
    assert_eq!(parse(&message, "mx.test").unwrap(), events, "the same message again");
}

/// By the clock of a server that is wrong, a failure would be one that the service does not take.
#[test]
fn a_date_that_cannot_be_is_the_time_of_receipt() {
    for (date, expected) in [
        ("Mon, 23 Nov 2026 23:59:59 +0000", "2026-11-23T23:59:59Z"),
        ("Tue, 24 Nov 2026 00:00:01 +0000", "2026-11-24T00:00:00Z"),
        ("Fri, 24 Nov 2028 00:00:00 +0000", "2026-11-24T00:00:00Z"),
        ("Sun, 25 Oct 2026 00:00:00 +0000", "2026-10-25T00:00:00Z"),
        ("Sat, 24 Oct 2026 23:59:59 +0000", "2026-11-24T00:00:00Z"),
        ("Thu, 01 Jan 1970 00:00:00 +0000", "2026-11-24T00:00:00Z"),
    ] {
        let expected = DateTime::parse_from_rfc3339(expected).unwrap();
        let failed = "Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n";
        let by_attempt = report(&format!("{failed}Last-Attempt-Date: {date}\r\n"));
        let by_message = [format!("Date: {date}\r\n").into_bytes(), report(failed)].concat();
        for message in [by_attempt, by_message] {
            assert_eq!(parse(&message, "mx.test").unwrap()[0].occurred_at, expected, "{date}");
        }
    }
}

#[test]
fn a_report_without_an_empty_line_or_a_name_still_tells_who_failed() {
    let without_line = report("Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n");
    let without_line = String::from_utf8(without_line).unwrap().replace("mx.test\r\n\r\nFinal", "mx.test\r\nFinal");
    let nobody = report("Action: failed\r\nStatus: 5.1.1\r\n");
    let untyped = report("Final-Recipient: a@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n");
    for (message, without_verp) in
        [(without_line.as_bytes(), Some("a@x.test")), (nobody.as_slice(), None), (untyped.as_slice(), None)]
    {
        for (sent_to, expected) in [(None, without_verp), (Some("taro@example.com"), Some("taro@example.com"))] {
            let events = parse_sent_to(message, "ours.test", sent_to).unwrap();
            let found = events.first().map(|event| (event.address.as_str(), event.reason.unwrap()));
            assert_eq!(found, expected.map(|address| (address, Reason::UnknownUser)), "{sent_to:?}");
        }
    }
}

#[test]
fn what_is_read_of_a_report_is_bounded() {
    let failed = |n| format!("Final-Recipient: rfc822; u{n}@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n");
    let many = report(&(0..150).map(failed).collect::<String>());
    let addresses: Vec<_> = parse(&many, "mx.test").unwrap().into_iter().map(|event| event.address).collect();
    assert_eq!(addresses, (0..100).map(|n| format!("u{n}@x.test")).collect::<Vec<_>>());

    let group = "Final-Recipient: rfc822; a@x.test\r\nAction: failed\r\n";
    let diagnosed = |text: &str| report(&format!("{group}Diagnostic-Code: smtp; {text}\r\n"));
    let explained = |text: &str| {
        let report = String::from_utf8(report(group)).unwrap();
        report.replace("Sorry.", &format!("<a@x.test>: {text}")).into_bytes()
    };
    for (text, reason) in [
        ("550 User unknown".to_owned(), Reason::UnknownUser),
        (format!("550 {}User unknown", "x ".repeat(2_000)), Reason::Other),
    ] {
        for message in [diagnosed(&text), explained(&text)] {
            assert_eq!(parse(&message, "mx.test").unwrap()[0].reason, Some(reason), "{} octets", text.len());
        }
    }
}

#[test]
fn other_messages_are_refused() {
    assert_eq!(parse(b"Subject: hello\r\n\r\nhi\r\n", "mx.test"), Err(Error::NotAReport));
    assert!(parse(b"", "mx.test").is_err());
}

fn log_event(line: &str) -> NewDeliveryEvent {
    let config = Config { server: "mx.test".into(), syslog_name: "postfix".into(), ignored_relays: Vec::new() };
    let mut log = LogParser::new(config);
    log.feed(line.as_bytes(), received_at().fixed_offset()).remove(0)
}

/// Ways in which a report names the recipient otherwise than the log, and Postfix under another name.
#[test]
fn a_postfix_report_has_the_id_of_its_log_line_however_it_names_the_recipient() {
    let report = |original: &str, explanation: &str| {
        format!(
            "From: MAILER-DAEMON@mx.test\r\nMessage-Id: <1@mx.test>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\n{explanation}\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.test\r\nX-Our-Mail-Queue-ID: 4ZzQxv0001z1\r\n\r\n\
             Final-Recipient: rfc822; a@y.test\r\nOriginal-Recipient: rfc822; {original}\r\n\
             Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown\r\n\r\n--b--\r\n"
        )
        .into_bytes()
    };
    let text = "host y.test[192.0.2.1] said: 550 5.1.1 unknown (in reply to RCPT TO command)";
    let logged = |orig_to: &str| {
        log_event(&format!(
            "Nov 23 17:10:19 mx postfix/smtp[1]: 4ZzQxv0001z1: to=<a@y.test>, {orig_to}relay=y.test[192.0.2.1]:25, \
             delay=1, dsn=5.1.1, status=bounced ({text})"
        ))
    };
    for (original, explanation, orig_to, address) in [
        ("a@y.test", format!("<a@y.test>: {text}"), "", "a@y.test"),
        // The application chose what it wants to be told (ORCPT).
        ("customer-7@shop.test", format!("<a@y.test>: {text}"), "", "a@y.test"),
        (
            "alias@mx.test",
            format!("<a@y.test> (expanded from\r\n    <alias@mx.test>): {text}"),
            "orig_to=<alias@mx.test>, ",
            "alias@mx.test",
        ),
        // A program on the server left out the domain, which Postfix completed.
        ("a", format!("<a@y.test> (expanded from <a>): {text}"), "orig_to=<a>, ", "a@y.test"),
    ] {
        let (found, expected) = (&parse(&report(original, &explanation), "mx.test").unwrap()[0], logged(orig_to));
        assert_eq!((&found.id, found.address.as_str()), (&expected.id, address), "{explanation}");
        assert_eq!(found.reason, expected.reason, "{explanation}");
    }
}

#[test]
fn behind_a_forwarding_the_address_that_was_sent_to_failed_and_once() {
    let message = report(
        "Final-Recipient: rfc822; one@far.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
         Final-Recipient: rfc822; two@far.test\r\nAction: failed\r\nStatus: 5.1.1\r\n",
    );
    let events = parse_sent_to(&message, "ours.test", Some("taro@example.com")).unwrap();
    let found: Vec<_> = events.iter().map(|event| (event.address.as_str(), event.reason.unwrap())).collect();
    assert_eq!(found, [("taro@example.com", Reason::UnknownUser)]);
    // Our own server's report keeps the id of the log line, whatever the bounce address tells.
    let own =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/postfix-dsn/u-511-a@gm.test.eml")).unwrap();
    let told = parse_sent_to(&own, "pfe.mta.test", Some("U-511-A@gm.test")).unwrap();
    assert_eq!(told[0].id, parse(&own, "pfe.mta.test").unwrap()[0].id);
}

const QMAIL: &str = "From: MAILER-DAEMON@mx.far.test\r\nSubject: failure notice\r\n\
    Date: 24 Nov 2026 10:11:12 -0000\r\n\r\n\
    Hi. This is the qmail-send program at mx.far.test.\r\n\
    I'm afraid I wasn't able to deliver your message to the following addresses.\r\n\
    This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n\
    <someone@far.test>:\r\nWORDS\r\n\r\n\
    --- Below this line is a copy of the message.\r\n\r\nSubject: 550 5.2.1 ways to save\r\n\r\nnews\r\n";

#[test]
fn a_text_for_people_fails_the_address_that_was_sent_to() {
    for (words, reason, status) in [
        (
            "192.0.2.9 does not like recipient.\r\nRemote host said: 550 5.1.1 User unknown\r\nGiving up on 192.0.2.9.",
            Reason::UnknownUser,
            "5.1.1",
        ),
        ("Sorry, no mailbox here by that name. (#5.1.1)", Reason::UnknownUser, "5.1.1"),
        ("The users mailfolder is over the allowed quota (size). (#5.2.2)", Reason::ReceptionRejected, "5.2.2"),
    ] {
        let message = QMAIL.replace("WORDS", words);
        let events = parse_sent_to(message.as_bytes(), "mx.test", Some("taro@example.com")).unwrap();
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!((event.address.as_str(), event.reason), ("taro@example.com", Some(reason)), "{words}");
        assert_eq!(event.status.as_deref(), Some(status), "{words}");
        assert_eq!(parse_sent_to(message.as_bytes(), "mx.test", Some("taro@example.com")).unwrap(), events);
        assert_eq!(parse(message.as_bytes(), "mx.test"), Err(Error::NotAReport), "nobody knows whom it was sent to");
    }
    for nothing in [
        QMAIL.replace("WORDS", "I will try again."),
        // A person whose program quotes a refusal.
        QMAIL.replace("WORDS", "550 5.1.1 unknown").replace("MAILER-DAEMON@", "hanako@"),
    ] {
        let parsed = parse_sent_to(nothing.as_bytes(), "mx.test", Some("taro@example.com"));
        assert_eq!(parsed, Err(Error::NotAReport), "{nothing}");
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000)) {
        let _ = parse_sent_to(&bytes, "mx.test", Some("a@x.test"));
        let _ = parse(&report(&String::from_utf8_lossy(&bytes)), "mx.test");
    }

    #[test]
    fn cut_and_spoilt_reports_never_panic(cut in 0usize..2400, byte in proptest::num::u8::ANY) {
        let mut bytes = include_bytes!("samples/postfix-dsn/u-511-a@gm.test.eml").to_vec();
        let at = cut.min(bytes.len() - 1);
        let _ = parse(&bytes[..at], "mx.test");
        bytes[at] = byte;
        let _ = parse(&bytes, "mx.test");
    }
}
