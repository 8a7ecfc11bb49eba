//! Reads bounce messages: delivery status notifications (RFC 3464), and the plain text of mail systems that send none.

use crate::{
    MARK, Reply,
    classify::{codes_in, phase_in},
    event,
    event::{clip, is_qualified},
    plain_text,
    postfix::Relay,
};
use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};
use regex::Regex;
use shared::{
    Reason,
    delivery_event::{NewDeliveryEvent, Outcome},
};
use std::{collections::HashMap, sync::LazyLock};

/// The most failures that one report is taken to tell: as many recipients as every server takes for one message
/// (RFC 5321 section 4.5.3.1.8).
const MAX_FAILURES: usize = 100;
/// How much of what is said about a recipient is read, in characters. No server says nearly as much.
const MAX_SAID: usize = 4_000;
/// No server tries for nearly as long: what a report dates earlier is of a wrong clock.
const MAX_AGE: TimeDelta = TimeDelta::days(30);

/// What [`parse`] needs to know beside the message.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The host names of our own mail servers (`myhostname`). Only their reports can say that the list refused.
    pub own_hosts: &'a [String],
    /// When the message came in: the time of the failure where the report gives none that can be.
    pub received_at: DateTime<Utc>,
    /// Whom the failed message was sent to, where the address that the bounce message came to tells it
    /// ([`crate::BounceAddress`]). A server behind a forwarding names another address, which was never sent to.
    pub sent_to: Option<&'a str>,
    /// As [`crate::postfix::Config::ignored_relays`].
    pub ignored_relays: &'a [Relay],
}

impl Context<'_> {
    /// The time that a report gives, if it can be: Stoplist takes nothing from the future, nor what is older than it
    /// keeps, and for another server's wrong clock no failure should be lost.
    fn possible(&self, date: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (TimeDelta::zero()..=MAX_AGE).contains(&self.received_at.signed_duration_since(date)).then_some(date)
    }
}

/// Why a message gives no events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no mail message.
    #[error("this is no mail message: hand over the whole message with its header")]
    NotAMessage,
    /// There is no `message/delivery-status` part, and it is not a mail system's text about a recipient that is known.
    #[error("this is no bounce message: it has no message/delivery-status part (RFC 3464)")]
    NotAReport,
}

/// The failures that a bounce message reports; none for one that only says that a message is late or was delivered.
///
/// A Postfix report gives the same ids as [`crate::postfix::LogParser`] where `Config::server` is its Reporting-MTA.
/// Without a report, a mail system's text that quotes a permanent refusal is a failure of [`Context::sent_to`].
///
/// # Errors
/// [`Error`] says what the message is not.
pub fn parse(message: &[u8], context: &Context<'_>) -> Result<Vec<NewDeliveryEvent>, Error> {
    let message = MessageParser::default().parse(without_mbox_line(message)).ok_or(Error::NotAMessage)?;
    let Some(report) = message.parts.iter().find(|part| is_delivery_status(part)) else {
        return without_report(&message, context).map(|failure| vec![failure]).ok_or(Error::NotAReport);
    };
    let report = String::from_utf8_lossy(report.contents());
    let groups = groups(&report);
    let Some((about_message, recipients)) = groups.split_first() else { return Err(Error::NotAReport) };
    // Some servers leave out the empty line between what is about the message and the first recipient (RFC 3464
    // section 2.1), or what is about the message.
    let recipients = if about_message.contains_key("action") { groups.as_slice() } else { recipients };
    let source = Source::new(&message, about_message, context);
    let explanations = explanations(&message);
    // One message to one recipient fails once, to however many addresses it was forwarded.
    let limit = if context.sent_to.is_some() { 1 } else { MAX_FAILURES };
    let failures = recipients.iter().filter_map(|recipient| failure(recipient, &source, &explanations, context));
    Ok(failures.take(limit).collect())
}

