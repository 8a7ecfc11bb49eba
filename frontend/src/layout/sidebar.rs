//! The server configurations at the left.

use super::configuration_form::NewConfiguration;
use crate::{
    pages::unread,
    paths::{self, Section},
    reactive::memo,
    router::Router,
    state::{Configurations, Session, Url, texts},
    ui::{Button, Drawn, Icon, Kind, Search, Shape, Show},
};
use leptos::prelude::*;
use shared::{mail_server::ServerConfiguration, session::Role};

/// From so many configurations on there is a search.
const MANY: usize = 8;

/// The server configurations.
#[component]
pub fn Sidebar() -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let Configurations(loader) = expect_context();
    let (wanted, creating, path) =
        (RwSignal::new(String::new()), Url::current().dialog(paths::NEW_CONFIGURATION), Router::here().path);
    let link = move |configuration: ServerConfiguration| {
        let id = configuration.id;
        // An address is one of its server configuration only.
        let section = move || {
            let section = path.with(|path| Section::at(path)).filter(|section| *section != Section::Address);
            section.unwrap_or(Section::BlockedList)
        };
        let current = move || path.with(|path| paths::configuration_at(path) == Some(id)).then_some("true");
        view! {
            <li>
                <a href=move || section().of(id) aria-current=current>
                    <span>{configuration.name}</span>
                    <small>{(texts.addresses_count)(configuration.list_count)}</small>
                </a>
            </li>
        }
    };
    let list = move |configurations: Vec<ServerConfiguration>| {
        let many = configurations.len() >= MANY;
        let found = memo(move |_| {
            let wanted = lower_case(&wanted.get());
            let found = configurations.iter().filter(|one| lower_case(&one.name).contains(&wanted));
            found.cloned().collect::<Vec<_>>()
        });
        view! {
            {many.then(|| view! {
                <Search id="find-configuration" label=texts.find_configuration value=wanted typed=move |text| wanted.set(text)/>
            })}
            <ul role="list">{move || found.get().into_iter().map(link).drawn()}</ul>
            <Show when=move || many && found.with(Vec::is_empty)><p class="hint" role="status">{texts.no_configuration_found}</p></Show>
        }
        .into_any()
    };
    view! {
        <nav class="sidebar" aria-label=texts.configurations>
            <div class="sidebar-head">
                <h2>{texts.configurations}</h2>
                <Show when=move || session.may(Role::Administrator)>
                    <Button small=true kind=Kind::Quiet name=texts.new_configuration press=move |()| creating.set(true)>
                        <Icon shape=Shape::Plus/>
                    </Button>
                </Show>
            </div>
            {move || match loader.data.get() {
                Some(configurations) => list(configurations),
                None => unread(loader, None),
            }}
        </nav>
        <Show when=move || session.may(Role::Administrator)><NewConfiguration open=creating/></Show>
    }
    .into_any()
}

/// By the browser's knowledge of letters, which the console then need not bring along.
fn lower_case(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}
