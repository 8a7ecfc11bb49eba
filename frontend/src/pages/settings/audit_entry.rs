//! An entry of the audit log: who did what, and what changed.

use crate::{
    api::{AuditEntry, Change, word},
    i18n::Texts,
    reactive::memo,
    state::{Configurations, Preferences, Session},
    ui::{Badge, Drawn, Moment, Tone, time},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use shared::audit::ActorKind;
use uuid::Uuid;

/// So many characters of an id tell it from others: the last ones, the first are the time.
const TAIL: usize = 12;

/// A row; what changed is shown when it is opened.
pub fn row(texts: &'static Texts, entry: AuditEntry) -> AnyView {
    let words = &texts.audit;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let kind = entry.actor_kind;
    view! {
        <tr>
            <td class="soft"><Moment at=entry.at language now=None/></td>
            <td class="wrap">
                <span class="row">
                    <span class="break">{entry.actor_name.clone()}</span>
                    {(kind != ActorKind::User).then(|| view! { <Badge tone=Tone::Plain text=(words.actor_kind)(kind)/> })}
                </span>
            </td>
            <td class="address">
                <details>
                    <summary>{named(words.action, &entry.action)}</summary>
                    {details(texts, language, &entry)}
                </details>
            </td>
            <td class="wrap">{object(texts, entry)}</td>
        </tr>
    }
    .into_any()
}

/// What an entry is about, by its name if that is known.
fn object(texts: &'static Texts, entry: AuditEntry) -> AnyView {
    let (Configurations(loader), session) = (expect_context(), expect_context::<Session>());
    let told = entry.object_name().map(str::to_owned);
    let id = entry.object.parse::<Uuid>().ok();
    let account = move |id: Uuid| session.me().filter(|me| me.account_id == Some(id))?.account_name;
    let configuration = move |id: Uuid| {
        loader.data.with(|all| all.as_ref()?.iter().find(|one| one.id == id).map(|one| one.name.clone()))
    };
    let name = memo(move |_| told.clone().or_else(|| id.and_then(|id| account(id).or_else(|| configuration(id)))));
    let object = entry.object;
    (move || match (name.get(), id) {
        (Some(name), _) => name.into_any(),
        (None, Some(_)) => {
            let tail = format!("…{}", &object[object.len() - TAIL..]);
            view! { <code class="faint" title=object.clone()>{tail}</code> }.into_any()
        }
        (None, None) => named(texts.audit.field, &object).into_any(),
    })
    .into_any()
}

/// What changed, why, and from where.
fn details(texts: &'static Texts, language: &'static str, entry: &AuditEntry) -> AnyView {
    let words = &texts.audit;
    let compares = entry.compares();
    let changed = entry.changes().into_iter().map(|change| {
        let part = |part| known(texts, "reason", part).map_or_else(|| named(words.field, part), str::to_owned);
        let name: Vec<_> = change.name.split('.').map(part).collect();
        (name.join(" · "), in_words(texts, language, change, compares))
    });
    let rest = [
        (texts.comment, entry.comment.clone()),
        (words.object, Some(entry.object.clone()).filter(|object| object.parse::<Uuid>().is_ok())),
        (words.action_label, Some(entry.action.clone())),
        (words.client_address, entry.client_address.clone()),
        (words.request, entry.request_id.clone()),
    ];
    let rest = rest.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
    let line = |(name, value): (String, String)| view! { <div class="fact"><dt>{name}</dt><dd>{value}</dd></div> };
    view! { <dl class="changes">{changed.chain(rest).map(line).drawn()}</dl> }.into_any()
}

fn in_words(texts: &'static Texts, language: &'static str, change: Change, compares: bool) -> String {
    let field = change.name.rsplit('.').next().unwrap_or_default();
    let side =
        |value: Option<String>| value.map_or_else(|| "–".to_owned(), |value| told(texts, language, field, &value));
    match (compares, change.before, change.after) {
        (false, before, after) => side(after.or(before)),
        (true, before, after) => format!("{} → {}", side(before), side(after)),
    }
}

/// What a name of the API is called; names that this console does not know stay as they are.
fn named(words: fn(&str) -> &'static str, name: &str) -> String {
    let known = words(name);
    if known.is_empty() { name.to_owned() } else { known.to_owned() }
}

/// A value of the API for people.
fn told(texts: &'static Texts, language: &'static str, field: &str, value: &str) -> String {
    if let Ok(at) = value.parse::<DateTime<Utc>>() {
        return time::date_time(at, language, None);
    }
    // Some fields have several words.
    let words: Vec<_> = value.split(", ").map(|word| known(texts, field, word).unwrap_or(word)).collect();
    words.join(", ")
}

/// What a word of the API is called in its field; `None`: it is somebody's own word, or one that this console does not
/// know.
fn known(texts: &'static Texts, field: &str, value: &str) -> Option<&'static str> {
    fn called<T: DeserializeOwned>(value: &str, words: fn(T) -> &'static str) -> Option<&'static str> {
        word(value).map(words)
    }
    let (uploads, inquiries) = (&texts.uploads, &texts.inquiries);
    match (field, value) {
        (_, "true") => Some(texts.audit.yes),
        (_, "false") => Some(texts.audit.no),
        ("reason" | "cancel_blocking", _) => called(value, texts.reason),
        ("plan", _) => called(value, texts.plan),
        ("role", _) => called(value, texts.people.role),
        ("scopes", _) => called(value, texts.tokens.scope),
        ("origin", _) => called(value, texts.origin),
        ("kind", _) => called(value, uploads.kind),
        ("category", _) => called(value, inquiries.category_name),
        ("encoding", _) => called(value, uploads.encoding_name),
        ("delimiter", _) => called(value, uploads.delimiter_name),
        // Of an inquiry, an upload, a bulk change, or the filter of a bulk release.
        ("state", _) => called(value, inquiries.state)
            .or_else(|| called(value, uploads.upload_state))
            .or_else(|| called(value, uploads.operation_state))
            .or_else(|| called(value, texts.block_state)),
        ("proven_by", _) => Some((texts.audit.proof)(value)).filter(|proof| !proof.is_empty()),
        ("delivery_timing", "now") => Some(texts.timing_now),
        ("delivery_timing", "next_execution") => Some(texts.next_execution),
        ("list", "blocked-list") => Some(texts.blocked_list),
        ("list", "stop-cancellation-list") => Some(texts.stop_cancellation),
        ("list", "error-log") => Some(texts.error_log),
        ("list", "delivery-log") => Some(texts.delivery_log),
        ("list", "audit-log") => Some(texts.audit.audit_log),
        _ => None,
    }
}
