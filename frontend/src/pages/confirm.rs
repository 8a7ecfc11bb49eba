//! Questions before something is done.

use super::FormError;
use crate::{
    api::ApiError,
    state::{Pending, texts},
    ui::{Button, Dialog, Kind, Notice, Tone},
};
use futures::future::LocalBoxFuture;
use leptos::prelude::*;

/// What is done after the question.
pub type Work = LocalBoxFuture<'static, Result<(), ApiError>>;

/// Asks before something is done. The dialog closes when it is done, and says why when it failed.
#[component]
pub fn Confirm(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Its name.
    title: &'static str,
    /// The words on the button that does it.
    confirm: &'static str,
    /// How that button looks.
    #[prop(default = Kind::Primary)]
    kind: Kind,
    /// Does it.
    #[prop(into)]
    act: Callback<(), Work>,
    /// What is asked.
    children: ChildrenFn,
) -> impl IntoView {
    let (texts, children) = (texts(), StoredValue::new(children));
    view! { <Dialog open title close=texts.close><Question open confirm kind act children/></Dialog> }
}

#[component]
fn Question(
    open: RwSignal<bool>,
    confirm: &'static str,
    kind: Kind,
    act: Callback<(), Work>,
    children: StoredValue<ChildrenFn>,
) -> impl IntoView {
    let (texts, error, acting) = (texts(), RwSignal::new(None), Pending::new());
    let press = move |()| {
        acting.start(async move {
            match act.run(()).await {
                Ok(()) => open.set(false),
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <div class="stack">
            <FormError error/>
            {children.with_value(|children| children())}
        </div>
        <div class="dialog-foot">
            <Button press=move |()| open.set(false)>{texts.cancel}</Button>
            <Button kind busy=acting.busy() press>{confirm}</Button>
        </div>
    }
    .into_any()
}

/// Says in a dialog why something cannot be done, and what to do.
#[component]
pub fn Refusal(
    /// Why.
    title: &'static str,
    /// What to do.
    #[prop(into)]
    text: String,
    /// The dialog.
    open: RwSignal<bool>,
    /// A way on, beside the closing button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let texts = texts();
    view! {
        <Notice tone=Tone::Plain><strong>{title}</strong><p>{text}</p></Notice>
        <div class="dialog-foot">
            <Button press=move |()| open.set(false)>{texts.close}</Button>
            {children.map(|children| children())}
        </div>
    }
    .into_any()
}
