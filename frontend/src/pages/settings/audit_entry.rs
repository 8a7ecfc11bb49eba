//! An entry of the audit log: who did what, and what changed.

use crate::{
    api::{AuditEntry, Change},
    i18n::Texts,
    state::{Configurations, Preferences, Session},
    ui::{Badge, Drawn, Moment, Tone, time},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use shared::{Reason, account::Plan, audit::ActorKind, session::Role};
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
    let name = move || told.clone().or_else(|| id.and_then(|id| account(id).or_else(|| configuration(id))));
    let object = entry.object;
    (move || match (name(), id) {
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
        let name: Vec<_> =
            change.name.split('.').map(|part| named(words.field, &told(texts, language, part))).collect();
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
    let side = |value: Option<String>| value.map_or_else(|| "–".to_owned(), |value| told(texts, language, &value));
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
fn told(texts: &'static Texts, language: &'static str, value: &str) -> String {
    let reason = || Reason::ALL.into_iter().find(|reason| reason.as_str() == value).map(texts.reason);
    let plan = || Plan::ALL.into_iter().find(|plan| plan.as_str() == value).map(texts.plan);
    let role = || Role::ALL.into_iter().find(|role| role.as_str() == value).map(texts.people.role);
    let known = match value {
        "true" => Some(texts.audit.yes),
        "false" => Some(texts.audit.no),
        _ => reason().or_else(plan).or_else(role),
    };
    let moment = || value.parse::<DateTime<Utc>>().ok().map(|at| time::date_time(at, language, None));
    known.map(str::to_owned).or_else(moment).unwrap_or_else(|| value.to_owned())
}
