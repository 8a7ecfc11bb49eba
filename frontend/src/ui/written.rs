//! What is written in a page's fields, for those that take their place when everything is drawn anew.

use leptos::prelude::*;
use std::{cell::RefCell, collections::HashMap};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

/// What a field held.
pub(super) struct Written {
    /// Its text, or the value that was chosen.
    pub text: String,
    /// Whether it was ticked.
    pub ticked: bool,
}

/// What is remembered. What a select of the page itself chose is kept elsewhere: the language itself, a filter in the URL.
const FIELDS: &str = ".field > :is(input, textarea), dialog .field > select, .check > input";

thread_local! {
    /// By the path of the page and the id of the field.
    static WRITTEN: RefCell<HashMap<(String, String), Written>> = RefCell::default();
}

/// Remembers what is in the fields of the page, which is about to be drawn anew.
pub fn remember_written() {
    let Ok(fields) = document().query_selector_all(FIELDS) else { return };
    // Text areas and selects have what is asked of them here as well.
    let fields = (0..fields.length()).filter_map(|at| Some(fields.get(at)?.unchecked_into::<HtmlInputElement>()));
    let written = |field: HtmlInputElement| Written { text: field.value(), ticked: field.checked() };
    WRITTEN.set(fields.map(|field| ((here(), field.id()), written(field))).collect());
}

/// What the field of this id held before, once.
pub(super) fn before(id: &str) -> Option<Written> {
    WRITTEN.with_borrow_mut(|written| written.remove(&(here(), id.to_owned())))
}

fn here() -> String {
    window().location().pathname().unwrap_or_default()
}
