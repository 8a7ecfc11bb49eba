//! Mail servers: their state, adding one, replacing a token.

use super::{
    connect::{AddDialog, ConnectDialog},
    rename::RenameDialog,
};
use crate::{
    pages::{
        Confirm,
        listing::{kept, listing},
    },
    state::{Configuration, Loader, Pending, Preferences, Session, Url, client, explain, load, texts, ticking},
    ui::{Badge, Button, Icon, Kind, Moment, Shape, Show, Table, Toasts, Tone},
};
use futures::future::FutureExt;
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
    let loader = load(move || id.get(), move || live.mail_servers.get(), move |id, _| client.mail_servers(id));
    let (url, made) = (Url::current(), RwSignal::new(None::<MailServerCredential>));
    let (adding, may_add) = (url.dialog("add-mail-server"), move || session.may(Role::Administrator));
    let chosen = RwSignal::new(None::<MailServer>);
    let (renewing, deactivating) = (RwSignal::new(false), RwSignal::new(false));
    let renaming = RwSignal::new(None::<MailServer>);
    let renew = move |()| {
        async move {
            let Some(server) = chosen.get_untracked() else { return Ok(()) };
            made.set(Some(client.renew_token(id.get_untracked(), server.id).await?));
            Ok(())
        }
        .boxed_local()
    };
    let deactivate = move |()| {
        async move {
            let Some(server) = chosen.get_untracked() else { return Ok(()) };
            let change = MailServerUpdate { name: None, active: Some(false) };
            let changed = client.update_mail_server(id.get_untracked(), &server, &change).await;
            // Somebody else's change is shown as well.
            loader.reload();
            changed.map(|_| toasts.good(texts.mail_server_changed))
        }
        .boxed_local()
    };
    let ask = Callback::new(move |(server, question): (MailServer, RwSignal<bool>)| {
        chosen.set(Some(server));
        question.set(true);
    });
    let name = move || chosen.get().map(|server| server.name).unwrap_or_default();
    let table = move |rows: Memo<Vec<MailServer>>| {
        let head = vec![texts.mail_server_name, texts.state, texts.last_contact, texts.holds, texts.actions];
        view! {
            <Table label=texts.mail_servers head busy=loader.busy>
                <For each=move || rows.get() key=|one| one.id let:first>
                    <Row first rows loader ask renewing deactivating renaming/>
                </For>
            </Table>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <div class="row spread">
                <p class="soft">{texts.mail_servers_text}</p>
                <Show when=may_add>
                    <Button kind=Kind::Primary press=move |()| adding.set(true)>
                        <Icon shape=Shape::Plus/>{texts.add_mail_server}
                    </Button>
                </Show>
            </div>
            {listing(loader, url, &[], (texts.mail_servers_empty, texts.mail_servers_empty_text), table)}
        </div>
        <Show when=may_add><AddDialog open=adding made reload=move |()| loader.reload()/></Show>
        <RenameDialog chosen=renaming reload=move |()| loader.reload()/>
        <ConnectDialog made loader/>
        <Confirm
            open=deactivating title=texts.deactivate_title confirm=texts.deactivate kind=Kind::Danger act=deactivate
        >
            <div class="stack-tight">
                <h3>{move || (texts.deactivate_question)(&name())}</h3>
                <p class="soft">{texts.deactivate_text}</p>
            </div>
        </Confirm>
        <Confirm
            open=renewing title=texts.renew_token_title confirm=texts.renew_token kind=Kind::Danger act=renew
        >
            <div class="stack-tight">
                <h3>{move || (texts.renew_question)(&name())}</h3>
                <p class="soft">{texts.renew_token_text}</p>
            </div>
        </Confirm>
    }
    .into_any()
}

/// How a mail server's state feels.
fn tone(state: MailServerState) -> Tone {
    match state {
        MailServerState::Waiting | MailServerState::Late | MailServerState::Mismatch => Tone::Working,
        MailServerState::InSync => Tone::Good,
        MailServerState::Silent => Tone::Warn,
    }
}

#[component]
fn Row(
    first: MailServer,
    rows: Memo<Vec<MailServer>>,
    loader: Loader<Page<MailServer>>,
    ask: Callback<(MailServer, RwSignal<bool>)>,
    renewing: RwSignal<bool>,
    deactivating: RwSignal<bool>,
    renaming: RwSignal<Option<MailServer>>,
) -> impl IntoView {
    let (texts, client, session, toasts) = (texts(), client(), expect_context::<Session>(), Toasts::here());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (configuration, pending) = (Configuration::open(), Pending::new());
    let server = kept(rows, first, |server| server.id);
    let activate = move || {
        pending.start(async move {
            let change = MailServerUpdate { name: None, active: Some(true) };
            let server = server.get_untracked();
            match client.update_mail_server(configuration.id.get_untracked(), &server, &change).await {
                Ok(_) => toasts.good(texts.mail_server_changed),
                Err(error) => toasts.bad(explain(texts, &error)),
            }
            loader.reload();
        });
    };
    let switch = Callback::new(move |()| {
        let server = server.get_untracked();
        if server.active { ask.run((server, deactivating)) } else { activate() }
    });
    let rename = Callback::new(move |()| renaming.set(Some(server.get_untracked())));
    let renew = Callback::new(move |()| ask.run((server.get_untracked(), renewing)));
    let words = move || if server.with(|server| server.active) { texts.deactivate } else { texts.activate };
    let named = move |words: &str| server.with(|server| format!("{words}: {}", server.name));
    let actions = move || {
        view! {
            <Button
                small=true kind=Kind::Quiet name=Signal::derive(move || named(words())) busy=pending.busy() press=switch
            >
                {words}
            </Button>
            <Button small=true kind=Kind::Quiet name=Signal::derive(move || named(texts.rename)) press=rename>
                {texts.rename}
            </Button>
            <Button small=true kind=Kind::Quiet name=Signal::derive(move || named(texts.renew_token)) press=renew>
                {texts.renew_token}
            </Button>
        }
    };
    let holds = move || {
        let (version, count) = server.with(|server| server.version.zip(server.count))?;
        Some((texts.holds_version)(version, count))
    };
    let seen = move || {
        let at = server.with(|server| server.last_seen_at)?;
        Some(view! { <Moment at language now=Some(ticking())/> })
    };
    view! {
        <tr>
            <td class="address name">{move || server.with(|server| server.name.clone())}</td>
            <td>{move || server.with(state)}</td>
            <td>{seen}</td>
            <td class="soft">{holds}</td>
            <td class="actions"><Show when=move || session.may(Role::Administrator)>{actions()}</Show></td>
        </tr>
    }
    .into_any()
}

/// A mail server's state, and what it means where that is not all well.
fn state(server: &MailServer) -> AnyView {
    let texts = texts();
    if !server.active {
        return view! { <Badge tone=Tone::Plain text=texts.inactive/> }.into_any();
    }
    let says_all = matches!(server.state, MailServerState::InSync | MailServerState::Waiting);
    let hint = (!says_all).then(|| (texts.mail_server_state_hint)(server.state));
    view! {
        <Badge tone=tone(server.state) text=(texts.mail_server_state)(server.state)/>
        {hint.map(|hint| view! { <p class="hint">{hint}</p> })}
    }
    .into_any()
}
