//! The frame of a server configuration's pages.

use super::run_controls::RunControls;
use crate::{
    paths::Section,
    reactive::memo,
    state::{Configuration, Configurations, Live, Session, client, id_in_path, texts},
    ui::{Badge, Empty, Show, Tone},
};
use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};

/// Name, sections and run controls of the open configuration.
#[component]
pub fn ConfigurationFrame() -> impl IntoView {
    let (texts, session, client) = (texts(), expect_context::<Session>(), client());
    let id = id_in_path("configuration");
    let live = Live::follow(client, id);
    provide_context(Configuration { id, live });
    let Configurations(loader) = expect_context();
    // The counts beside the names follow the lists.
    Effect::new(move |before: Option<()>| {
        live.lists.track();
        live.distribution.track();
        if before.is_some() {
            loader.reload();
        }
    });
    let found = memo(move |_| loader.data.with(|all| all.as_ref()?.iter().find(|one| one.id == id.get()).cloned()));
    let unknown = memo(move |_| loader.data.with(Option::is_some) && found.with(Option::is_none));
    let path = use_location().pathname;
    let section = memo(move |_| path.with(|path| Section::at(path)));
    let is_report = memo(move |_| section.get().is_some_and(Section::is_report));
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
            let standard = session.is_standard();
            let first = if standard { texts.request_release } else { texts.blocked_list };
            vec![
                Some(link(Section::BlockedList, first)),
                (!standard).then(|| link(Section::StopCancellation, texts.stop_cancellation)),
                (!standard).then(|| link(Section::Uploads, texts.uploads.uploads)),
                Some(link(Section::Distributions, texts.distributions)),
                Some(link(Section::MailServers, texts.mail_servers)),
            ]
            .into_any()
        }
    };
    view! {
        <Show
            when=move || !unknown.get()
            fallback=move || view! { <Empty title=texts.not_found text=texts.configuration_unknown/> }
        >
            <header class="page-head">
                <div class="stack-tight">
                    <h1>{move || found.get().map(|one| one.name)}</h1>
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
            <nav class="subtabs" aria-label=texts.sections>{sections}</nav>
            <Show
                when=move || !(session.is_standard() && section.get().is_some_and(Section::is_professional))
                fallback=move || view! { <Empty title=texts.professional_only text=texts.professional_only_text/> }
            >
                <Outlet/>
            </Show>
        </Show>
    }
    .into_any()
}
