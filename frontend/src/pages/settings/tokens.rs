//! Tokens: which there are, and revoking one.

use super::new_token::{NewTokenDialog, SecretDialog};
use crate::{
    i18n::Texts,
    pages::{Confirm, listing::listing},
    reactive::memo,
    state::{Configurations, Preferences, Session, Url, client, load, now, texts, ticking},
    ui::{Badge, Button, Icon, Kind, Moment, Shape, Show, Table, Toasts, Tone},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::{
    mail_server::ServerConfiguration,
    session::{ApiToken, ApiTokenSecret, Role},
};

/// The tokens of scripts and agents.
#[component]
pub fn Tokens() -> impl IntoView {
    let (texts, client, session, toasts) = (texts(), client(), expect_context::<Session>(), Toasts::here());
    let words = &texts.tokens;
    let loader =
        load(move || session.me().and_then(|me| me.account_id), move || session.account(), move |_, _| client.tokens());
    let (url, made) = (Url::current(), RwSignal::new(None::<ApiTokenSecret>));
    // The provider's staff has none of its own.
    let may_create = move || session.may(Role::Administrator) && session.me().is_some_and(|me| me.account_id.is_some());
    let creating = url.dialog("new-token");
    let (asking, chosen) = (RwSignal::new(false), RwSignal::new(None::<ApiToken>));
    let revoke = move |()| {
        async move {
            let Some(token) = chosen.get_untracked() else { return Ok(()) };
            client.revoke_token(token.id).await?;
            toasts.good(words.revoked);
            loader.reload();
            Ok(())
        }
        .boxed_local()
    };
    let ask = Callback::new(move |token| {
        chosen.set(Some(token));
        asking.set(true);
    });
    let table = move |rows: Memo<Vec<ApiToken>>| {
        let people = &texts.people;
        let head = vec![words.name, words.scopes, texts.created, people.last_used, words.expires, texts.actions];
        view! {
            <Table label=words.tokens head busy=loader.busy>
                <For each=move || rows.get() key=|one| (one.id, one.last_used_at) let:token>{row(texts, token, ask)}</For>
            </Table>
        }
        .into_any()
    };
    let text = move || {
        let agent = chosen.with(|token| token.as_ref().is_some_and(|token| token.mail_server_id.is_some()));
        if agent { words.revoke_agent_text } else { words.revoke_text }
    };
    view! {
        <div class="stack">
            <div class="row spread">
                <p class="soft">{words.tokens_text}</p>
                <Show when=may_create>
                    <Button kind=Kind::Primary press=move |()| creating.set(true)>
                        <Icon shape=Shape::Plus/>{words.new}
                    </Button>
                </Show>
            </div>
            {listing(loader, url, &[], (words.empty, words.tokens_text), table)}
        </div>
        <Show when=may_create><NewTokenDialog open=creating made reload=move |()| loader.reload()/></Show>
        <SecretDialog made/>
        <Confirm open=asking title=words.revoke_title confirm=words.revoke kind=Kind::Danger act=revoke>
            <div class="stack-tight">
                <h3 class="break">{move || chosen.get().map(|token| (words.revoke_question)(&token.name))}</h3>
                <p class="soft">{text}</p>
            </div>
        </Confirm>
    }
    .into_any()
}

fn row(texts: &'static Texts, token: ApiToken, ask: Callback<ApiToken>) -> AnyView {
    let words = &texts.tokens;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let scopes: Vec<_> = token.scopes.iter().map(|scope| (words.scope)(*scope)).collect();
    let Configurations(loader) = expect_context();
    let limited = token.server_configuration_ids.clone();
    let only = memo(move |_| {
        let ids = limited.as_ref()?;
        let named = |all: &Option<Vec<ServerConfiguration>>| {
            let some = all.iter().flatten().filter(|one| ids.contains(&one.id));
            some.map(|one| one.name.clone()).collect::<Vec<_>>()
        };
        Some((words.only)(&loader.data.with(named).join(", ")))
    });
    let name = format!("{}: {}", words.revoke, token.name);
    let expires = match token.expires_at {
        None => words.never.into_any(),
        Some(at) if at.timestamp_millis() as f64 <= now() => {
            view! { <Badge tone=Tone::Warn text=texts.people.expired/> }.into_any()
        }
        Some(at) => view! { <Moment at language now=None/> }.into_any(),
    };
    let used = match token.last_used_at {
        None => texts.never.into_any(),
        Some(at) => view! { <Moment at language now=Some(ticking())/> }.into_any(),
    };
    view! {
        <tr>
            <td class="address name">{token.name.clone()}</td>
            <td class="wrap">{scopes.join(", ")}<p class="faint">{move || only.get()}</p></td>
            <td class="soft" data-label=texts.created><Moment at=token.created_at language now=Some(ticking())/></td>
            <td class="soft" data-label=texts.people.last_used>{used}</td>
            <td class="soft" data-label=words.expires>{expires}</td>
            <td class="actions">
                <Button small=true kind=Kind::Quiet name press=move |()| ask.run(token.clone())>{words.revoke}</Button>
            </td>
        </tr>
    }
    .into_any()
}
