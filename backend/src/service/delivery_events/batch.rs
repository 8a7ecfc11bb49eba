//! Reads a batch of delivery events: one wrong item never costs the others.

use crate::{
    service::{Error, Result},
    store::delivery_events::NewEvent,
};
use chrono::{DateTime, TimeDelta, Utc};
use garde::Validate;
use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use shared::{
    Address, Reason,
    delivery_event::{MAX_AHEAD_HOURS, MAX_BATCH, MAX_ID, MAX_REPLY, NewDeliveryEvent, Outcome},
};
use std::fmt;

/// How a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON array (`application/json`).
    JsonArray,
    /// One JSON object a line (`application/x-ndjson`). Empty lines are skipped and have no index.
    Ndjson,
}

/// An item that is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The item's id, if it could be read.
    pub id: Option<String>,
    /// Why, naming the field.
    pub detail: String,
}

/// An item as it was read.
pub type Item = std::result::Result<NewDeliveryEvent, Rejection>;

/// Reads the items of a batch.
///
/// # Errors
/// [`Error::Malformed`] when the body is no JSON array, [`Error::TooLarge`] when it has more than [`MAX_BATCH`] items.
pub fn read(format: Format, body: &[u8]) -> Result<Vec<Item>> {
    let items: Vec<&[u8]> = match format {
        Format::JsonArray => {
            let mut deserializer = serde_json::Deserializer::from_slice(body);
            let items = Elements.deserialize(&mut deserializer).and_then(|items| deserializer.end().map(|()| items));
            items.map_err(|error| {
                Error::Malformed(format!("the body is not a JSON array of delivery events: {error}"))
            })?
        }
        Format::Ndjson => {
            body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
        }
    };
    if items.len() > MAX_BATCH {
        return Err(Error::TooLarge(format!("a batch has at most {MAX_BATCH} delivery events: send them in parts")));
    }
    Ok(items.into_iter().map(item).collect())
}

/// The elements of an array as they are written; those after one too many are skipped without being kept.
struct Elements;

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Vec<&'de [u8]>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> std::result::Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element::<&'de RawValue>()? {
            items.push(item.get().as_bytes());
            if items.len() > MAX_BATCH {
                while array.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(items)
    }
}

fn item(json: &[u8]) -> Item {
    if json.first() == Some(&b'[') {
        // serde would take the values in the fields' order.
        return Err(Rejection { id: None, detail: "invalid type: an array, expected an object".to_owned() });
    }
    let event: NewDeliveryEvent =
        serde_json::from_slice(json).map_err(|_| Rejection { id: readable_id(json), detail: json_error(json) })?;
    match event.validate() {
        Ok(()) => Ok(event),
        Err(report) => {
            let details: Vec<String> = report.iter().map(|(path, error)| format!("{path}: {error}")).collect();
            Err(Rejection { id: Some(event.id).filter(|id| is_id(id)), detail: details.join("; ") })
        }
    }
}

/// What serde says, with the field in front.
fn json_error(json: &[u8]) -> String {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, NewDeliveryEvent>(&mut deserializer) {
        Err(error) if error.path().iter().next().is_some() => format!("{}: {}", error.path(), error.inner()),
        Err(error) => error.inner().to_string(),
        Ok(_) => "something follows the object".to_owned(),
    }
}

fn readable_id(json: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    value.get("id")?.as_str().filter(|id| is_id(id)).map(str::to_owned)
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.chars().count())
}

/// Checks what the JSON's form does not say, and finds the reason where the sender left it out.
///
/// # Errors
/// The text names the field and says what it may be.
pub fn check(event: NewDeliveryEvent, now: DateTime<Utc>) -> std::result::Result<NewEvent, String> {
    for (field, text) in [("id", Some(&event.id)), ("status", event.status.as_ref())] {
        if text.is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(format!("{field}: has a control character"));
        }
    }
    if event.occurred_at > now + TimeDelta::hours(MAX_AHEAD_HOURS) {
        return Err(format!("occurred_at: is more than {MAX_AHEAD_HOURS} hours in the future"));
    }
    let reason = match (event.outcome, event.reason) {
        (Outcome::Delivered, None) => None,
        (Outcome::Delivered, Some(_)) => return Err("reason: only an event with the outcome error has one".to_owned()),
        (Outcome::Error, Some(Reason::Registered)) => return Err("reason: registered is not an error".to_owned()),
        (Outcome::Error, Some(reason)) => Some(reason),
        (Outcome::Error, None) => Some(classify(&event)),
    };
    let address = if reason == Some(Reason::AddressFormat) {
        Address::parse_malformed(&event.address)
    } else {
        Address::parse(&event.address)
    };
    let (address, key) = address.map_err(|error| format!("address: {error}"))?.into_parts();
    Ok(NewEvent {
        event_id: event.id,
        domain: key.domain().to_owned(),
        address_key: key.as_str().to_owned(),
        address,
        outcome: event.outcome,
        reason,
        smtp_code: event.smtp_code,
        status: event.status,
        reply: event.reply.map(|reply| storable(&reply)),
        occurred_at: event.occurred_at,
    })
}

/// PostgreSQL's text cannot hold NUL; some servers send it.
fn storable(reply: &str) -> String {
    reply.chars().take(MAX_REPLY).map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Finds the reason in the SMTP reply. An outcome is final, so a reply that asks to try again later means that the
/// retry time ended. Our own mark proves nothing here: whoever has it from a remote server would report it too.
fn classify(event: &NewDeliveryEvent) -> Reason {
    let text = event.reply.as_deref().unwrap_or_default();
    if text.contains(bounces::MARK) {
        return Reason::Other;
    }
    let temporary_code = event.smtp_code.is_some_and(|code| (400..500).contains(&code));
    let temporary_status = event.status.as_deref().is_some_and(|status| status.starts_with("4."));
    bounces::classify(&bounces::Reply {
        smtp_code: event.smtp_code,
        status: event.status.as_deref(),
        text,
        expired: temporary_code || temporary_status,
        ..bounces::Reply::default()
    })
}
