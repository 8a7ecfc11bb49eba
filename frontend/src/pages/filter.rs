//! Filters that several lists have, each named like its parameter in the URL.

use crate::state::{Url, texts};
use leptos::prelude::*;

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
                on:change=move |event| url.filter(id, event_target_value(&event).trim())
            />
        </div>
    }
    .into_any()
}