/// What a mail system says in plain text about a message to a known recipient.
fn without_report(message: &Message<'_>, context: &Context<'_>) -> Option<NewDeliveryEvent> {
    let address = context.sent_to?;
    let sender = message.from()?.first()?.address()?;
    // People answer bounce addresses too, and let programs answer for them.
    if !is_mail_system(sender) {
        return None;
    }
    let text = message_text(message);
    let refusal = plain_text::refusal(&text)?;
    let said = clip(&refusal.text, MAX_SAID);
    let reply = Reply { status: refusal.status.as_deref(), text: &said, ..Reply::default() };
    let source = Source::new(message, &Fields::new(), context);
    let id = event::id(&["report", &source.reporting_mta, &source.report_id, address]);
    Some(event::error(id, address, &reply, None, source.date))
}

fn is_mail_system(sender: &str) -> bool {
    let local = sender.split('@').next().unwrap_or_default();
    ["mailer-daemon", "postmaster"].iter().any(|name| local.eq_ignore_ascii_case(name))
}

/// What all recipients of one report share.
struct Source {
    reporting_mta: String,
    /// Where the reporting server is Postfix.
    queue_id: Option<String>,
    /// Tells this report from every other.
    report_id: String,
    ours: bool,
    date: DateTime<Utc>,
}

impl Source {
    fn new(message: &Message<'_>, about_message: &Fields, context: &Context<'_>) -> Self {
        let reporting_mta = typed(about_message, "reporting-mta").map_or("", |(_, host)| host).to_lowercase();
        let ours = context.own_hosts.iter().any(|host| host.eq_ignore_ascii_case(&reporting_mta));
        // `X-Postfix-Queue-ID`: Postfix puts its `mail_name` there.
        let queue_id = about_message.iter().find(|(name, _)| name.starts_with("x-") && name.ends_with("-queue-id"));
        let queue_id = queue_id.map(|(_, id)| id.clone());
        let report_id = message.message_id().map_or_else(|| event::id(&[&message_text(message)]), str::to_owned);
        let date = message.date().and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0));
        let date = date.and_then(|date| context.possible(date)).unwrap_or(context.received_at);
        Self { reporting_mta, queue_id, report_id, ours, date }
    }
}

