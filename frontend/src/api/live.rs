//! Server-sent events, read with `fetch` because `EventSource` cannot send an `Authorization` header.

use super::{ApiError, Client, endpoints::below, parse::parse, sleep::within};
use leptos::task::tick;
use serde::Deserialize;
use shared::{inquiry::InquirySide, run::LiveEvent};
use std::{mem, time::Duration};
use uuid::Uuid;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStreamDefaultReader;

/// How long a stream may be silent: the service says something every 15 seconds. A network that went away while the machine
/// slept says nothing at all.
const SILENCE: Duration = Duration::from_secs(40);

/// How long it may take to open one: a connection that died with the network answers nothing, and is in the way of others.
const OPENING: Duration = Duration::from_secs(15);

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// A server configuration, and the inquiries of its account.
    Configuration(Uuid),
    /// The inquiries of one side.
    Inquiries(InquirySide),
}

/// Follows until the stream ends or the future is dropped.
///
/// `opened` is called once the stream stands, `heard` for each event. What follows the signals that it sets sees every
/// one, also of those that arrive together.
///
/// # Errors
/// The stream could not be opened, or broke off. The service ends it with the access token, which is no error: open it
/// again, with a fresh one.
pub async fn follow(
    client: Client,
    followed: Followed,
    opened: impl FnOnce(),
    heard: impl Fn(LiveEvent),
) -> Result<(), ApiError> {
    let path = match followed {
        Followed::Configuration(id) => below(id, "/live"),
        Followed::Inquiries(InquirySide::Account) => "/live".to_owned(),
        Followed::Inquiries(InquirySide::Provider) => "/provider/live".to_owned(),
    };
    let opening = client.open_stream(&path, "text/event-stream");
    let (response, _open) = within(OPENING, opening).await.ok_or_else(|| client.lost())??;
    let Some(body) = response.body() else { return Err(ApiError::Unreadable(response.status())) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    opened();
    let mut parser = Parser::default();
    loop {
        let chunk = within(SILENCE, JsFuture::from(reader.read())).await.ok_or_else(|| client.lost())?;
        let chunk = chunk.map_err(|_| ApiError::Unreachable)?;
        let value = |name: &str| js_sys::Reflect::get(&chunk, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
        if value("done").is_truthy() {
            return Ok(());
        }
        for data in parser.push(&js_sys::Uint8Array::new(&value("value")).to_vec()) {
            // An event of a newer service that this console does not know is skipped.
            if let Some(event) = read(&data) {
                heard(event);
                // Effects run after what is done in one go, and would see the last event alone.
                tick().await;
            }
        }
    }
}

/// Cuts a byte stream into the data of events (WHATWG HTML section 9.2.6, as far as the service uses it).
#[derive(Default)]
struct Parser {
    buffer: Vec<u8>,
    data: String,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                events.extend(Some(mem::take(&mut self.data)).filter(|data| !data.is_empty()));
            } else if let Some(data) = line.strip_prefix("data:") {
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
        }
        events
    }
}

/// An event by its `type`. The derived way, which takes `type` anywhere and keeps the rest until it is known, would
/// double the code that reads every type in it.
fn read(data: &str) -> Option<LiveEvent> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        name: String,
    }
    #[derive(Deserialize)]
    struct Deleted {
        id: Uuid,
    }
    let kind: Kind = parse(data).ok()?;
    Some(match kind.name.as_str() {
        "run" => LiveEvent::Run(parse(data).ok()?),
        "distribution" => LiveEvent::Distribution(parse(data).ok()?),
        "list_operation" => LiveEvent::ListOperation(parse(data).ok()?),
        "upload" => LiveEvent::Upload(parse(data).ok()?),
        "upload_deleted" => parse(data).map(|Deleted { id }| LiveEvent::UploadDeleted { id }).ok()?,
        "list_changed" => LiveEvent::ListChanged,
        "run_settings_changed" => LiveEvent::RunSettingsChanged,
        "mail_servers_changed" => LiveEvent::MailServersChanged,
        "delivery_events_reported" => LiveEvent::DeliveryEventsReported,
        "inquiries_changed" => LiveEvent::InquiriesChanged,
        "account_changed" => LiveEvent::AccountChanged,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whatever_the_chunks() {
        let stream = b": ping\n\nevent: one\ndata: {\"type\":\"one\"}\n\ndata: first\r\n\r\ndata:{}\n\ndata: begun\n";
        let expected = ["{\"type\":\"one\"}", "first", "{}"];
        for size in 1..stream.len() {
            let mut parser = Parser::default();
            let events: Vec<_> = stream.chunks(size).flat_map(|chunk| parser.push(chunk)).collect();
            assert_eq!(events, expected, "chunks of {size}");
        }
    }
}
