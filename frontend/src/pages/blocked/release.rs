//! The dialog that releases an address.

use crate::{
    pages::{FormError, field_error},
    state::{Configuration, Pending, client, effect, texts},
    ui::{Button, Dialog, Field, Kind, Toasts},
};
use leptos::prelude::*;
use shared::list::{ReleaseRequest, ReleaseStatus};

/// Asks before releasing.
#[component]
pub fn ReleaseDialog(
    /// The address that is asked about.
    chosen: RwSignal<Option<String>>,
    /// Called after a release.
    #[prop(into)]
    released: Callback<()>,
) -> impl IntoView {
    let texts = texts();
    let open = RwSignal::new(false);
    effect(move || {
        if chosen.with(Option::is_some) {
            open.set(true);
        }
    });
    effect(move || {
        if !open.get() {
            chosen.set(None);
        }
    });
    view! {
        <Dialog open title=texts.release_title close=texts.close>
            {move || chosen.get().map(|address| view! { <ReleaseForm address open released/> })}
        </Dialog>
    }
}

#[component]
fn ReleaseForm(address: String, open: RwSignal<bool>, released: Callback<()>) -> impl IntoView {
    let (texts, client, toasts, configuration) = (texts(), client(), Toasts::here(), Configuration::open());
    let (comment, error, releasing) = (RwSignal::new(String::new()), RwSignal::new(None), Pending::new());
    let question = (texts.release_question)(&address);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let address = address.clone();
        releasing.start(async move {
            let words = comment.get_untracked().trim().to_owned();
            let request =
                ReleaseRequest { addresses: vec![address.clone()], comment: Some(words).filter(|w| !w.is_empty()) };
            match client.release(configuration.id.get_untracked(), &request).await {
                Ok(result) => {
                    match result.items.first().map(|item| item.status) {
                        Some(ReleaseStatus::Released) => toasts.good((texts.released)(&address)),
                        Some(ReleaseStatus::NotValid) => toasts.bad(texts.bad_address),
                        Some(ReleaseStatus::NotBlocked) | None => toasts.bad(texts.release_not_blocked),
                    }
                    released.run(());
                    open.set(false);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <h3>{question}</h3>
            <p class="soft">{texts.release_text}</p>
            <FormError error/>
            <Field
                id="release-comment" label=texts.comment value=comment hint=format!("{} ({})", texts.comment_hint, texts.optional)
                error=field_error(error, "/comment")
            />
            <div class="dialog-foot">
                <Button press=move |()| open.set(false)>{texts.cancel}</Button>
                <Button kind=Kind::Primary submit=true busy=releasing.busy()>{texts.release_done}</Button>
            </div>
        </form>
    }
    .into_any()
}
