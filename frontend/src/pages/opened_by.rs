//! Dialogs that show something.

use crate::state::effect;
use leptos::prelude::*;

/// Whether a dialog is open: from when there is something to show, which it forgets when it closes.
pub fn opened_by<T: Default + PartialEq + Send + Sync + 'static>(shown: RwSignal<T>) -> RwSignal<bool> {
    let open = RwSignal::new(false);
    effect(move || {
        if shown.with(|shown| *shown != T::default()) {
            open.set(true);
        }
    });
    effect(move || {
        if !open.get() {
            shown.set(T::default());
        }
    });
    open
}
