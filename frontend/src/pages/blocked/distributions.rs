//! Distributions: which mail server holds which version.

use crate::{
    i18n::number::grouped,
    pages::{listing::listing, trouble},
    paths,
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
    let named = move || url.get(paths::DISTRIBUTION).parse::<Uuid>().ok();
    let loader = load(
        move || id.get(),
        move || (url.get("cursor"), live.missed.get()),
        move |id, (cursor, _)| {
            let named = untrack(named).filter(|_| cursor.is_empty());
            async move {
                let mut page = client.distributions(id, &cursor).await?;
                if let Some(named) = named.filter(|named| page.items.iter().all(|one| one.id != *named))
                    && let Ok(older) = client.distribution(id, named).await
                {
                    page.items.insert(0, older);
                }
                Ok(page)
            }
        },
    );
    loader.keep_up(live.distribution, url, |distribution| distribution.id);
    // Whoever followed a link to it finds it in sight, once.
    let found = StoredValue::new(false);
    let cards = move |rows: Memo<Vec<Distribution>>| {
        view! {
            <div class="cards" role="region" aria-label=texts.distributions>
                // A card is drawn anew when anything of it changes.
                {move || {
                    let named = named();
                    rows.get().into_iter().map(|one| card(one, named, found)).drawn()
                }}
            </div>
        }
        .into_any()
    };
    let news = move || live.distribution.get().map(|one| format!("{}: {}", title(&one), state(&one)));
    view! {
        <div class="stack">
            <p class="soft">{texts.distributions_text}</p>
            <p class="visually-hidden" role="status">{news}</p>
            {listing(loader, url, &[], (texts.distributions_empty, texts.distributions_empty_text), cards)}
        </div>
    }
    .into_any()
}

/// What it is called.
fn title(distribution: &Distribution) -> String {
    let texts = texts();
    let kind = || (texts.distribution_kind)(distribution.kind).to_owned();
    distribution.version.map_or_else(kind, |version| (texts.version_number)(version))
}

/// How far it is.
fn state(distribution: &Distribution) -> &'static str {
    (texts().distribution_state)(distribution.state)
}

fn card(distribution: Distribution, named: Option<Uuid>, found: StoredValue<bool>) -> AnyView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let tone = match distribution.state {
        _ if distribution.error.is_some() => Tone::Bad,
        DistributionState::Queued | DistributionState::Published => Tone::Working,
        DistributionState::Complete => Tone::Good,
    };
    let (title, state, heading) = (title(&distribution), state(&distribution), NodeRef::<html::H2>::new());
    let marked = named == Some(distribution.id);
    if marked && !found.get_value() {
        found.set_value(true);
        focus(heading);
    }
    let held = distribution.receipts.iter().filter(|receipt| receipt.acknowledged_at.is_some()).count();
    let all = distribution.receipts.len();
    let version = distribution.version;
    let receipts = distribution.receipts.into_iter().map(|one| receipt(one, version)).drawn();
    view! {
        <article class="card" aria-current=marked.then_some("true")>
            <header>
                <div class="row">
                    <h2 tabindex="-1" node_ref=heading>{title}</h2>
                    <Badge tone text=state/>
                </div>
                <Moment at=distribution.created_at language now=Some(ticking())/>
            </header>
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
        </article>
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
