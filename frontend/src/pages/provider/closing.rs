//! The dialog that closes an account for ever.

use super::account::Export;
use crate::{
    api::Versioned,
    pages::{FormError, FormFoot, field_error},
    paths,
    router::Router,
    state::{Loader, Pending, Session, client, texts},
    ui::{Button, Dialog, Field, Kind, Notice, Toasts, Tone},
};
use leptos::prelude::*;
use shared::account::{Account, AccountUpdate, CloseAccount};

/// Suspends the account if it is not suspended yet, then closes it for who types its name.
#[component]
pub fn CloseDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The account.
    loader: Loader<Versioned<Account>>,
) -> impl IntoView {
    let texts = texts();
    let content = move || {
        let account = loader.data.get()?;
        Some(if account.value.suspended_at.is_some() {
            view! { <Form account=account.value open/> }.into_any()
        } else {
            view! { <SuspendFirst account open loader/> }.into_any()
        })
    };
    view! { <Dialog open title=texts.closing.close_title close=texts.close>{content}</Dialog> }
}

/// Only of a suspended account an export is complete.
#[component]
fn SuspendFirst(
    account: Versioned<Account>,
    open: RwSignal<bool>,
    loader: Loader<Versioned<Account>>,
) -> impl IntoView {
    let (texts, client) = (texts(), client());
    let words = &texts.closing;
    let (error, suspending) = (RwSignal::new(None), Pending::new());
    let account = StoredValue::new(account);
    let press = move |()| {
        suspending.start(async move {
            let (id, etag) = account.with_value(|account| (account.value.id, account.etag.clone()));
            let update = AccountUpdate { suspended: Some(true), ..AccountUpdate::default() };
            match client.update_account(id, &etag, &update).await {
                Ok(_) => loader.reload(),
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <div class="stack">
            <FormError error/>
            <div class="stack-tight">
                <h3>{words.suspend_first}</h3>
                <p class="soft">{words.suspend_first_text}</p>
                <p class="soft">{texts.suspension.suspend_hint}</p>
            </div>
        </div>
        <div class="dialog-foot">
            <Button press=move |()| open.set(false)>{texts.cancel}</Button>
            <Button kind=Kind::Primary busy=suspending.busy() press>{words.suspend}</Button>
        </div>
    }
    .into_any()
}

#[component]
fn Form(account: Account, open: RwSignal<bool>) -> impl IntoView {
    let (texts, client, toasts, router) = (texts(), client(), Toasts::here(), Router::here());
    let (words, session) = (&texts.closing, expect_context::<Session>());
    let (name, error, closing) = (RwSignal::new(String::new()), RwSignal::new(None), Pending::new());
    let Account { id, name: real_name, .. } = account;
    let (question, hint) = ((words.question)(&real_name), (words.type_name)(&real_name));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let real_name = real_name.clone();
        closing.start(async move {
            match client.close_account(id, &CloseAccount { name: name.get_untracked() }).await {
                Ok(()) => {
                    toasts.good((words.closed)(&real_name));
                    open.set(false);
                    router.go_instead(paths::PROVIDER);
                    // Whoever was inside is outside now.
                    session.reload();
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate=true>
            <h3 class="break">{question}</h3>
            <Notice tone=Tone::Warn>
                <strong>{words.for_ever}</strong>
                <ul class="points">
                    <li>{words.sign_in}</li>
                    <li>{words.agents}</li>
                    <li>{words.removal}</li>
                    <li>{words.audit_log}</li>
                </ul>
            </Notice>
            <div class="stack-tight">
                <p>{words.export_first}</p>
                <div class="row"><Export id/></div>
            </div>
            <FormError error/>
            <Field id="close-name" label=texts.account_name value=name required=true hint error=field_error(error, "/name")/>
            <FormFoot open confirm=words.confirm kind=Kind::Danger busy=closing.busy()/>
        </form>
    }
    .into_any()
}
