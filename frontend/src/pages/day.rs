//! Days as filters.

use crate::state::Url;
use leptos::prelude::*;

/// A day as a filter, named like its parameter in the URL.
#[component]
pub fn Day(
    /// The parameter.
    id: &'static str,
    /// Its name.
    label: &'static str,
) -> impl IntoView {
    let url = Url::current();
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id class="input" type="date" prop:value=move || url.get(id)
                on:change=move |event| url.filter(id, &event_target_value(&event))
            />
        </div>
    }
}
