//! Where the console begins, and where it ends.

use crate::{
    pages::unread,
    paths::{self, Section},
    reactive::memo,
    state::{Configurations, Session, Url, effect, texts},
    ui::{Button, Empty, Icon, Kind, Shape, Show},
};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    components::{A, Redirect},
    hooks::{use_navigate, use_params_map},
};
use shared::session::Role;

/// Leads to the first server configuration, or to making one.
#[component]
pub fn Home() -> impl IntoView {
    let (texts, session, navigate) = (texts(), expect_context::<Session>(), use_navigate());
    let Configurations(loader) = expect_context();
    // The dialog itself is the sidebar's.
    let creating = Url::current().dialog(paths::NEW_CONFIGURATION);
    effect(move || {
        let first = loader.data.with(|all| all.as_ref()?.first().map(|one| one.id));
        if let Some(first) = first {
            let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
            navigate(&Section::BlockedList.of(first), options);
        }
    });
    let empty = memo(move |_| loader.data.with(|all| all.as_ref().is_some_and(Vec::is_empty)));
    let waiting = move || loader.data.with(Option::is_none).then(|| unread(loader, Some(texts.configurations)));
    view! {
        {waiting}
        <Show when=move || empty.get()>
            {move || if session.may(Role::Administrator) {
                view! {
                    <Empty title=texts.no_configurations text=texts.no_configurations_text alone=true>
                        <Button kind=Kind::Primary press=move |()| creating.set(true)>
                            <Icon shape=Shape::Plus/>{texts.new_configuration}
                        </Button>
                    </Empty>
                }
            } else {
                view! { <Empty title=texts.no_configurations text=texts.no_configurations_viewer alone=true/> }
            }}
        </Show>
    }
    .into_any()
}

/// A configuration's address without a section.
#[component]
pub fn ToBlockedList() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("configuration").and_then(|id| id.parse().ok()));
    let path = id.map_or_else(|| paths::HOME.to_owned(), |id| Section::BlockedList.of(id));
    view! { <Redirect path options=NavigateOptions { replace: true, ..NavigateOptions::default() }/> }
}

/// There is no such page.
#[component]
pub fn NotFound() -> impl IntoView {
    let texts = texts();
    view! {
        <main class="gate">
            <Empty title=texts.not_found text=texts.not_found_text alone=true>
                <A href=paths::HOME attr:class="button">{texts.back_home}</A>
            </Empty>
        </main>
    }
}
