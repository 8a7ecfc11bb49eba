//! Where the console begins, and where it ends.

use crate::{
    pages::unread,
    paths::{self, Section},
    reactive::memo,
    router::Router,
    state::{Configurations, Session, Url, effect, texts},
    ui::{Button, Empty, Icon, Kind, Shape, Show},
};
use leptos::prelude::*;
use shared::session::Role;

/// Leads to the first server configuration, or to making one.
#[component]
pub fn Home() -> impl IntoView {
    let (texts, session, router) = (texts(), expect_context::<Session>(), Router::here());
    let Configurations(loader) = expect_context();
    // The dialog itself is the sidebar's.
    let creating = Url::current().dialog(paths::NEW_CONFIGURATION);
    effect(move || {
        let first = loader.data.with(|all| all.as_ref()?.first().map(|one| one.id));
        if let Some(first) = first {
            router.go_instead(&Section::BlockedList.of(first));
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
    let router = Router::here();
    effect(move || {
        let id = router.path.with_untracked(|path| paths::configuration_at(path));
        router.go_instead(&id.map_or_else(|| paths::HOME.to_owned(), |id| Section::BlockedList.of(id)));
    });
}

/// There is no such page.
#[component]
pub fn NotFound() -> impl IntoView {
    let texts = texts();
    view! {
        <main class="gate">
            <Empty title=texts.not_found text=texts.not_found_text alone=true>
                <a href=paths::HOME class="button">{texts.back_home}</a>
            </Empty>
        </main>
    }
}
