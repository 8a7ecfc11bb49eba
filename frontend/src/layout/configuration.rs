//! The frame of a server configuration's pages.

use super::{configuration_form::ChangeConfiguration, run_controls::RunControls, title::OpenName};
use crate::{
    paths::Section,
    reactive::memo,
    router::{Outlet, Router},
    state::{Configuration, Configurations, Live, Session, Url, client, effect, id_in_path, texts},
    ui::{Badge, Button, Drawn, Empty, Kind, Show, Tone},
};
use leptos::prelude::*;
use shared::{plan::Capability, session::Role};

/// Name, sections and run controls of the open configuration.
#[component]
pub fn ConfigurationFrame() -> impl IntoView {
    let (texts, session, client) = (texts(), expect_context::<Session>(), client());
    let id = id_in_path("configuration");
    let live = Live::follow(client, id);
    provide_context(Configuration { id, live });
    let Configurations(loader) = expect_context();
    // The counts beside the names follow the lists.
    Effect::new(move |before: Option<u32>| {
        let now = live.lists.get();
        if before.is_some() {
            loader.reload();
        }
        now
    });
    let found = memo(move |_| loader.data.with(|all| all.as_ref()?.iter().find(|one| one.id == id.get()).cloned()));
    // Where they cannot be read, the sidebar says why.
    let name = move || {
        let failed = || loader.error.with(Option::is_some).then(|| texts.configurations.to_owned());
        found.get().map(|one| one.name).or_else(failed)
    };
    let changing = Url::current().dialog("change-configuration");
    let may_change = memo(move |_| session.may(Role::Administrator) && found.with(Option::is_some));
    let OpenName(open) = expect_context();
    effect(move || open.set(found.get().map(|one| one.name)));
    let unknown = memo(move |_| loader.data.with(Option::is_some) && found.with(Option::is_none));
    let path = Router::here().path;
    let section = memo(move |_| path.with(|path| Section::at(path)));
    let is_report = memo(move |_| section.get().is_some_and(Section::is_report));
    let blocked = memo(move |_| {
        let lists = session.includes(Capability::SeeLists);
        let first = if lists { texts.blocked_list } else { texts.request_release };
        let sections = [
            (Section::BlockedList, first),
            (Section::StopCancellation, texts.stop_cancellation),
            (Section::Uploads, texts.uploads.uploads),
            (Section::Distributions, texts.distributions),
            (Section::MailServers, texts.mail_servers),
        ];
        sections.into_iter().filter(|(section, _)| session.includes(section.needs())).collect::<Vec<_>>()
    });
    let sections = move || {
        let link = |to: Section, words: &'static str| {
            let current = move || (section.get() == Some(to)).then_some("page");
            view! { <a href=move || to.of(id.get()) aria-current=current>{words}</a> }
        };
        if is_report.get() {
            vec![
                link(Section::Overview, texts.report.overview),
                link(Section::ErrorLog, texts.error_log),
                link(Section::DeliveryLog, texts.delivery_log),
            ]
            .into_any()
        } else {
            blocked.get().into_iter().map(|(section, words)| link(section, words)).drawn().into_any()
        }
    };
    view! {
        <Show
            when=move || !unknown.get()
            fallback=move || view! { <Empty title=texts.not_found text=texts.configuration_unknown alone=true/> }
        >
            <header class="page-head">
                <div class="stack-tight">
                    <div class="row">
                        {move || name().map(|name| view! { <h1 class="break">{name}</h1> })}
                        <Show when=move || may_change.get()>
                            <Button
                                small=true kind=Kind::Quiet name=texts.change_configuration
                                press=move |()| changing.set(true)
                            >
                                {texts.people.change}
                            </Button>
                        </Show>
                    </div>
                    <p class="meta">
                        {move || found.get().map(|one| view! {
                            <span>{(texts.version_number)(one.list_version)}</span>
                            <span>{(texts.addresses_count)(one.list_count)}</span>
                            <span>{one.time_zone}</span>
                        })}
                        <Show when=move || live.connected.get() && client.reachable().get()><Badge tone=Tone::Good text=texts.live_on/></Show>
                    </p>
                </div>
                <Show when=move || !section.get().is_some_and(Section::is_report)><RunControls/></Show>
            </header>
            <Show when=move || may_change.get()><ChangeConfiguration open=changing configuration=found/></Show>
            <nav class="subtabs" aria-label=texts.sections>{sections}</nav>
            <Show
                when=move || section.get().is_none_or(|section| session.includes(section.needs()))
                fallback=move || view! { <Empty title=texts.professional_only text=texts.professional_only_text/> }
            >
                <Outlet/>
            </Show>
        </Show>
    }
    .into_any()
}
