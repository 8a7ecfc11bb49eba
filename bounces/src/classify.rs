//! Why a reply failed.

use crate::rules::RULES;
use regex::Regex;
use serde::{Deserialize, Serialize};
use shared::Reason;
use std::{borrow::Cow, sync::LazyLock};

/// What the server had been told when it replied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The connection, before any command.
    Connect,
    /// HELO, EHLO, STARTTLS or AUTH.
    Helo,
    /// MAIL FROM.
    Mail,
    /// RCPT TO: the reply is about one recipient.
    Rcpt,
    /// DATA or its end: the reply may be about the message.
    Data,
    /// Not known, or no remote server was asked. Taken from the text where Postfix or Exim wrote it there.
    #[default]
    Unknown,
}

/// The final reply for one recipient.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reply<'a> {
    /// The SMTP reply code; left out, it is taken from the text.
    pub smtp_code: Option<u16>,
    /// The enhanced status code (RFC 3463); left out or x.0.0, it is taken from the text.
    pub status: Option<&'a str>,
    /// The reply as the log, the bounce message or the provider has it.
    pub text: &'a str,
    /// When the server said so.
    pub phase: Phase,
    /// Whether the mail server gave up because the retry time ended.
    pub expired: bool,
}

/// Why the delivery failed, by the first rule of `rules.toml` that fits; [`Reason::Other`] when none does.
///
/// Never [`Reason::BlockedAddress`]: only the place where a reply was found can tell that it is our own.
///
/// ```
/// use bounces::{Phase, Reply, classify};
/// use shared::Reason;
///
/// let text = "550 5.1.1 <taro@example.com>: Recipient address rejected: User unknown in virtual mailbox table";
/// assert_eq!(classify(&Reply { text, phase: Phase::Rcpt, ..Reply::default() }), Reason::UnknownUser);
/// let text = "550 5.7.1 Our system has detected that this message is likely unsolicited mail";
/// assert_eq!(classify(&Reply { text, phase: Phase::Data, ..Reply::default() }), Reason::Other);
/// ```
pub fn classify(reply: &Reply<'_>) -> Reason {
    decide(reply).map_or(Reason::Other, |rule| rule.reason)
}

fn decide(reply: &Reply<'_>) -> Option<&'static crate::rules::Rule> {
    let phase = match reply.phase {
        Phase::Unknown => phase_in(reply.text),
        known => known,
    };
    let said = remote_text(reply.text);
    let (text_code, text_status) = codes_in(said);
    let code = reply.smtp_code.or(text_code).map_or_else(String::new, |code| code.to_string());
    let status = match reply.status {
        None | Some("" | "5.0.0") => text_status.unwrap_or_default(),
        Some(status) => status,
    };
    let status = if status == "5.0.0" { "" } else { status };
    let text = plain(said);
    RULES.iter().find(|rule| rule.matches(reply.expired, phase, &code, status, &text))
}

/// The reply's own code and enhanced status code, from its first words.
pub(crate) fn codes_in(text: &str) -> (Option<u16>, Option<&str>) {
    static CODES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*(?:([245][0-9][0-9])\b[- ]?)?\s*#?(?:([245]\.[0-9]{1,3}\.[0-9]{1,3})\b)?").expect("constant")
    });
    let Some(found) = CODES.captures(text) else { return (None, None) };
    let code = found.get(1).and_then(|code| code.as_str().parse().ok());
    (code, found.get(2).map(|status| status.as_str()))
}

/// What the remote server said, without the words that Postfix puts around it; the whole text where it asked none.
pub(crate) fn remote_text(text: &str) -> &str {
    static AROUND: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?s)^\s*host \S+ (?:said|refused to talk to me): (.*?)\s*(?:\(in reply to [^()]*\))?\s*$")
            .expect("constant")
    });
    AROUND.captures(text).and_then(|found| found.get(1)).map_or(text, |said| said.as_str())
}

