//! Making a server configuration, and changing its name and time zone.

use crate::{
    i18n::zone,
    pages::{FormError, FormFoot, field_error},
    paths::Section,
    router::Router,
    state::{Configurations, Pending, client, texts},
    ui::{Dialog, Field, Toasts},
};
use leptos::prelude::*;
use shared::mail_server::{NewServerConfiguration, ServerConfiguration};

/// Zones that are offered; any other IANA name can be typed.
const ZONES: &[&str] = &[
    "Asia/Tokyo",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "UTC",
];

/// The dialog that makes a server configuration.
#[component]
pub fn NewConfiguration(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let texts = texts();
    view! {
        <Dialog open title=texts.new_configuration close=texts.close><ConfigurationForm open known=None/></Dialog>
    }
}

/// The dialog that changes one.
#[component]
pub fn ChangeConfiguration(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Which, as it is now.
    configuration: Memo<Option<ServerConfiguration>>,
) -> impl IntoView {
    let texts = texts();
    view! {
        <Dialog open title=texts.change_configuration close=texts.close>
            <ConfigurationForm open known=configuration.get_untracked()/>
        </Dialog>
    }
}

/// `known`: what is changed, as it was read.
#[component]
fn ConfigurationForm(open: RwSignal<bool>, known: Option<ServerConfiguration>) -> impl IntoView {
    let (texts, client, toasts, router) = (texts(), client(), Toasts::here(), Router::here());
    let Configurations(loader) = expect_context();
    let (old_name, old_zone) = known.as_ref().map(|known| (known.name.clone(), known.time_zone.clone())).unzip();
    let (name, zone) = (RwSignal::new(old_name.unwrap_or_default()), RwSignal::new(old_zone.unwrap_or_else(zone::own)));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let button = if known.is_some() { texts.save } else { texts.create };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let known = known.clone();
        saving.start(async move {
            let wanted = NewServerConfiguration { name: name.get_untracked(), time_zone: zone.get_untracked() };
            let (answer, done) = match &known {
                Some(known) => (client.update_configuration(known, &wanted).await, texts.configuration_changed),
                None => (client.create_configuration(&wanted).await, texts.configuration_created),
            };
            // Somebody else's change is shown as well.
            loader.reload();
            match answer {
                Ok(saved) => {
                    toasts.good(done);
                    if known.is_some() {
                        open.set(false);
                    } else {
                        // In the place of the dialog's address, which closes the dialog.
                        router.go_instead(&Section::BlockedList.of(saved.id));
                    }
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <Field
                id="configuration-name" label=texts.configuration_name value=name required=true
                error=field_error(error, "/name")
            />
            <Field
                id="configuration-zone" label=texts.time_zone value=zone required=true hint=texts.time_zone_hint
                suggestions=ZONES error=field_error(error, "/time_zone")
            />
            <FormFoot open confirm=button busy=saving.busy()/>
        </form>
    }
    .into_any()
}
