//! The way past bar and sidebar for who goes by keyboard.

use crate::state::texts;
use leptos::{html, prelude::*};

/// A link to the page's main part, which takes the focus there: the router keeps the browser from following it.
#[component]
pub fn SkipLink(
    /// The main part.
    main: NodeRef<html::Main>,
) -> impl IntoView {
    let press = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        if let Some(main) = main.get_untracked() {
            // Fails for nothing that is in the page.
            drop(main.focus());
        }
    };
    view! { <a class="button skip" href="#content" on:click=press>{texts().skip_to_content}</a> }
}
