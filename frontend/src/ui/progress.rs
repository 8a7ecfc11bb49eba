//! How far something has come.

use leptos::prelude::*;

/// A bar, with words below it.
#[component]
pub fn Progress(
    /// What goes on, for screen readers.
    label: &'static str,
    /// How far it has come, 0 to 1; absent while that is not known.
    #[prop(into)]
    value: Signal<Option<f64>>,
    /// The words below.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="progress">
            <progress aria-label=label max="1" value=move || value.get().and_then(written)></progress>
            <span class="small soft">{move || text.get()}</span>
        </div>
    }
    .into_any()
}

/// A fraction in digits, by the browser: the tables that it takes would make the console larger.
fn written(fraction: f64) -> Option<String> {
    js_sys::Number::from(fraction).to_string_with_radix(10).ok().map(String::from)
}
