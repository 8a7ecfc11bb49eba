//! Text to copy.

use super::{Button, Icon, Shape};
use leptos::{html, prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

/// Text with a button that copies it.
#[component]
pub fn Secret(
    /// Its name.
    label: &'static str,
    /// The text.
    text: String,
    /// The words on the button, before and after, and what is said where the page may not copy.
    words: (&'static str, &'static str, &'static str),
) -> impl IntoView {
    let (copied, place) = (RwSignal::new(None), NodeRef::<html::Pre>::new());
    let shown = text.clone();
    let copy = move |()| {
        let text = text.clone();
        spawn_local(async move {
            // Over plain HTTP there is no clipboard.
            let clipboard = window().navigator().clipboard();
            let written = !clipboard.is_undefined() && JsFuture::from(clipboard.write_text(&text)).await.is_ok();
            if !written {
                select(place);
            }
            copied.try_set(Some(written));
        });
    };
    view! {
        <div class="secret">
            <div class="row spread">
                <span class="label">{label}</span>
                <Button small=true press=copy name=format!("{}: {label}", words.0)>
                    <Icon shape=Shape::Copy size=14/>
                    <span aria-live="polite">{move || if copied.get() == Some(true) { words.1 } else { words.0 }}</span>
                </Button>
            </div>
            <pre node_ref=place tabindex="0" role="group" aria-label=label>{shown}</pre>
            <p class="hint" role="status">{move || (copied.get() == Some(false)).then_some(words.2)}</p>
        </div>
    }
    .into_any()
}

/// Selects the text, for whoever copies it by hand.
fn select(place: NodeRef<html::Pre>) {
    if let (Some(place), Ok(Some(selection))) = (place.try_get_untracked().flatten(), window().get_selection()) {
        // Selecting what is in the page cannot fail.
        drop(selection.select_all_children(&place));
    }
}
