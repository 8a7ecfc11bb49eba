//! Text to copy.

use super::{Button, Icon, Shape};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

/// Text with a button that copies it.
#[component]
pub fn Secret(
    /// Its name.
    label: &'static str,
    /// The text.
    text: String,
    /// The words on the button, before and after.
    words: (&'static str, &'static str),
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let shown = text.clone();
    let copy = move |()| {
        let text = text.clone();
        spawn_local(async move {
            // Where the clipboard is forbidden the text stays selectable.
            let written = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            copied.try_set(written.is_ok());
        });
    };
    view! {
        <div class="secret">
            <div class="row spread">
                <span class="label">{label}</span>
                <Button small=true press=copy name=format!("{}: {label}", words.0)>
                    <Icon shape=Shape::Copy size=14/>
                    <span aria-live="polite">{move || if copied.get() { words.1 } else { words.0 }}</span>
                </Button>
            </div>
            <pre tabindex="0" role="group" aria-label=label>{shown}</pre>
        </div>
    }
    .into_any()
}
