//! What a provider allows an account.

use super::PlanChoice;
use crate::{
    api::Versioned,
    i18n::number::bytes,
    pages::{FormError, field_error, opened_by, unread},
    state::{Pending, client, explain_field, load, texts},
    ui::{Button, Check, Dialog, Field, Kind, Notice, Toasts, Tone},
};
use leptos::prelude::*;
use shared::{
    FieldProblem, RefusalCode,
    account::{Account, AccountUpdate, DEFAULT_UPLOAD_MAX_BYTES, MAX_UPLOAD_MAX_BYTES, Plan},
};
use uuid::Uuid;

/// Upload limits are written in units of so many bytes.
const MB: u64 = 1_000_000;

/// The dialog; open while an account is chosen.
#[component]
pub fn FeaturesDialog(
    /// The account.
    account: RwSignal<Option<Uuid>>,
    /// Called after a change.
    #[prop(into)]
    saved: Callback<()>,
) -> impl IntoView {
    let (texts, open) = (texts(), opened_by(account));
    view! {
        <Dialog open title=texts.features close=texts.close>
            {move || account.get().map(|account| view! { <Content account open saved/> })}
        </Dialog>
    }
}

#[component]
fn Content(account: Uuid, open: RwSignal<bool>, saved: Callback<()>) -> impl IntoView {
    let client = client();
    let loader = load(move || account, || (), move |account, ()| client.account(account));
    move || match loader.data.get() {
        Some(account) => view! { <Form account open saved/> }.into_any(),
        None => unread(loader, None),
    }
}

#[component]
fn Form(account: Versioned<Account>, open: RwSignal<bool>, saved: Callback<()>) -> impl IntoView {
    let (texts, client, toasts) = (texts(), client(), Toasts::here());
    let Versioned { value: account, etag } = account;
    let words = &texts.suspension;
    let (plan, suspended) = (RwSignal::new(account.plan), RwSignal::new(account.suspended_at.is_some()));
    let (old_plan, was_suspended) = (account.plan, account.suspended_at.is_some());
    let downloads = RwSignal::new(account.downloads_enabled);
    let retention = RwSignal::new(account.event_retention_days.to_string());
    let old_limit = match account.upload_max_bytes {
        DEFAULT_UPLOAD_MAX_BYTES => String::new(),
        bytes => bytes.div_ceil(MB).to_string(),
    };
    let upload_limit = RwSignal::new(old_limit.clone());
    let (error, wrong, saving) = (RwSignal::new(None), RwSignal::new(false), Pending::new());
    let refused = field_error(error, "/event_retention_days");
    let retention_error = Signal::derive(move || {
        let unreadable = wrong.get() && retention.with(|text| whole_number(text).is_none());
        if unreadable { Some(texts.number_wrong.to_owned()) } else { refused.get() }
    });
    // The service would name its limit in bytes.
    let limit_error = Signal::derive(move || {
        let refused = upload_limit.with(|text| limit_in_bytes(text)).err().filter(|_| wrong.get())?;
        Some(explain_field(texts, &refused))
    });
    let id = account.id;
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let days = retention.with_untracked(|text| whole_number(text));
        let limit = upload_limit.with_untracked(|text| limit_in_bytes(text));
        wrong.set(days.is_none() || limit.is_err());
        let (Some(days), Ok(limit)) = (days, limit) else { return };
        let is_same_limit = upload_limit.with_untracked(|text| *text == old_limit);
        let update = AccountUpdate {
            plan: Some(plan.get_untracked()).filter(|plan| *plan != old_plan),
            suspended: Some(suspended.get_untracked()).filter(|suspended| *suspended != was_suspended),
            downloads_enabled: Some(downloads.get_untracked()),
            event_retention_days: Some(u16::try_from(days).unwrap_or(u16::MAX)),
            // In bytes it may be none of the numbers that can be written here: what nobody touched stays.
            upload_max_bytes: (!is_same_limit).then_some(limit),
        };
        let etag = etag.clone();
        saving.start(async move {
            match client.update_account(id, &etag, &update).await {
                Ok(_) => {
                    toasts.good(texts.features_saved);
                    saved.run(());
                    open.set(false);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit novalidate=true>
            <h3 class="break">{account.name}</h3>
            <FormError error/>
            <div class="stack-tight">
                <PlanChoice plan/>
                <div aria-live="polite">
                    {move || match plan.get() {
                        new if new == old_plan => ().into_any(),
                        Plan::Standard => view! {
                            <Notice tone=Tone::Warn><strong>{words.to_standard}</strong><p>{words.to_standard_text}</p></Notice>
                        }
                        .into_any(),
                        Plan::Professional => view! { <p class="hint">{words.to_professional}</p> }.into_any(),
                    }}
                </div>
            </div>
            <Check id="downloads" label=texts.allow_downloads value=downloads hint=texts.allow_downloads_hint/>
            <Field
                id="retention" label=texts.event_retention value=retention kind="number" required=true
                hint=texts.event_retention_hint error=retention_error
            />
            <Field
                id="upload-limit" label=words.upload_limit value=upload_limit kind="number"
                hint=(words.upload_limit_hint)(&bytes(DEFAULT_UPLOAD_MAX_BYTES.cast_signed()))
                error=limit_error
            />
            <div class="rule">
                <Check id="suspended" label=words.suspend value=suspended hint=words.suspend_hint/>
            </div>
            <div class="dialog-foot sticky-foot">
                <Button press=move |()| open.set(false)>{texts.cancel}</Button>
                <Button kind=Kind::Primary submit=true busy=saving.busy()>{texts.save}</Button>
            </div>
        </form>
    }
    .into_any()
}

/// A whole number of at least 1.
fn whole_number(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

/// The upload limit in bytes that is written in megabytes; nothing is the service's default.
fn limit_in_bytes(text: &str) -> Result<u64, FieldProblem> {
    let refusal = |code, limit| FieldProblem { limit: Some(limit), ..FieldProblem::new("/upload_max_bytes", code, "") };
    if text.trim().is_empty() {
        return Ok(DEFAULT_UPLOAD_MAX_BYTES);
    }
    let megabytes = whole_number(text).ok_or_else(|| refusal(RefusalCode::TooSmall, 1))?;
    let largest = MAX_UPLOAD_MAX_BYTES / MB;
    if megabytes > largest { Err(refusal(RefusalCode::TooLarge, largest)) } else { Ok(megabytes * MB) }
}
