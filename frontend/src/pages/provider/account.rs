//! One account: what it may use, its data, its end.

use super::{closing::CloseDialog, enter, features::FeaturesDialog};
use crate::{
    api::Versioned,
    pages::{save_link, single::single},
    paths,
    reactive::memo,
    state::{Loader, Pending, Preferences, Session, client, explain, id_in_path, load, texts},
    ui::{Badge, Button, Icon, Kind, Moment, Shape, Toasts, Tone},
};
use leptos::prelude::*;
use shared::account::Account;
use uuid::Uuid;

/// The account that the page's URL names.
#[component]
pub fn AccountPage() -> impl IntoView {
    let (texts, client, session) = (texts(), client(), expect_context::<Session>());
    let words = &texts.closing;
    let key = id_in_path("account");
    let loader = load(move || key.get(), move || session.account(), move |id, _| client.account(id));
    let name = move || loader.data.with(|account| account.as_ref().map(|account| account.value.name.clone()));
    let draw = move |first: Versioned<Account>| view! { <Parts id=first.value.id loader/> }.into_any();
    view! {
        <div class="stack">
            <a href=paths::PROVIDER class="back">{texts.accounts}</a>
            <h1 class="break">{move || name().unwrap_or_else(|| texts.accounts.to_owned())}</h1>
            {single(loader, |account| account.value.id, (words.unknown, words.unknown_text), draw)}
        </div>
    }
    .into_any()
}

#[component]
fn Parts(id: Uuid, loader: Loader<Versioned<Account>>) -> impl IntoView {
    let texts = texts();
    let words = &texts.closing;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (editing, closing, (enter, entering)) = (RwSignal::new(None), RwSignal::new(false), enter());
    let facts = move || {
        let Versioned { value: account, .. } = loader.data.get()?;
        Some(view! {
            <span>{(texts.plan)(account.plan)}</span>
            <span>{texts.created}" "<Moment at=account.created_at language now=None/></span>
            <span>{texts.downloads}": "{if account.downloads_enabled { texts.enabled } else { texts.disabled }}</span>
            {account.suspended_at.map(|_| view! { <Badge tone=Tone::Warn text=texts.suspension.suspended/> })}
        })
    };
    view! {
        <p class="meta" aria-live="polite">{facts}</p>
        <div class="row">
            <Button press=move |()| editing.set(Some(id))>{texts.features}</Button>
            <Button busy=entering press=move |()| enter.run(id)>{texts.open_account}</Button>
        </div>
        <section class="card narrow">
            <h2>{words.export_title}</h2>
            <p class="soft">{words.export_text}</p>
            <div class="row"><Export id/></div>
        </section>
        <section class="card narrow">
            <h2>{words.close_title}</h2>
            <p class="soft">{words.close_text}</p>
            <div class="row"><Button kind=Kind::Danger press=move |()| closing.set(true)>{words.close}</Button></div>
        </section>
        <FeaturesDialog account=editing saved=move |()| loader.reload()/>
        <CloseDialog open=closing loader/>
    }
    .into_any()
}

/// Has the browser save everything of an account, which a provider sees only inside of it: from outside it is opened first,
/// and the page stays.
#[component]
pub fn Export(id: Uuid) -> impl IntoView {
    let (texts, client, toasts, asking) = (texts(), client(), Toasts::here(), Pending::new());
    let session = expect_context::<Session>();
    let is_inside = memo(move |_| session.me().is_some_and(|me| me.account_id == Some(id)));
    let press = move |()| {
        let is_inside = is_inside.get_untracked();
        asking.start(async move {
            let done = if is_inside {
                client.export_link(id).await.map(|url| save_link(&url, texts, toasts))
            } else {
                client.enter_account(id).await.map(|()| session.reload())
            };
            if let Err(error) = done {
                toasts.bad(explain(texts, &error));
            }
        });
    };
    let words = &texts.closing;
    view! {
        <Button busy=asking.busy() press>
            {move || if is_inside.get() {
                view! { <Icon shape=Shape::Download/>{words.export} }.into_any()
            } else {
                words.open_to_export.into_any()
            }}
        </Button>
    }
    .into_any()
}
