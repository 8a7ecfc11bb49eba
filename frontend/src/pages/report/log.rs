//! The error log and the delivery log.

use crate::{
    api::EventQuery,
    pages::{AddressLink, Day, Domain, Download, MoreFilters, listing::listing, reason_options},
    state::{Configuration, Preferences, Url, client, debounced, load, texts, ticking},
    ui::{Badge, Moment, Search, Select, Table, Tone, smtp_reply, time},
};
use leptos::prelude::*;
use shared::{
    delivery_event::{DeliveryEvent, Outcome},
    download::DownloadList,
};

/// The parameters of the URL that narrow a log.
const FILTERS: &[&str] = &["q", "domain", "outcome", "reason", "from", "to"];

/// Sending errors.
#[component]
pub fn ErrorLog() -> impl IntoView {
    view! { <Log errors=true/> }
}

/// Everything that was sent, delivered or not.
#[component]
pub fn DeliveryLog() -> impl IntoView {
    view! { <Log errors=false/> }
}

/// Search, filter, download, what the other server replied.
#[component]
fn Log(errors: bool) -> impl IntoView {
    let (texts, client, url) = (texts(), client(), Url::current());
    let Configuration { id, live } = Configuration::open();
    let query = move || EventQuery {
        outcome: if errors { Outcome::Error.as_str().to_owned() } else { url.get("outcome") },
        q: url.get("q"),
        domain: url.get("domain"),
        reason: url.get("reason"),
        from: time::start_of_day(&url.get("from"), 0).unwrap_or_default(),
        to: time::start_of_day(&url.get("to"), 1).unwrap_or_default(),
        cursor: url.get("cursor"),
    };
    // Whoever has paged on goes on reading where they are.
    let news = move || if url.get("cursor").is_empty() { live.delivery_events.get() } else { 0 };
    let loader =
        load(move || id.get(), move || (query(), news()), move |id, (query, _)| client.delivery_events(id, query));
    let words = if errors {
        (texts.error_log, texts.error_log_text, texts.error_log_empty, texts.error_log_empty_text)
    } else {
        (texts.delivery_log, texts.delivery_log_text, texts.delivery_log_empty, texts.error_log_empty_text)
    };
    let table = move |rows: Memo<Vec<DeliveryEvent>>| {
        let mut head = vec![texts.mail_address, texts.error_reason, texts.smtp_reply, texts.date];
        if !errors {
            head.insert(1, texts.outcome_label);
        }
        view! {
            <Table label=words.0 head busy=loader.busy>
                <For each=move || rows.get() key=|row| row.id let:row>{line(row, errors)}</For>
            </Table>
        }
        .into_any()
    };
    let value = move |name: &'static str| Signal::derive(move || url.get(name));
    let outcomes = std::iter::once(("", texts.any))
        .chain(Outcome::ALL.into_iter().map(|outcome| (outcome.as_str(), (texts.outcome)(outcome))))
        .collect::<Vec<_>>();
    view! {
        <div class="stack">
            <p class="soft">{words.1}</p>
            <div class="stack-tight">
                <div class="filters">
                    <Search id="q" label=texts.search_address value=value("q") typed=debounced(move |text| url.typed("q", &text))/>
                    <Download
                        list=DownloadList::DeliveryEvents name=words.0 filters=FILTERS
                        search=move |()| untrack(query).search()
                    />
                </div>
                <MoreFilters names=&["outcome", "reason", "domain", "from", "to"]>
                    {(!errors).then(|| view! {
                        <Select
                            id="outcome" label=texts.outcome_label value=value("outcome") options=outcomes
                            choose=move |text: String| url.choose("outcome", &text)
                        />
                    })}
                    <Select
                        id="reason" label=texts.filter_reason value=value("reason") options=reason_options()
                        choose=move |text: String| url.choose("reason", &text)
                    />
                    <Domain/>
                    <Day id="from" label=texts.from_day/>
                    <Day id="to" label=texts.to_day/>
                </MoreFilters>
            </div>
            {listing(loader, url, FILTERS, (words.2, words.3), table)}
        </div>
    }
    .into_any()
}

fn line(event: DeliveryEvent, errors: bool) -> AnyView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let tone = if event.outcome == Outcome::Error { Tone::Bad } else { Tone::Good };
    let reply = smtp_reply(event.smtp_code, event.status, event.reply);
    view! {
        <tr>
            <td class="address"><AddressLink address=event.address/></td>
            {(!errors).then(|| view! { <td><Badge tone text=(texts.outcome)(event.outcome)/></td> })}
            <td>{event.reason.map(texts.reason)}</td>
            <td class="wrap">
                {match reply {
                    None => view! { <span class="faint">{texts.no_reply}</span> }.into_any(),
                    Some(reply) => view! { <span class="reply">{reply}</span> }.into_any(),
                }}
            </td>
            <td><Moment at=event.occurred_at language now=Some(ticking())/></td>
        </tr>
    }
    .into_any()
}
