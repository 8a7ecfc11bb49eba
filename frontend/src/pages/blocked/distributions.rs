//! Distributions: which mail server holds which version.

use crate::{
    i18n::number::grouped,
    pages::{listing::listing, trouble},
    state::{Configuration, Preferences, Url, client, load, texts, ticking},
    ui::{Badge, Drawn, Moment, Tone},
};
use leptos::prelude::*;
use shared::run::{Distribution, DistributionState, Receipt};

/// The distributions, newest first, as they happen.
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
    let cards = move |rows: Memo<Vec<Distribution>>| {
        view! {
            <div class="cards" role="region" aria-label=texts.distributions aria-live="polite">
                // A card is drawn anew when anything of it changes.
                {move || rows.get().into_iter().map(card).drawn()}
            </div>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <p class="soft">{texts.distributions_text}</p>
            {listing(loader, url, &[], (texts.distributions_empty, texts.distributions_empty_text), cards)}
        </div>
    }
    .into_any()
}

fn card(distribution: Distribution) -> AnyView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let tone = match distribution.state {
        _ if distribution.error.is_some() => Tone::Bad,
        DistributionState::Queued | DistributionState::Published => Tone::Working,
        DistributionState::Complete => Tone::Good,
    };
    let title = distribution.version.map_or_else(
        || (texts.distribution_kind)(distribution.kind).to_owned(),
        |version| (texts.version_number)(version),
    );
    let held = distribution.receipts.iter().filter(|receipt| receipt.acknowledged_at.is_some()).count();
    let all = distribution.receipts.len();
    let version = distribution.version;
    let receipts = distribution.receipts.into_iter().map(|one| receipt(one, version)).drawn();
    view! {
        <article class="card">
            <header>
                <div class="row">
                    <h2>{title}</h2>
                    <Badge tone text=(texts.distribution_state)(distribution.state)/>
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
