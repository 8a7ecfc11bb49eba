//! The frame of the settings.

use crate::{
    paths,
    reactive::memo,
    router::{Outlet, Router},
    state::{Session, texts},
    ui::Show,
};
use leptos::prelude::*;
use shared::session::Role;

/// Title and sections of the settings.
#[component]
pub fn SettingsFrame() -> impl IntoView {
    let (texts, session, router) = (texts(), expect_context::<Session>(), Router::here());
    let path = memo(move |_| router.path.get());
    let current = move |to: &'static str| move || path.with(|path| path == to).then_some("page");
    view! {
        <header class="page-head"><h1>{texts.people.settings}</h1></header>
        <nav class="subtabs" aria-label=texts.sections>
            <a href=paths::MY_ACCOUNT aria-current=current(paths::MY_ACCOUNT)>{texts.people.my_account}</a>
            <Show when=move || session.may(Role::Administrator)>
                <a href=paths::USERS aria-current=current(paths::USERS)>{texts.people.users}</a>
            </Show>
            // The provider's staff has none of its own: they belong to an account.
            <Show when=move || session.may(Role::Administrator) && session.me().is_some_and(|me| me.account_id.is_some())>
                <a href=paths::TOKENS aria-current=current(paths::TOKENS)>{texts.tokens.tokens}</a>
            </Show>
            <Show when=move || session.may(Role::Administrator)>
                <a href=paths::AUDIT_LOG aria-current=current(paths::AUDIT_LOG)>{texts.audit.audit_log}</a>
            </Show>
        </nav>
        <Outlet/>
    }
    .into_any()
}
