//! Another name for a mail server.

use crate::{
    pages::{FormError, FormFoot, field_error, opened_by},
    state::{Configuration, Pending, client, texts},
    ui::{Dialog, Field, Toasts},
};
use leptos::prelude::*;
use shared::mail_server::{MailServer, MailServerUpdate};

/// Asks for a mail server's new name.
#[component]
pub fn RenameDialog(
    /// The mail server that is asked about.
    chosen: RwSignal<Option<MailServer>>,
    /// Called after each try: somebody else's change is shown as well.
    #[prop(into)]
    reload: Callback<()>,
) -> impl IntoView {
    let texts = texts();
    let open = opened_by(chosen);
    view! {
        <Dialog open title=texts.rename_mail_server close=texts.close>
            {move || chosen.get().map(|server| view! { <RenameForm server open reload/> })}
        </Dialog>
    }
}

#[component]
fn RenameForm(server: MailServer, open: RwSignal<bool>, reload: Callback<()>) -> impl IntoView {
    let (texts, client, toasts, configuration) = (texts(), client(), Toasts::here(), Configuration::open());
    let (name, error, saving) = (RwSignal::new(server.name.clone()), RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let server = server.clone();
        saving.start(async move {
            let change = MailServerUpdate { name: Some(name.get_untracked()), active: None };
            let changed = client.update_mail_server(configuration.id.get_untracked(), &server, &change).await;
            reload.run(());
            match changed {
                Ok(_) => {
                    toasts.good(texts.mail_server_changed);
                    open.set(false);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <FormError error/>
            <Field
                id="new-name" label=texts.mail_server_name value=name required=true error=field_error(error, "/name")
            />
            <FormFoot open confirm=texts.save busy=saving.busy()/>
        </form>
    }
    .into_any()
}