/// The phase as Postfix and Exim write it beside the reply.
pub(crate) fn phase_in(text: &str) -> Phase {
    static PHASE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?x)\(in\s+reply\s+to\s+([^()]*?)(?:\s+command)?\)\s*$
            | ^\s*host\s\S+\s(refused\sto\stalk\sto\sme)
            | remote\smail\sserver\safter\s(.{4,16})",
        )
        .expect("constant")
    });
    let Some(found) = PHASE.captures(text) else { return Phase::Unknown };
    let Some(command) = found.iter().skip(1).flatten().next() else { return Phase::Unknown };
    let command = command.as_str().to_ascii_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| command.starts_with(word));
    if starts(&["rcpt"]) {
        Phase::Rcpt
    } else if starts(&["data", "end of data", "pipelined end of", "."]) {
        Phase::Data
    } else if starts(&["mail", "pipelined mail"]) {
        Phase::Mail
    } else if starts(&["helo", "ehlo", "lhlo", "starttls", "auth"]) {
        Phase::Helo
    } else if starts(&["refused", "initial conn"]) {
        Phase::Connect
    } else {
        Phase::Unknown
    }
}

/// One line without repeated codes, and without addresses: a mailbox may be called `spam` or `unknown.user`.
fn plain(text: &str) -> String {
    static ADDRESS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"<[^\s<>]*@[^<>]*>|[^\s<>"(]+@[^\s<>"),;:]+"#).expect("constant"));
    static REPEATED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r" [245][0-9][0-9](?:-(?:[245]\.[0-9]+\.[0-9]+)?| [245]\.[0-9]+\.[0-9]+) ?").expect("constant")
    });
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = REPEATED.replace_all(&text, " ");
    match ADDRESS.replace_all(&text, "<address>") {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Expected reason, phase and text of each reply in the table.
    fn replies() -> Vec<(Reason, Phase, &'static str)> {
        let table = include_str!("../tests/samples/replies.tsv").lines();
        let rows = table.filter(|line| !line.is_empty() && !line.starts_with('#'));
        rows.map(|line| {
            let [reason, phase, text] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("columns: {line}") };
            let phase = serde_json::from_value(phase.into()).unwrap_or_else(|error| panic!("{line}: {error}"));
            (reason.parse().unwrap_or_else(|error| panic!("{line}: {error}")), phase, text)
        })
        .collect()
    }

    #[test]
    fn real_replies_get_their_reason() {
        let replies = replies();
        assert!(replies.len() >= 60);
        let wrong: Vec<_> = replies
            .iter()
            .filter_map(|&(expected, phase, text)| {
                let reply = Reply { text, phase, ..Reply::default() };
                let rule = decide(&reply).map_or("none", |rule| &rule.id);
                let found = classify(&reply);
                (found != expected).then(|| format!("{expected} expected, {found} by {rule}: {phase:?} {text}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// What Postfix writes around a reply tells the phase; code and status may come apart from the text.
    #[test]
    fn the_form_of_a_reply_does_not_matter() {
        for (expected, phase, text) in replies() {
            let command = match phase {
                Phase::Connect => {
                    let text = format!("host mx.test[192.0.2.9] refused to talk to me: {text}");
                    assert_eq!(classify(&Reply { text: &text, ..Reply::default() }), expected, "{text}");
                    continue;
                }
                Phase::Mail => "MAIL FROM command",
                Phase::Rcpt => "RCPT TO command",
                Phase::Data => "end of DATA command",
                Phase::Helo | Phase::Unknown => continue,
            };
            let (smtp_code, status) = codes_in(text);
            let logged = format!("host mx.test[192.0.2.9] said: {text} (in reply to {command})");
            let reply = Reply { smtp_code, status: status.or(Some("5.0.0")), text: &logged, ..Reply::default() };
            let expected = if smtp_code.is_some_and(|code| code < 500) { Reason::ResendTimeout } else { expected };
            assert_eq!(classify(&reply), expected, "{logged}");
        }
    }

    #[test]
    fn expiry_is_a_timeout_whatever_was_said_last() {
        for (_, phase, text) in replies() {
            let reply = Reply { text, phase, expired: true, ..Reply::default() };
            assert_eq!(classify(&reply), Reason::ResendTimeout, "{text}");
        }
    }

    #[test]
    fn every_reason_that_counts_has_examples() {
        let reasons: BTreeSet<_> = replies().into_iter().map(|(reason, ..)| reason).collect();
        assert!(Reason::COUNTED.iter().all(|reason| reasons.contains(reason)));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_replies_never_panic_and_never_claim_our_mark(text: String, code: u16, status: String) {
            let reply = Reply { smtp_code: Some(code), status: Some(&status), text: &text, ..Reply::default() };
            proptest::prop_assert!(!matches!(classify(&reply), Reason::BlockedAddress | Reason::Registered));
        }
    }
}
