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
