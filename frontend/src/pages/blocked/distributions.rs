//! Distributions: which mail server holds which version.

use crate::{
    i18n::number::grouped,
    pages::{
        listing::{kept, listing},
        trouble,
    },
    paths,
    reactive::memo,
    state::{Configuration, Preferences, Url, client, load, texts, ticking},
    ui::{Badge, Drawn, Moment, Tone, focus},
};
use leptos::{html, prelude::*};
use shared::run::{Distribution, DistributionState, Receipt};
use uuid::Uuid;

/// The distributions, newest first, as they happen. One that the address names is marked; above the others where it is older.
#[component]
pub fn Distributions() -> impl IntoView {
    let (texts, client, url) = (texts(), client(), Url::current());
    let Configuration { id, live } = Configuration::open();
    let loader = load(
        move || id.get(),
        move || (url.get("cursor"), live.missed.get()),
        move |id, (cursor, _)| async move { client.distributions(id, &cursor).await },
    );
    loader.keep_up(live.distribution, url, |distribution| distribution.id);
    let named = memo(move |_| url.get(paths::DISTRIBUTION).parse::<Uuid>().ok());
    let asked = load(
        move || (id.get(), named.get()),
        || (),
        move |(id, named), ()| async move {
            match named {
                Some(named) => client.distribution(id, named).await.map(Some),
                None => Ok(None),
            }
        },
    );
    let elsewhere = move || {
        let one = asked.data.get().flatten().filter(|_| url.get("cursor").is_empty())?;
        let listed = loader.data.with(|page| Some(page.as_ref()?.items.iter().any(|listed| listed.id == one.id)))?;
        (!listed).then(|| view! { <Card distribution=memo(move |_| one.clone()) named/> })
    };
    let cards = move |rows: Memo<Vec<Distribution>>| {
        view! {
            <div class="cards" role="region" aria-label=texts.distributions>
                <For each=move || rows.get() key=|one| one.id let:first>
                    <Card distribution=kept(rows, first, |one| one.id) named/>
                </For>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <p class="soft">{texts.distributions_text}</p>
            {elsewhere}
            {listing(loader, url, &[], (texts.distributions_empty, texts.distributions_empty_text), cards)}
        </div>
    }
    .into_any()
}

#[component]
fn Card(distribution: Memo<Distribution>, named: Memo<Option<Uuid>>) -> impl IntoView {
    let (texts, heading) = (texts(), NodeRef::<html::H2>::new());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (id, created_at) = distribution.with_untracked(|one| (one.id, one.created_at));
    let marked = memo(move |_| named.get() == Some(id));
    // Whoever followed a link to it finds it in sight.
    if marked.get_untracked() {
        focus(heading);
    }
    let title = move || {
        distribution.with(|one| {
            let kind = || (texts.distribution_kind)(one.kind).to_owned();
            one.version.map_or_else(kind, |version| (texts.version_number)(version))
        })
    };
    let state = memo(move |_| distribution.with(|one| (one.state, one.error.is_some())));
    let badge = move || {
        let (state, failed) = state.get();
        let tone = match state {
            _ if failed => Tone::Bad,
            DistributionState::Queued | DistributionState::Published => Tone::Working,
            DistributionState::Complete => Tone::Good,
        };
        view! { <Badge tone text=(texts.distribution_state)(state)/> }
    };
    view! {
        <article class="card" aria-current=move || marked.get().then_some("true")>
            <header>
                <div class="row">
                    <h2 tabindex="-1" node_ref=heading>{title}</h2>
                    <span aria-live="polite">{badge}</span>
                </div>
                <Moment at=created_at language now=Some(ticking())/>
            </header>
            {move || content(distribution.get())}
        </article>
    }
    .into_any()
}

/// What it changed, and who has it.
fn content(distribution: Distribution) -> AnyView {
    let texts = texts();
    let held = distribution.receipts.iter().filter(|receipt| receipt.acknowledged_at.is_some()).count();
    let all = distribution.receipts.len();
    let version = distribution.version;
    let receipts = distribution.receipts.into_iter().map(|one| receipt(one, version)).drawn();
    view! {
        <p class="meta">
            <span>{(texts.distribution_kind)(distribution.kind)}</span>
            <span>{format!("+{} {}", grouped(distribution.added), texts.added)}</span>
            <span>{format!("−{} {}", grouped(distribution.removed), texts.removed)}</span>
            {distribution.count.map(|count| view! { <span>{(texts.addresses_count)(count)}</span> })}
            {(all > 0).then(|| view! { <span>{(texts.acknowledged_of)(held, all)}</span> })}
            {distribution.checksum.map(|checksum| fingerprint(checksum.to_string()))}
        </p>
        {distribution.error.map(|error| trouble(texts.tried_again, distribution.error_cause, error))}
        {if all == 0 {
            view! { <p class="hint">{texts.receipts_none}</p> }.into_any()
        } else {
            view! { <ul class="receipts" role="list">{receipts}</ul> }.into_any()
        }}
    }
    .into_any()
}

fn receipt(receipt: Receipt, wanted: Option<i64>) -> AnyView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let proof = match (receipt.version, receipt.count) {
        // A server that was away skips versions: a later one proves this one too.
        (Some(version), Some(count)) if Some(version) != wanted => (texts.holds_version)(version, count),
        (_, Some(count)) => (texts.addresses_count)(count),
        _ => String::new(),
    };
    view! {
        <li>
            <span>{receipt.mail_server_name}</span>
            <span class="row">
                {match receipt.acknowledged_at {
                    Some(at) => view! {
                        <span class="soft">{proof}</span>
                        {receipt.checksum.map(|checksum| fingerprint(checksum.to_string()))}
                        <Moment at language now=Some(ticking())/>
                        <Badge tone=Tone::Good text=texts.acknowledged/>
                    }.into_any(),
                    None => view! { <Badge tone=Tone::Working text=texts.waiting_acknowledgement/> }.into_any(),
                }}
            </span>
        </li>
    }
    .into_any()
}

/// A checksum: its first digits are enough to compare by eye, and a click selects it whole.
fn fingerprint(checksum: String) -> AnyView {
    view! {
        <span class="row">
            <span class="visually-hidden">{texts().checksum}</span>
            <code class="checksum" title=checksum.clone()>{checksum.clone()}</code>
        </span>
    }
    .into_any()
}
