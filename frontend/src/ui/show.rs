//! What is drawn only sometimes.

use crate::reactive::memo;
use leptos::{children::ViewFn, prelude::*};

/// Draws its children while a condition holds. Compiled once, unlike Leptos' own, which keeps the console small.
#[component]
pub fn Show(
    /// The condition.
    #[prop(into)]
    when: Signal<bool>,
    /// What is drawn otherwise.
    #[prop(optional, into)]
    fallback: ViewFn,
    /// What is drawn while it holds.
    children: ChildrenFn,
) -> impl IntoView {
    let holds = memo(move |_| when.get());
    (move || if holds.get() { children() } else { fallback.run() }).into_any()
}