fn failure(
    recipient: &Fields,
    source: &Source,
    explanations: &HashMap<String, Explanation>,
    context: &Context<'_>,
) -> Option<NewDeliveryEvent> {
    if !recipient.get("action")?.eq_ignore_ascii_case("failed") {
        return None;
    }
    let last = address(recipient, "final-recipient");
    let original = address(recipient, "original-recipient").filter(|original| is_qualified(original));
    // Who was sent to is known from a VERP address, also where the report names nobody.
    let named = original.or(last).or(context.sent_to)?;
    let explained = [Some(named), last].into_iter().flatten().find_map(|address| explanations.get(address));
    let explanation = explained.map_or("", |explained| explained.text.as_str());
    let diagnostic = typed(recipient, "diagnostic-code");
    let text = clip(diagnostic.map_or(explanation, |(_, text)| text), MAX_SAID);
    let reported = recipient.get("status").map(|status| first_word(status)).filter(|status| status.len() <= 16);
    let status = match reported {
        // Exim says 5.0.0 always: the reply knows better.
        None | Some("5.0.0") => codes_in(&text).1.or(reported),
        known => known,
    };
    let phase = phase_in(explanation);
    let expired = source.queue_id.is_none() && explanation.contains("retry timeout exceeded");
    let reply = Reply { smtp_code: None, status, text: &text, phase, expired };
    let own_words = !recipient.contains_key("remote-mta")
        && diagnostic.is_none_or(|(kind, _)| kind.eq_ignore_ascii_case("x-postfix"))
        && !text.contains(" said: ");
    let blocked = (source.ours && own_words && text.contains(MARK)).then_some(Reason::BlockedAddress);
    // As the mail log has it.
    let at_filter = source.ours && context.ignored_relays.iter().any(|relay| relay.failed_in(explanation));
    let reason = blocked.or(at_filter.then_some(Reason::Other));
    let (id, address) = match &source.queue_id {
        Some(queue_id) => {
            // Original-Recipient is what the sender asked to be told (ORCPT); the log has what the message said.
            let logged = match (explained, last) {
                (Some(explained), Some(last)) => {
                    explained.expanded_from.as_deref().filter(|from| is_qualified(from)).unwrap_or(last)
                }
                _ => named,
            };
            let id = event::queue_id(&source.reporting_mta, queue_id, logged, Outcome::Error);
            (id, context.sent_to.unwrap_or(logged))
        }
        None => {
            let address = context.sent_to.unwrap_or(named);
            (event::id(&["report", &source.reporting_mta, &source.report_id, address]), address)
        }
    };
    let at = recipient.get("last-attempt-date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let at = at.and_then(|at| context.possible(at.to_utc())).unwrap_or(source.date);
    Some(event::error(id, address, &reply, reason, at))
}

/// The header fields of one group, by name in lower case; the first of a name counts.
type Fields = HashMap<String, String>;

/// The groups of fields between empty lines, folded lines joined.
fn groups(report: &str) -> Vec<Fields> {
    let mut groups = Vec::new();
    let mut group = Fields::new();
    let mut last: Option<(String, String)> = None;
    for line in report.lines().chain([""]) {
        if let (Some((_, value)), true) = (&mut last, line.starts_with([' ', '\t']) && !line.trim().is_empty()) {
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        if let Some((name, value)) = last.take() {
            group.entry(name).or_insert(value);
        }
        if line.trim().is_empty() {
            if !group.is_empty() {
                groups.push(std::mem::take(&mut group));
            }
        } else if let Some((name, value)) = line.split_once(':') {
            last = Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    groups
}

/// The type and the value of `type; value`.
fn typed<'a>(fields: &'a Fields, name: &str) -> Option<(&'a str, &'a str)> {
    let (kind, value) = fields.get(name)?.split_once(';')?;
    Some((kind.trim(), value.trim()))
}

/// The mail address of a recipient field.
fn address<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let (kind, value) = typed(fields, name)?;
    let mail = ["rfc822", "utf-8"].iter().any(|mail| kind.eq_ignore_ascii_case(mail));
    let value = value.strip_prefix('<').and_then(|value| value.strip_suffix('>')).unwrap_or(value);
    (mail && !value.is_empty()).then_some(value)
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// What the text part says about an address.
struct Explanation {
    /// The address that the message named, where an alias of this server led to another one.
    expanded_from: Option<String>,
    text: String,
}

/// What the text part says about each address, up to the next empty line: `<address>: text` or
/// `<address> (expanded from <address>): text` (Postfix), or the address alone on its line and the text below it (Exim).
fn explanations(message: &Message<'_>) -> HashMap<String, Explanation> {
    // Replies repeat the address: its first end counts.
    static NAMED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^<(.*?)>(?: \(expanded from <(.*?)>\))?: (.*)$").expect("constant"));
    let mut found = HashMap::new();
    for paragraph in paragraphs(&message_text(message)) {
        let Some((first, rest)) = paragraph.split_first() else { continue };
        let whole = clip(&paragraph.join(" "), MAX_SAID);
        let (address, expanded_from, text) = match NAMED.captures(&whole) {
            Some(named) => {
                let part = |group| named.get(group).map(|part| part.as_str().to_owned());
                (part(1).unwrap_or_default(), part(2), part(3).unwrap_or_default())
            }
            None => ((*first).to_owned(), None, clip(&rest.join(" "), MAX_SAID)),
        };
        found.entry(address).or_insert(Explanation { expanded_from, text });
    }
    found
}

pub(crate) fn paragraphs(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.split(|line| line.is_empty()).filter(|paragraph| !paragraph.is_empty()).map(<[_]>::to_vec).collect()
}

fn message_text(message: &Message<'_>) -> String {
    message.body_text(0).unwrap_or_default().into_owned()
}

fn is_delivery_status(part: &MessagePart<'_>) -> bool {
    part.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case("message")
            && kind.subtype().is_some_and(|subtype| {
                ["delivery-status", "global-delivery-status"].iter().any(|wanted| subtype.eq_ignore_ascii_case(wanted))
            })
    }) && !matches!(part.body, PartType::Multipart(_))
}

/// A mailbox file and some delivery programs put a `From ` line above the header.
fn without_mbox_line(message: &[u8]) -> &[u8] {
    if !message.starts_with(b"From ") {
        return message;
    }
    let end = message.iter().position(|byte| *byte == b'\n').map_or(message.len(), |end| end + 1);
    &message[end..]
}
