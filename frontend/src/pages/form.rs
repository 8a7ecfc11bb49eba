//! Errors of forms.

use crate::{
    api::ApiError,
    state::{effect, explain, explain_field, texts},
    ui::{Button, Kind, Notice, Tone},
};
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// What is wrong with one field, by its JSON pointer.
pub fn field_error(error: RwSignal<Option<ApiError>>, pointer: &'static str) -> Signal<Option<String>> {
    let texts = texts();
    Signal::derive(move || error.with(|error| Some(explain_field(texts, error.as_ref()?.field(pointer)?))))
}

/// What is wrong with the form as a whole.
#[component]
pub fn FormError(
    /// The failure of the last try.
    error: RwSignal<Option<ApiError>>,
) -> impl IntoView {
    let (texts, element) = (texts(), NodeRef::<html::Div>::new());
    effect(move || {
        if error.with(Option::is_some) {
            show_error(element);
        }
    });
    view! {
        <div role="alert" node_ref=element>
            {move || error.get().map(|error| {
                view! { <Notice tone=Tone::Bad><p>{explain(texts, &error)}</p></Notice> }
            })}
        </div>
    }
}

/// The end of a dialog's form: close it without a change, or send it.
#[component]
pub fn FormFoot(
    /// Whether the dialog is open.
    open: RwSignal<bool>,
    /// What sending it does.
    confirm: &'static str,
    /// How it looks.
    #[prop(default = Kind::Primary)]
    kind: Kind,
    /// Whether it is being sent.
    busy: Signal<bool>,
) -> impl IntoView {
    view! {
        <div class="dialog-foot">
            <Button press=move |()| open.set(false)>{texts().cancel}</Button>
            <Button kind submit=true busy>{confirm}</Button>
        </div>
    }
    .into_any()
}

/// Takes the user to the first field that is wrong, else to the words at `summary`, once they are drawn.
pub fn show_error(summary: NodeRef<html::Div>) {
    request_animation_frame(move || {
        let Some(summary) = summary.get_untracked() else { return };
        let form = summary.closest("form").ok().flatten();
        let wrong = form.and_then(|form| form.query_selector("[aria-invalid='true']").ok().flatten());
        match wrong.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
            // Focusing an element of the page cannot fail.
            Some(field) => drop(field.focus()),
            None => summary.scroll_into_view(),
        }
    });
}
