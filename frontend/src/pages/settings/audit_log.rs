//! The audit log: who changed what.

use super::audit_entry::row;
use crate::{
    api::{AuditEntry, AuditQuery},
    pages::{Day, Download, MoreFilters, listing::listing},
    reactive::memo,
    state::{Session, Url, client, debounced, load, texts},
    ui::{Search, Select, Table, time},
};
use leptos::prelude::*;
use shared::audit::ActorKind;

/// The parameters of the URL that narrow the log.
const FILTERS: &[&str] = &["q", "actor_kind", "from", "to"];

/// Search, filter, download: of the account that is open, or of what providers did outside of all accounts.
#[component]
pub fn AuditLog() -> impl IntoView {
    let (texts, client, url, session) = (texts(), client(), Url::current(), expect_context::<Session>());
    let words = &texts.audit;
    let query = move || AuditQuery {
        q: url.get("q"),
        actor_kind: url.get("actor_kind"),
        from: time::start_of_day(&url.get("from"), 0).unwrap_or_default(),
        to: time::start_of_day(&url.get("to"), 1).unwrap_or_default(),
        cursor: url.get("cursor"),
    };
    let account = memo(move |_| session.me().and_then(|me| me.account_id));
    // Whoever has paged on goes on reading where they are.
    let news = move || if url.get("cursor").is_empty() { session.account() } else { 0 };
    let loader = load(move || account.get(), move || (query(), news()), move |_, (query, _)| client.audit_log(query));
    let table = move |rows: Memo<Vec<AuditEntry>>| {
        let head = vec![words.when, words.who, words.what, words.object];
        view! {
            <Table label=words.audit_log head busy=loader.busy>
                <For each=move || rows.get() key=|entry| entry.number let:entry>{row(texts, entry)}</For>
            </Table>
        }
        .into_any()
    };
    let value = move |name: &'static str| Signal::derive(move || url.get(name));
    let kinds = std::iter::once(("", texts.any))
        .chain(ActorKind::ALL.into_iter().map(|kind| (kind.as_str(), (words.actor_kind)(kind))))
        .collect::<Vec<_>>();
    view! {
        <div class="stack">
            <p class="soft">
                {move || if account.get().is_some() { words.audit_log_text } else { words.provider_text }}
            </p>
            <div class="stack-tight">
                <div class="filters">
                    <Search id="q" label=words.search value=value("q") typed=debounced(move |text| url.typed("q", &text))/>
                    <Download name=words.audit_log filters=FILTERS search=move |()| untrack(query).search()/>
                </div>
                <MoreFilters names=&["actor_kind", "from", "to"]>
                    <Select
                        id="actor-kind" label=words.who value=value("actor_kind") options=kinds
                        choose=move |text: String| url.choose("actor_kind", &text)
                    />
                    <Day id="from" label=texts.from_day/>
                    <Day id="to" label=texts.to_day/>
                </MoreFilters>
            </div>
            {listing(loader, url, FILTERS, (words.empty, words.audit_log_text), table)}
        </div>
    }
    .into_any()
}
