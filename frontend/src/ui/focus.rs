//! Where the keyboard is.

use leptos::{html, prelude::*};

/// Gives the focus to a heading as soon as the page is drawn anew.
pub fn focus(heading: NodeRef<html::H2>) {
    request_animation_frame(move || {
        if let Some(heading) = heading.get_untracked() {
            // Focusing an element of the page cannot fail.
            drop(heading.focus());
        }
    });
}
