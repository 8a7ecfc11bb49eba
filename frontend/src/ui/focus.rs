//! Where the keyboard is.

use leptos::{html::ElementType, prelude::*};
use wasm_bindgen::JsCast;

/// Gives the focus to a heading as soon as the page is drawn anew.
pub fn focus<E>(heading: NodeRef<E>)
where
    E: ElementType + 'static,
    E::Output: JsCast + Clone + 'static,
{
    request_animation_frame(move || {
        if let Some(heading) = heading.get_untracked() {
            // Focusing an element of the page cannot fail.
            drop(heading.unchecked_ref::<web_sys::HtmlElement>().focus());
        }
    });
}
