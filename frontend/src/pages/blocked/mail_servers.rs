//! Mail servers: their state, adding one, replacing a token.

use super::connect::{AddDialog, ConnectDialog};
use crate::{
    pages::listing::listing,
    state::{Configuration, Loader, Pending, Preferences, Session, Url, client, explain, load, now, texts},
    ui::{Badge, Button, Dialog, Icon, Kind, Moment, Shape, Table, Toasts, Tone},
};
use leptos::prelude::*;
use shared::{
    Page,
    mail_server::{MailServer, MailServerCredential, MailServerState, MailServerUpdate},
    session::Role,
};

/// The mail servers of the configuration.
#[component]
pub fn MailServers() -> impl IntoView {
    let (texts, client, session, toasts) = (texts(), client(), expect_context::<Session>(), Toasts::here());
    let Configuration { id, live } = Configuration::open();
    let loader = load(
        move || id.get(),
        move || live.mail_servers.get(),
        move |id, _| async move {
            client.mail_servers(id).await.map(|items| Page { items, next_cursor: None, total: None })
        },
    );
    let (adding, made) = (RwSignal::new(false), RwSignal::new(None::<MailServerCredential>));
    let (renewing, asking, pending) = (RwSignal::new(None::<MailServer>), RwSignal::new(false), Pending::new());
    let renew = Callback::new(move |()| {
        let Some(server) = renewing.get_untracked() else { return };
        pending.start(async move {
            match client.renew_token(id.get_untracked(), server.id).await {
                Ok(credential) => {
                    asking.set(false);
                    made.set(Some(credential));
                }
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    });
    let ask = Callback::new(move |server: MailServer| {
        renewing.set(Some(server));
        asking.set(true);
    });
    let table = move |rows: Memo<Vec<MailServer>>| {
        let key = |one: &MailServer| {
            (one.id, one.name.clone(), one.active, one.state, one.last_seen_at, one.version, one.count)
        };
        let head = vec![texts.mail_server_name, texts.state, texts.last_contact, texts.holds, texts.actions];
        view! {
            <Table label=texts.mail_servers head busy=loader.busy>
                <For each=move || rows.get() key let:server><Row server loader ask/></For>
            </Table>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <div class="row spread">
                <p class="soft">{texts.mail_servers_text}</p>
                <Show when=move || session.may(Role::Administrator)>
                    <Button kind=Kind::Primary press=move |()| adding.set(true)>
                        <Icon shape=Shape::Plus/>{texts.add_mail_server}
                    </Button>
                </Show>
            </div>
            {listing(loader, Url::current(), &[], (texts.mail_servers_empty, texts.mail_servers_empty_text), table)}
        </div>
        <AddDialog open=adding made reload=move |()| loader.reload()/>
        <ConnectDialog made loader/>
        <Dialog open=asking title=texts.renew_token_title close=texts.close>
            <div class="stack-tight">
                <h3>{move || renewing.get().map(|server| (texts.renew_question)(&server.name))}</h3>
                <p class="soft">{texts.renew_token_text}</p>
            </div>
            <div class="dialog-foot">
                <Button press=move |()| asking.set(false)>{texts.cancel}</Button>
                <Button kind=Kind::Danger busy=pending.busy() press=renew>{texts.renew_token}</Button>
            </div>
        </Dialog>
    }
    .into_any()
}

/// How a mail server's state feels.
pub fn tone(state: MailServerState) -> Tone {
    match state {
        MailServerState::Waiting | MailServerState::Late | MailServerState::Mismatch => Tone::Working,
        MailServerState::InSync => Tone::Good,
        MailServerState::Silent => Tone::Warn,
    }
}

#[component]
fn Row(server: MailServer, loader: Loader<Page<MailServer>>, ask: Callback<MailServer>) -> impl IntoView {
    let (texts, client, session, toasts) = (texts(), client(), expect_context::<Session>(), Toasts::here());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (configuration, pending) = (Configuration::open(), Pending::new());
    let (id, active) = (server.id, server.active);
    let switch = Callback::new(move |()| {
        pending.start(async move {
            let change = MailServerUpdate { name: None, active: Some(!active) };
            match client.update_mail_server(configuration.id.get_untracked(), id, &change).await {
                Ok(_) => {
                    toasts.good(texts.mail_server_changed);
                    loader.reload();
                }
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    });
    let words = if active { texts.deactivate } else { texts.activate };
    let (name, asked) = (server.name.clone(), server.clone());
    let actions = move || {
        let (name, asked) = (name.clone(), asked.clone());
        view! {
            <Button small=true kind=Kind::Quiet name=format!("{words}: {name}") busy=pending.busy() press=switch>{words}</Button>
            <Button
                small=true kind=Kind::Quiet name=format!("{}: {name}", texts.renew_token)
                press=move |()| ask.run(asked.clone())
            >
                {texts.renew_token}
            </Button>
        }
    };
    let holds = server.version.zip(server.count).map(|(version, count)| (texts.holds_version)(version, count));
    view! {
        <tr>
            <td class="address">{server.name}</td>
            <td>
                {if active {
                    view! {
                        <span title=(texts.mail_server_state_hint)(server.state)>
                            <Badge tone=tone(server.state) text=(texts.mail_server_state)(server.state)/>
                        </span>
                    }.into_any()
                } else {
                    view! { <Badge tone=Tone::Plain text=texts.inactive/> }.into_any()
                }}
            </td>
            <td>{server.last_seen_at.map(|at| view! { <Moment at language now=Some(now())/> })}</td>
            <td class="soft">{holds}</td>
            <td class="actions">{move || session.may(Role::Administrator).then(&actions)}</td>
        </tr>
    }
    .into_any()
}
