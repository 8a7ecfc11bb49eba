//! Errors of forms.

use crate::{
    api::ApiError,
    state::{explain, texts},
    ui::{Notice, Tone},
};
use leptos::prelude::*;

/// What is wrong with one field, by its JSON pointer.
pub fn field_error(error: RwSignal<Option<ApiError>>, pointer: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || error.with(|error| error.as_ref()?.field(pointer)))
}

/// What is wrong with the form as a whole.
#[component]
pub fn FormError(
    /// The failure of the last try.
    error: RwSignal<Option<ApiError>>,
) -> impl IntoView {
    let texts = texts();
    move || {
        error.get().map(|error| {
            view! { <div role="alert"><Notice tone=Tone::Bad><p>{explain(texts, &error)}</p></Notice></div> }
        })
    }
}
