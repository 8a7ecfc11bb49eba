//! Adding a mail server and connecting its agent.

use crate::{
    pages::{FormError, FormFoot, field_error, opened_by},
    reactive::memo,
    state::{Configuration, Loader, Pending, client, texts},
    ui::{Badge, Button, Dialog, Field, Kind, Notice, Secret, Tone},
};
use leptos::prelude::*;
use shared::{
    Page,
    mail_server::{MailServer, MailServerCredential, NewMailServer},
};

/// What starts an agent beside its configuration.
const START: &str = "stoplist-agent --config agent.toml run";

/// Asks for the new mail server's name.
#[component]
pub fn AddDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Takes the new mail server's token.
    made: RwSignal<Option<MailServerCredential>>,
    /// Called when it is made.
    #[prop(into)]
    reload: Callback<()>,
) -> impl IntoView {
    let texts = texts();
    view! { <Dialog open title=texts.add_mail_server close=texts.close><AddForm open made reload/></Dialog> }
}

#[component]
fn AddForm(open: RwSignal<bool>, made: RwSignal<Option<MailServerCredential>>, reload: Callback<()>) -> impl IntoView {
    let (texts, client, configuration) = (texts(), client(), Configuration::open());
    let (name, error, saving) = (RwSignal::new(String::new()), RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        saving.start(async move {
            let new = NewMailServer { name: name.get_untracked() };
            match client.create_mail_server(configuration.id.get_untracked(), &new).await {
                Ok(credential) => {
                    reload.run(());
                    made.set(Some(credential));
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
                id="mail-server-name" label=texts.mail_server_name value=name required=true
                error=field_error(error, "/name")
            />
            <FormFoot open confirm=texts.add_mail_server busy=saving.busy()/>
        </form>
    }
    .into_any()
}

/// Shows the token once, and when the agent calls for the first time.
#[component]
pub fn ConnectDialog(
    /// The token; gone when the dialog closes.
    made: RwSignal<Option<MailServerCredential>>,
    /// The mail servers, kept up to date by live events.
    loader: Loader<Page<MailServer>>,
) -> impl IntoView {
    let texts = texts();
    let open = opened_by(made);
    view! {
        <Dialog open title=texts.token_title close=texts.close wide=true>
            {move || made.get().map(|credential| view! { <Connect credential loader open/> })}
        </Dialog>
    }
}

#[component]
fn Connect(credential: MailServerCredential, loader: Loader<Page<MailServer>>, open: RwSignal<bool>) -> impl IntoView {
    let texts = texts();
    // A contact that was there before is the one of an earlier token.
    let (id, before) = (credential.mail_server.id, credential.mail_server.last_seen_at);
    let called = memo(move |_| {
        let last = |server: &MailServer| server.id == id && server.last_seen_at > before;
        loader.data.with(|page| page.as_ref().is_some_and(|page| page.items.iter().any(last)))
    });
    let origin = window().location().origin().unwrap_or_default();
    let toml = format!(
        "service = \"{origin}\"\ntoken = \"{}\"\ndata_dir = \"/var/lib/stoplist-agent\"\nmail_log = \"/var/log/mail.log\"\n",
        credential.token
    );
    let words = texts.copying();
    view! {
        <div class="stack">
            <Notice tone=Tone::Warn><p>{texts.token_once}</p></Notice>
            <Secret label=texts.token text=credential.token words/>
            <Secret label=texts.agent_configuration text=toml words/>
            <Secret label=texts.token_next text=START.to_owned() words/>
            <div class="row" aria-live="polite">
                {move || if called.get() {
                    view! { <Notice tone=Tone::Good><p>{texts.contact_made}</p></Notice> }.into_any()
                } else {
                    view! { <Badge tone=Tone::Working text=texts.waiting_contact/> }.into_any()
                }}
            </div>
            <div class="dialog-foot">
                <Button kind=Kind::Primary press=move |()| open.set(false)>{texts.done}</Button>
            </div>
        </div>
    }
    .into_any()
}
