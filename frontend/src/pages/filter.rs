//! Filters that several lists have, each named like its parameter in the URL.

use crate::{
    state::{Preferences, Url, texts},
    ui::{Drawn, time},
};
use leptos::prelude::*;
use shared::{
    Reason,
    audit::ActorKind,
    delivery_event::Outcome,
    list::{BlockState, Origin},
};

/// The states of a block by their names in the URL.
pub const STATES: [(&str, BlockState); 3] =
    [("in_effect", BlockState::InEffect), ("pending", BlockState::Pending), ("releasing", BlockState::Releasing)];

/// Filters beside the search. On a narrow screen a button shows them, so that the list comes first.
#[component]
pub fn MoreFilters(
    /// The parameters of the URL that they set.
    names: &'static [&'static str],
    /// The filters.
    children: Children,
) -> impl IntoView {
    let (texts, url, shown) = (texts(), Url::current(), RwSignal::new(false));
    let words = move || {
        let active = names.iter().filter(|name| !url.get(name).is_empty()).count();
        if active == 0 { texts.filters.to_owned() } else { format!("{} ({active})", texts.filters) }
    };
    view! {
        <button
            type="button" class="button filters-toggle" aria-controls="more-filters"
            aria-expanded=move || shown.get().to_string() on:click=move |_| shown.update(|shown| *shown = !*shown)
        >
            {words}
        </button>
        <div id="more-filters" class="filters more-filters" class:shown=move || shown.get()>{children()}</div>
    }
    .into_any()
}

/// A day.
#[component]
pub fn Day(
    /// The parameter.
    id: &'static str,
    /// Its name.
    label: &'static str,
) -> impl IntoView {
    view! { <Filter id label kind="date" placeholder=""/> }
}

/// The whole domain of the address. It is searched when it is complete: half a domain matches nothing.
#[component]
pub fn Domain() -> impl IntoView {
    let texts = texts();
    view! { <Filter id="domain" label=texts.domain kind="text" placeholder="example.com"/> }
}

#[component]
fn Filter(id: &'static str, label: &'static str, kind: &'static str, placeholder: &'static str) -> impl IntoView {
    let url = Url::current();
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id class="input" type=kind placeholder=placeholder autocomplete="off" spellcheck="false"
                autocapitalize="none" prop:value=move || url.get(id)
                on:change=move |event| url.choose(id, event_target_value(&event).trim())
            />
        </div>
    }
    .into_any()
}

/// The search of the page in words.
#[component]
pub fn SearchWords(
    /// The parameters of the URL that matter.
    names: &'static [&'static str],
    /// What `q` is called.
    contains: &'static str,
) -> impl IntoView {
    let (texts, url) = (texts(), Url::current());
    move || {
        let set = names.iter().map(|name| (*name, url.get(name))).filter(|(_, value)| !value.is_empty());
        let facts: Vec<_> = set.map(|(name, value)| in_words(name, value, contains)).collect();
        if facts.is_empty() {
            return view! { <p>{texts.whole_list}</p> }.into_any();
        }
        let fact = |(name, value)| view! { <div class="fact"><dt>{name}</dt><dd class="break">{value}</dd></div> };
        view! { <dl class="facts">{facts.into_iter().map(fact).drawn()}</dl> }.into_any()
    }
}

/// The name and the value of a filter, for people.
fn in_words(name: &str, value: String, contains: &'static str) -> (&'static str, String) {
    let texts = texts();
    let day = |value: &String| {
        let language = expect_context::<Preferences>().language.get_untracked().tag();
        value.parse().ok().map(|day| time::day(day, language))
    };
    let named = |word: Option<&'static str>| word.map(str::to_owned);
    let (name, words) = match name {
        "reason" => {
            let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == value);
            (texts.error_reason, named(reason.map(texts.reason)))
        }
        "origin" => {
            let origin = Origin::ALL.into_iter().find(|origin| origin.as_str() == value);
            (texts.origin_label, named(origin.map(texts.origin)))
        }
        "state" => {
            let state = STATES.into_iter().find(|(name, _)| *name == value);
            (texts.state, named(state.map(|(_, state)| (texts.block_state)(state))))
        }
        "outcome" => {
            let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == value);
            (texts.outcome_label, named(outcome.map(texts.outcome)))
        }
        "actor_kind" => {
            let kind = ActorKind::ALL.into_iter().find(|kind| kind.as_str() == value);
            (texts.audit.who, named(kind.map(texts.audit.actor_kind)))
        }
        "domain" => (texts.domain, None),
        "from" => (texts.from_day, day(&value)),
        "to" => (texts.to_day, day(&value)),
        _ => (contains, None),
    };
    (name, words.unwrap_or(value))
}
