//! The choice when a change reaches the mail servers.

use crate::state::texts;
use leptos::prelude::*;
use shared::run_settings::DeliveryTiming;

/// Now, or at the next execute timing.
#[component]
pub fn TimingChoice(
    /// What is asked.
    question: &'static str,
    /// Whether the next execute timing is chosen.
    next: RwSignal<bool>,
    /// When that is.
    #[prop(into)]
    when: Signal<String>,
    /// What "now" means, where it is not the saving of settings.
    #[prop(optional)]
    now_hint: Option<&'static str>,
) -> impl IntoView {
    let texts = texts();
    view! {
        <fieldset class="stack-tight">
            <legend class="soft">{question}</legend>
            <label class="check choice">
                <input type="radio" name="timing" prop:checked=move || !next.get() on:change=move |_| next.set(false)/>
                <span class="check-text">{texts.timing_now}<span class="hint">{now_hint.unwrap_or(texts.timing_now_hint)}</span></span>
            </label>
            <label class="check choice">
                <input type="radio" name="timing" prop:checked=move || next.get() on:change=move |_| next.set(true)/>
                <span>{move || (texts.timing_next_at)(&when.get())}</span>
            </label>
        </fieldset>
    }
    .into_any()
}

/// What is chosen.
pub fn timing(next: RwSignal<bool>) -> DeliveryTiming {
    if next.get_untracked() { DeliveryTiming::NextExecution } else { DeliveryTiming::Now }
}
