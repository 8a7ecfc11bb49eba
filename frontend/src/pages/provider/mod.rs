//! The provider's accounts.

mod account;
mod closing;
mod features;

pub use account::AccountPage;

use super::{
    FormError, FormFoot, field_error,
    listing::{kept, listing},
};
use crate::{
    paths,
    router::Router,
    state::{Pending, Preferences, Session, Url, client, explain, load, texts},
    ui::{Badge, Button, Dialog, Field, Icon, Kind, Moment, Select, Shape, Table, Toasts, Tone},
};
use features::FeaturesDialog;
use leptos::prelude::*;
use shared::account::{Account, NewAccount, Plan};
use uuid::Uuid;

/// The accounts: make one, open one.
#[component]
pub fn Accounts() -> impl IntoView {
    let (texts, client, url, session) = (texts(), client(), Url::current(), expect_context::<Session>());
    let loader = load(
        || (),
        move || (url.get("cursor"), session.account()),
        move |(), (cursor, _)| async move { client.accounts(&cursor).await },
    );
    let (creating, editing, (enter, entering)) = (url.dialog("new-account"), RwSignal::new(None), enter());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let row = move |first: Account, rows: Memo<Vec<Account>>| {
        let (id, name, created_at) = (first.id, first.name.clone(), first.created_at);
        let account = kept(rows, first, |account| account.id);
        let (features, open) = (format!("{}: {name}", texts.features), format!("{}: {name}", texts.open_account));
        let plan = move || {
            let (plan, suspended) = account.with(|account| (account.plan, account.suspended_at.is_some()));
            view! {
                {(texts.plan)(plan)}
                {suspended.then(|| view! { <Badge tone=Tone::Warn text=texts.suspension.suspended/> })}
            }
        };
        let downloads = move || {
            if account.with(|account| account.downloads_enabled) { texts.enabled } else { texts.disabled }
        };
        view! {
            <tr>
                <td class="address"><a class="item" href=paths::account(id)>{name}</a></td>
                <td><span class="row">{plan}</span></td>
                <td><Moment at=created_at language now=None/></td>
                <td>{downloads}</td>
                <td class="actions">
                    <Button
                        small=true kind=Kind::Quiet name=features
                        press=move |()| editing.set(Some(id))
                    >
                        {texts.features}
                    </Button>
                    <Button small=true name=open busy=entering press=move |()| enter.run(id)>{texts.open_account}</Button>
                </td>
            </tr>
        }
    };
    let table = move |rows: Memo<Vec<Account>>| {
        let head = vec![texts.account_name, texts.plan_label, texts.created, texts.downloads, texts.actions];
        view! {
            <Table label=texts.accounts head busy=loader.busy>
                <For each=move || rows.get() key=|account| account.id let:account>{row(account, rows)}</For>
            </Table>
        }
        .into_any()
    };
    view! {
        <header class="page-head">
            <div class="stack-tight"><h1>{texts.accounts}</h1><p class="soft">{texts.accounts_text}</p></div>
            <Button kind=Kind::Primary press=move |()| creating.set(true)><Icon shape=Shape::Plus/>{texts.new_account}</Button>
        </header>
        <div class="stack">
            {listing(loader, url, &[], (texts.accounts_empty, texts.accounts_empty_text), table)}
        </div>
        <FeaturesDialog account=editing saved=move |()| loader.reload()/>
        <Dialog open=creating title=texts.new_account close=texts.close>
            <NewAccountForm open=creating made=move |()| loader.reload()/>
        </Dialog>
    }
    .into_any()
}

/// Goes into an account, and whether that is going on.
fn enter() -> (Callback<Uuid>, Signal<bool>) {
    let (texts, client, toasts, session) = (texts(), client(), Toasts::here(), expect_context::<Session>());
    let (router, entering) = (Router::here(), Pending::new());
    let enter = Callback::new(move |account: Uuid| {
        entering.start(async move {
            match client.enter_account(account).await {
                Ok(()) => {
                    session.reload();
                    router.go(paths::HOME);
                }
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    });
    (enter, entering.busy())
}

/// A choice of plans.
#[component]
fn PlanChoice(plan: RwSignal<Plan>) -> impl IntoView {
    let texts = texts();
    let options = Plan::ALL.into_iter().map(|plan| (plan.as_str(), (texts.plan)(plan))).collect::<Vec<_>>();
    let choose = move |name: String| {
        if let Some(chosen) = Plan::ALL.into_iter().find(|plan| plan.as_str() == name) {
            plan.set(chosen);
        }
    };
    view! {
        <Select
            id="plan" label=texts.plan_label options choose
            value=Signal::derive(move || plan.get().as_str().to_owned())
        />
    }
}

#[component]
fn NewAccountForm(open: RwSignal<bool>, #[prop(into)] made: Callback<()>) -> impl IntoView {
    let (texts, client, toasts) = (texts(), client(), Toasts::here());
    let text = || RwSignal::new(String::new());
    let (name, email, password, plan) = (text(), text(), text(), RwSignal::new(Plan::Professional));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        saving.start(async move {
            let new = NewAccount {
                name: name.get_untracked(),
                plan: plan.get_untracked(),
                administrator_email: email.get_untracked(),
                administrator_password: password.get_untracked(),
            };
            match client.create_account(&new).await {
                Ok(_) => {
                    toasts.good(texts.account_created);
                    made.run(());
                    open.set(false);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <Field id="account-name" label=texts.account_name value=name required=true error=field_error(error, "/name")/>
            <PlanChoice plan/>
            <Field
                id="administrator-email" label=texts.administrator_email value=email kind="email" required=true
                error=field_error(error, "/administrator_email")
            />
            <Field
                id="administrator-password" label=texts.administrator_password value=password kind="password"
                autocomplete="new-password" required=true hint=texts.password_hint
                error=field_error(error, "/administrator_password")
            />
            <FormFoot open confirm=texts.create busy=saving.busy()/>
        </form>
    }
    .into_any()
}
