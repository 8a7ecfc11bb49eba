//! The dialog that releases addresses of the list.

use super::operations::written;
use crate::{
    i18n::Texts,
    pages::{FormError, FormFoot, field_error, opened_by},
    reactive::memo,
    state::{Configuration, Pending, client, texts},
    ui::{Dialog, Drawn, Field, Toasts},
};
use leptos::prelude::*;
use shared::list::{ReleaseItem, ReleaseRequest, ReleaseStatus};

/// Asks before releasing.
#[component]
pub fn ReleaseDialog(
    /// The addresses that are asked about.
    chosen: RwSignal<Vec<String>>,
    /// Called after a release.
    #[prop(into)]
    released: Callback<()>,
) -> impl IntoView {
    let texts = texts();
    let open = opened_by(chosen);
    let several = memo(move |_| chosen.with(Vec::len) > 1);
    let title = move || if several.get() { texts.release_several_title } else { texts.release_title };
    view! {
        <Dialog open title=Signal::derive(title) close=texts.close>
            {move || Some(chosen.get()).filter(|all| !all.is_empty()).map(|addresses| view! { <ReleaseForm addresses open released/> })}
        </Dialog>
    }
}

#[component]
fn ReleaseForm(addresses: Vec<String>, open: RwSignal<bool>, released: Callback<()>) -> impl IntoView {
    let (texts, client, toasts, configuration) = (texts(), client(), Toasts::here(), Configuration::open());
    let (comment, error, releasing) = (RwSignal::new(String::new()), RwSignal::new(None), Pending::new());
    let (question, text) = match &*addresses {
        [address] => ((texts.release_question)(address), texts.release_text),
        several => ((texts.bulk_question)(count(several.len())), texts.release_several_text),
    };
    let several = (addresses.len() > 1).then(|| {
        let lines = addresses.iter().map(|address| view! { <li class="break">{address.clone()}</li> }).drawn();
        view! { <ul class="addresses" tabindex="0" aria-label=texts.select>{lines}</ul> }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let addresses = addresses.clone();
        releasing.start(async move {
            let request = ReleaseRequest { addresses, comment: written(comment) };
            match client.release(configuration.id.get_untracked(), &request).await {
                Ok(result) => {
                    say(texts, toasts, &result.items);
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
            {several}
            <p class="soft">{text}</p>
            <FormError error/>
            <Field
                id="release-comment" label=texts.comment value=comment hint=texts.comment_hint
                error=field_error(error, "/comment")
            />
            <FormFoot open confirm=texts.release_done busy=releasing.busy()/>
        </form>
    }
    .into_any()
}

/// What became of each address.
fn say(texts: &Texts, toasts: Toasts, items: &[ReleaseItem]) {
    match items {
        [only] => match only.status {
            ReleaseStatus::Released => toasts.good((texts.released)(&only.address)),
            ReleaseStatus::NotValid => toasts.bad(texts.bad_address),
            ReleaseStatus::NotBlocked => toasts.bad(texts.release_not_blocked),
        },
        several => {
            let released = several.iter().filter(|item| item.status == ReleaseStatus::Released).count();
            if released > 0 {
                toasts.good((texts.bulk_released)(count(released)));
            }
            if released < several.len() {
                toasts.bad((texts.release_some_not_blocked)(count(several.len() - released)));
            }
        }
    }
}

/// A number of rows as sentences take it.
fn count(rows: usize) -> i64 {
    rows.try_into().unwrap_or(i64::MAX)
}
