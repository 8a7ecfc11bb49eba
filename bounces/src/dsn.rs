//! Reads bounce messages: delivery status notifications (RFC 3464).

use crate::{
    MARK, Reply,
    classify::{codes_in, phase_in},
    event,
};
use chrono::{DateTime, Utc};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};
use shared::{
    Reason,
    delivery_event::{NewDeliveryEvent, Outcome},
};
use std::collections::HashMap;

/// What [`parse`] needs to know beside the message.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The host names of our own mail servers (`myhostname`). Only their reports can say that the list refused.
    pub own_hosts: &'a [String],
    /// When the message came in: the time of the failure where the report has no readable date.
    pub received_at: DateTime<Utc>,
}

/// Why a message gives no events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no mail message.
    #[error("this is no mail message: hand over the whole message with its header")]
    NotAMessage,
    /// There is no `message/delivery-status` part.
    #[error("this is no bounce message: it has no message/delivery-status part (RFC 3464)")]
    NotAReport,
}

/// The failures that a bounce message reports; none for one that only says that a message is late or was delivered.
///
/// A Postfix report gives the same ids as [`crate::postfix::LogParser`] where `Config::server` is its Reporting-MTA.
///
/// # Errors
/// [`Error`] says what the message is not.
pub fn parse(message: &[u8], context: &Context<'_>) -> Result<Vec<NewDeliveryEvent>, Error> {
    let message = MessageParser::default().parse(without_mbox_line(message)).ok_or(Error::NotAMessage)?;
    let report = message.parts.iter().find(|part| is_delivery_status(part)).ok_or(Error::NotAReport)?;
    let report = String::from_utf8_lossy(report.contents());
    let mut groups = groups(&report);
    if groups.is_empty() {
        return Err(Error::NotAReport);
    }
    let about_message = groups.remove(0);
    let source = Source::new(&message, &about_message, context);
    let explanations = explanations(&message);
    Ok(groups.iter().filter_map(|recipient| failure(recipient, &source, &explanations)).collect())
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
        let queue_id = about_message.get("x-postfix-queue-id").cloned();
        let report_id = message.message_id().map_or_else(|| event::id(&[&message_text(message)]), str::to_owned);
        let date = message.date().and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0));
        Self { reporting_mta, queue_id, report_id, ours, date: date.unwrap_or(context.received_at) }
    }
}

fn failure(recipient: &Fields, source: &Source, explanations: &HashMap<String, String>) -> Option<NewDeliveryEvent> {
    if !recipient.get("action")?.eq_ignore_ascii_case("failed") {
        return None;
    }
    let last = address(recipient, "final-recipient");
    let address = address(recipient, "original-recipient").or(last)?;
    let explanation = [Some(address), last].into_iter().flatten().find_map(|address| explanations.get(address));
    let explanation = explanation.map_or("", String::as_str);
    let diagnostic = typed(recipient, "diagnostic-code");
    let text = diagnostic.map_or(explanation, |(_, text)| text);
    let reported = recipient.get("status").map(|status| first_word(status)).filter(|status| status.len() <= 16);
    let status = match reported {
        // Exim says 5.0.0 always: the reply knows better.
        None | Some("5.0.0") => codes_in(text).1.or(reported),
        known => known,
    };
    let phase = phase_in(explanation);
    let expired = source.queue_id.is_none() && explanation.contains("retry timeout exceeded");
    let reply = Reply { smtp_code: None, status, text, phase, expired };
    let own_words = !recipient.contains_key("remote-mta")
        && diagnostic.is_none_or(|(kind, _)| kind.eq_ignore_ascii_case("x-postfix"))
        && !text.contains(" said: ");
    let blocked = (source.ours && own_words && text.contains(MARK)).then_some(Reason::BlockedAddress);
    let id = match &source.queue_id {
        Some(queue_id) => event::queue_id(&source.reporting_mta, queue_id, address, Outcome::Error),
        None => event::id(&["report", &source.reporting_mta, &source.report_id, address]),
    };
    let at = recipient.get("last-attempt-date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    Some(event::error(id, address, &reply, blocked, at.map_or(source.date, |at| at.to_utc())))
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

/// What the text part says about each address: `<address>: text` (Postfix), or the address alone on its line and the
/// text below it (Exim); up to the next empty line.
fn explanations(message: &Message<'_>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for paragraph in paragraphs(&message_text(message)) {
        let Some((first, rest)) = paragraph.split_first() else { continue };
        // Replies repeat the address: its first end counts.
        let named = first.strip_prefix('<').and_then(|first| first.split_once(">: "));
        let (address, start) = named.unwrap_or((first, ""));
        let text: Vec<_> = [start].into_iter().chain(rest.iter().copied()).filter(|line| !line.is_empty()).collect();
        found.entry(address.to_owned()).or_insert_with(|| text.join(" "));
    }
    found
}

fn paragraphs(text: &str) -> Vec<Vec<&str>> {
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
