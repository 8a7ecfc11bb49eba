//! The error log.

use crate::{
    api::EventQuery,
    pages::{Day, Domain, listing::listing, reason_options},
    state::{Configuration, Preferences, Url, client, debounced, load, texts, ticking},
    ui::{Moment, Search, Select, Table, time},
};
use leptos::prelude::*;
use shared::delivery_event::DeliveryEvent;

/// Sending errors: search, filter, what the other server replied.
#[component]
pub fn ErrorLog() -> impl IntoView {
    let (texts, client, url) = (texts(), client(), Url::current());
    let id = Configuration::open().id;
    let query = move || EventQuery {
        q: url.get("q"),
        domain: url.get("domain"),
        reason: url.get("reason"),
        from: time::start_of_day(&url.get("from"), 0).unwrap_or_default(),
        to: time::start_of_day(&url.get("to"), 1).unwrap_or_default(),
        cursor: url.get("cursor"),
    };
    let loader = load(move || id.get(), query, move |id, query| client.error_log(id, query));
    let table = move |rows: Memo<Vec<DeliveryEvent>>| {
        let head = vec![texts.mail_address, texts.error_reason, texts.smtp_reply, texts.date];
        view! {
            <Table label=texts.error_log head busy=loader.busy>
                <For each=move || rows.get() key=|row| row.id let:row>{line(row)}</For>
            </Table>
        }
        .into_any()
    };
    let value = move |name: &'static str| Signal::derive(move || url.get(name));
    let filters = &["q", "domain", "reason", "from", "to"];
    view! {
        <div class="stack">
            <p class="soft">{texts.error_log_text}</p>
            <div class="filters">
                <Search id="q" label=texts.search_address value=value("q") typed=debounced(move |text| url.filter("q", &text))/>
                <Select
                    id="reason" label=texts.filter_reason value=value("reason") options=reason_options()
                    choose=move |text: String| url.filter("reason", &text)
                />
                <Domain/>
                <Day id="from" label=texts.from_day/>
                <Day id="to" label=texts.to_day/>
            </div>
            {listing(loader, url, filters, (texts.error_log_empty, texts.error_log_empty_text), table)}
        </div>
    }
    .into_any()
}

fn line(event: DeliveryEvent) -> AnyView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let code = event.smtp_code.map(|code| code.to_string());
    // Most replies begin with their codes; the others get them put before.
    let whole = event.reply.as_ref().zip(code.as_ref()).is_some_and(|(reply, code)| reply.starts_with(code.as_str()));
    let codes = [code, event.status].into_iter().flatten().filter(|_| !whole);
    let reply: Vec<String> = codes.chain(event.reply).collect();
    view! {
        <tr>
            <td class="address">{event.address}</td>
            <td>{event.reason.map(texts.reason)}</td>
            <td class="wrap">
                {if reply.is_empty() {
                    view! { <span class="faint">{texts.no_reply}</span> }.into_any()
                } else {
                    view! { <span class="reply">{reply.join(" ")}</span> }.into_any()
                }}
            </td>
            <td><Moment at=event.occurred_at language now=Some(ticking())/></td>
        </tr>
    }
    .into_any()
}
