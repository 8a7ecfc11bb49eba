//! Dialogs on the native element: focus goes in, stays in, and returns to where it was.

use super::{Icon, Shape, Show};
use crate::reactive::effect;
use leptos::{ev, html, prelude::*};

/// A modal dialog, drawn while `open` holds.
#[component]
pub fn Dialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Its name.
    #[prop(into)]
    title: Signal<&'static str>,
    /// What its closing button is called.
    close: &'static str,
    /// Wide enough for a table.
    #[prop(optional)]
    wide: bool,
    /// What it holds.
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    let children = StoredValue::new(children);
    effect(move || {
        let Some(dialog) = element.get() else { return };
        if open.get() && !dialog.open() {
            // Fails only where it is open already or not in the page; neither is so here.
            drop(dialog.show_modal());
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    // Back leads away from what the dialog was about.
    let left = window_event_listener(ev::popstate, move |_| open.set(false));
    on_cleanup(move || left.remove());
    // The browser tells of a closing with its next picture; by then the dialog may be open again.
    let closed = move |_| {
        if element.get_untracked().is_some_and(|dialog| !dialog.open()) {
            open.set(false);
        }
    };
    view! {
        <dialog node_ref=element class=if wide { "wide" } else { "" } aria-label=move || title.get() on:close=closed>
            <Show when=move || open.get()>
                <div class="dialog-head">
                    <h2>{move || title.get()}</h2>
                    <button
                        type="button" class="button button-quiet button-icon" aria-label=close
                        on:click=move |_| open.set(false)
                    >
                        <Icon shape=Shape::Close/>
                    </button>
                </div>
                <div class="dialog-body">{children.with_value(|children| children())}</div>
            </Show>
        </dialog>
    }
    .into_any()
}
