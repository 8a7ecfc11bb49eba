//! Takes a log line apart.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, TimeDelta, TimeZone, Utc};

/// A line that tells something about a message or a refusal.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) at: DateTime<Utc>,
    /// The line as it stands in the log.
    pub(super) whole: &'a str,
    pub(super) record: Record<'a>,
}

#[derive(Debug)]
pub(super) enum Record<'a> {
    /// The queue manager has the message.
    From { queue_id: &'a str, sender: &'a str },
    /// A delivery attempt for one recipient.
    Outcome(Outcome<'a>),
    /// The whole message is given up; names no recipient. `forced` by `postsuper -e`.
    Expired { queue_id: &'a str, forced: bool },
    /// The message has left the queue; its id may be used again.
    Removed { queue_id: &'a str },
    /// smtpd refused a recipient.
    Refused { recipient: &'a str, reply: &'a str },
}

#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) queue_id: &'a str,
    /// The delivery agent: `smtp`, `error`, `local` and so on.
    pub(super) program: &'a str,
    pub(super) to: &'a str,
    pub(super) orig_to: Option<&'a str>,
    /// `name[address]:port` of the server; `none` where none was reached.
    pub(super) relay: &'a str,
    pub(super) dsn: &'a str,
    pub(super) status: &'a str,
    pub(super) text: &'a str,
}

/// Reads a line of the syslog name; `None` for every line that tells nothing.
pub(super) fn parse<'a>(whole: &'a str, syslog_name: &str, now: DateTime<FixedOffset>) -> Option<Line<'a>> {
    let (at, rest) = timestamp(whole, now)?;
    let (_host, rest) = rest.split_once(' ')?;
    let (tag, rest) = rest.split_once(": ")?;
    let tag = tag.split_once('[').map_or(tag, |(tag, _pid)| tag);
    let services = tag.strip_prefix(syslog_name)?.strip_prefix('/')?;
    let program = services.rsplit('/').next()?;
    let (queue_id, rest) = rest.split_once(": ")?;
    let record = if program == "smtpd" {
        refused(rest)?
    } else if queue_id.is_empty() || !queue_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    } else if program == "qmgr" && rest.starts_with("from=<") {
        from(queue_id, rest)?
    } else if program == "qmgr" && rest == "removed" {
        Record::Removed { queue_id }
    } else {
        Record::Outcome(outcome(queue_id, program, rest)?)
    };
    Some(Line { at, whole, record })
}

/// The time and the rest of the line: `Nov 23 17:10:19 …` or RFC 3339.
fn timestamp(line: &str, now: DateTime<FixedOffset>) -> Option<(DateTime<Utc>, &str)> {
    if line.starts_with(|first: char| first.is_ascii_digit()) {
        let (time, rest) = line.split_once(' ')?;
        return Some((DateTime::parse_from_rfc3339(time).ok()?.to_utc(), rest));
    }
    let (time, rest) = (line.get(..15)?, line.get(16..)?);
    let latest = now + TimeDelta::try_days(1)?;
    // 29 February: up to eight years back.
    (0..=9).find_map(|back| {
        let year = now.year().checked_add(1)?.checked_sub(back)?;
        let local = NaiveDateTime::parse_from_str(&format!("{year} {time}"), "%Y %b %e %H:%M:%S").ok()?;
        let at = now.offset().from_local_datetime(&local).single()?;
        (at <= latest).then(|| (at.to_utc(), rest))
    })
}

/// `from=<…>, size=…` or `from=<…>, status=expired, returned to sender`.
fn from<'a>(queue_id: &'a str, rest: &'a str) -> Option<Record<'a>> {
    let (sender, rest) = address(rest.strip_prefix("from=<")?)?;
    match rest.strip_prefix(", status=") {
        Some(status) if status.starts_with("expired") => Some(Record::Expired { queue_id, forced: false }),
        Some(status) if status.starts_with("force-expired") => Some(Record::Expired { queue_id, forced: true }),
        Some(_) => None,
        None => Some(Record::From { queue_id, sender }),
    }
}

/// `to=<…>, orig_to=<…>, relay=…, delay=…, dsn=5.1.1, status=bounced (…)`.
fn outcome<'a>(queue_id: &'a str, program: &'a str, rest: &'a str) -> Option<Outcome<'a>> {
    let (to, mut rest) = address(rest.strip_prefix("to=<")?)?;
    let mut orig_to = None;
    if let Some(original) = rest.strip_prefix(", orig_to=<") {
        let (original, after) = address(original)?;
        (orig_to, rest) = (Some(original), after);
    }
    let (fields, result) = rest.split_once(", status=")?;
    let dsn = fields.split(", ").find_map(|field| field.strip_prefix("dsn="))?;
    let relay = fields.split(", ").find_map(|field| field.strip_prefix("relay=")).unwrap_or("none");
    let (status, text) = result.split_once(' ').unwrap_or((result, ""));
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    Some(Outcome { queue_id, program, to, orig_to, relay, dsn, status, text })
}

/// `reject: RCPT from …: 550 5.7.1 <…>: Recipient address rejected: …; from=<…> to=<…> proto=…`.
fn refused(rest: &str) -> Option<Record<'_>> {
    // A port may follow the client's `name[address]`.
    let (_client, rest) = rest.strip_prefix("reject: RCPT from ")?.split_once(']')?;
    let (_port, rest) = rest.split_once(": ")?;
    // Our reply contains no address but the recipient's own, and that one is quoted: the first `; from=<` is smtpd's.
    let (reply, session) = rest.split_once("; from=<")?;
    let (_sender, session) = address(session)?;
    let (recipient, _) = address(session.strip_prefix(" to=<")?)?;
    Some(Record::Refused { recipient, reply })
}

/// The address up to its closing `>`, which does not count inside quotes, and what follows.
fn address(text: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted && matches!(text.as_bytes().get(at + 1), None | Some(b',' | b' ')) => {
                return Some((&text[..at], &text[at + 1..]));
            }
            _ => {}
        }
    }
    // Unbalanced quotes: the first `>` that ends a field.
    let end = text.find(">, ").or_else(|| text.find("> "))?;
    Some((&text[..end], &text[end + 1..]))
}
