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
            <progress aria-label=label max="1" value=move || value.get().map(|value| value.to_string())></progress>
            <span class="small soft">{move || text.get()}</span>
        </div>
    }
    .into_any()
}
