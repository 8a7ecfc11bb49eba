//! What happened to an address, newest first.

use crate::{
    i18n::Texts,
    state::{Preferences, texts, ticking},
    ui::{Badge, Moment, Tone, smtp_reply, time},
};
use leptos::prelude::*;
use shared::address_history::{AddressError, AddressEvent, AddressEventKind};

/// One thing that happened.
pub fn event(event: AddressEvent) -> AnyView {
    let texts = texts();
    let words = &texts.history;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (class, title) = match event.kind {
        AddressEventKind::Error => ("event", words.error),
        AddressEventKind::Blocked => ("event event-bad", words.blocked),
        AddressEventKind::Removed => ("event event-good", event.cause.map_or(texts.release, texts.removal_cause)),
        AddressEventKind::Exempted => ("event event-good", words.exempted),
        AddressEventKind::ExemptionEnded => ("event event-warn", words.exemption_ended),
    };
    let uncounted = event.error.as_ref().is_some_and(|error| !error.counted);
    let comment = event.comment.clone();
    view! {
        <li class=class>
            <div class="row spread">
                <div class="row">
                    <strong>{title}</strong>
                    <span>{(texts.reason)(event.reason)}</span>
                    {event.origin.map(|origin| view! { <span class="soft">{(texts.origin)(origin)}</span> })}
                    {uncounted.then(|| view! { <Badge tone=Tone::Plain text=words.uncounted/> })}
                </div>
                <span class="soft small"><Moment at=event.at language now=Some(ticking())/></span>
            </div>
            {event.error.as_ref().map(|error| told(texts, error))}
            <p class="meta">{who(texts, &event)}{effect(texts, &event, language)}</p>
            {comment.map(|comment| view! { <p class="written">{comment}</p> })}
        </li>
    }
    .into_any()
}

/// What the mail server was told, and which one it was.
fn told(texts: &'static Texts, error: &AddressError) -> AnyView {
    let reply = smtp_reply(error.smtp_code, error.status.clone(), error.reply.clone());
    let server = error.mail_server_name.clone();
    view! {
        {match reply {
            Some(reply) => view! { <p class="reply">{reply}</p> }.into_any(),
            None => view! { <p class="faint small">{texts.no_reply}</p> }.into_any(),
        }}
        {server.map(|name| view! { <p class="meta"><span>{texts.history.reported_by}" "{name}</span></p> })}
    }
    .into_any()
}

/// Who did it.
fn who(texts: &'static Texts, event: &AddressEvent) -> AnyView {
    let words = &texts.history;
    let operation = event.list_operation.map(|operation| {
        let name = (texts.uploads.kind)(operation.kind);
        view! { <span>{words.by_operation}" "{name}</span> }
    });
    view! {
        {event.by.clone().map(|by| view! { <span class="break">{words.by}" "{by}</span> })}
        {event.run_id.map(|_| view! { <span>{words.by_run}</span> })}
        {operation}
    }
    .into_any()
}

/// Since when it is in effect, where that can be asked.
fn effect(texts: &'static Texts, event: &AddressEvent, language: &'static str) -> Option<AnyView> {
    let words = &texts.history;
    let text = match (event.kind, event.version, event.published_at) {
        (AddressEventKind::Blocked | AddressEventKind::Removed, Some(version), Some(published)) => {
            (words.in_version)(version, &time::date_time(published, language, None))
        }
        (AddressEventKind::Blocked, None, _) => words.takes_effect.to_owned(),
        _ => return None,
    };
    Some(view! { <span>{text}</span> }.into_any())
}
