//! Dialogs on the native element: focus goes in, stays in, and returns to where it was.

use super::{Icon, Shape, Show};
use crate::{paths::DIALOG, reactive::effect};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, UrlSearchParams};

/// Where whoever opened a form begins.
const FIRST_FIELD: &str = ".dialog-body :is(input, select, textarea):enabled";

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
    // Back leads away from what the dialog was about, unless it only closes another one, which has an address of its own.
    let opened_at = StoredValue::new(String::new());
    let left = window_event_listener(ev::popstate, move |_| {
        if open.get_untracked() && opened_at.with_value(|at| *at != here()) {
            open.set(false);
        }
    });
    on_cleanup(move || left.remove());
    effect(move || {
        let Some(dialog) = element.get() else { return };
        if open.get() && !dialog.open() {
            opened_at.set_value(here());
            // Fails only where it is open already or not in the page; neither is so here.
            drop(dialog.show_modal());
            // The browser itself would begin at the button that closes it.
            if let Ok(Some(field)) = dialog.query_selector(FIRST_FIELD) {
                drop(field.unchecked_into::<HtmlElement>().focus());
            }
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
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

/// The page's address, whichever of its dialogs that names.
fn here() -> String {
    let location = window().location();
    let (path, query) = (location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    let Ok(query) = UrlSearchParams::new_with_str(&query) else { return path };
    query.delete(DIALOG);
    format!("{path}?{}", String::from(query.to_string()))
}
