//! The frame of everything that needs a session.

use super::{sidebar::Sidebar, sign_in_again::SignInAgain, skip_link::SkipLink, topbar::Topbar};
use crate::{
    api::SignedIn,
    pages::Suspended,
    paths,
    reactive::memo,
    router::{Outlet, Router},
    state::{Configurations, Inquiries, Newer, Pending, Session, client, effect, explain, load, texts},
    ui::{Button, Failure, Kind, Notice, Show, Skeleton, Toasts, Tone},
};
use leptos::prelude::*;
use shared::{
    inquiry::InquirySide,
    session::{Me, Role},
};

/// Lets in who is signed in; sends everybody else to sign in and back again. Where a session ended by itself, nothing goes.
#[component]
pub fn Shell() -> impl IntoView {
    let (session, router) = (expect_context::<Session>(), Router::here());
    let query = router.query();
    effect(move || {
        let path = router.path.get_untracked();
        // Who signs out is on the way there already.
        if path != paths::SIGN_IN && session.signed_in() == SignedIn::No {
            let target = format!("{path}{}", marked(&query.get_untracked()));
            let to = if target == paths::HOME { paths::SIGN_IN.to_owned() } else { paths::sign_in_then(&target) };
            router.go_instead(&to);
        }
    });
    effect(move || {
        let outside = session.me().is_some_and(|me| me.account_id.is_none());
        if outside && !router.path.with(|path| paths::is_outside(path)) {
            router.go_instead(paths::PROVIDER);
        }
    });
    let client = client();
    provide_context(Configurations(load(
        move || session.me().and_then(|me| me.account_id).filter(|_| !session.is_shut_out()),
        move || session.account(),
        move |account, _| async move { if account.is_some() { client.configurations().await } else { Ok(Vec::new()) } },
    )));
    let inside = memo(move |_| session.me().map(|me| (me.account_id, session.is_shut_out())));
    view! {
        {move || match inside.get() {
            Some((account, shut_out)) => {
                let side = if account.is_some() { InquirySide::Account } else { InquirySide::Provider };
                view! { <Inside side shut_out/> }.into_any()
            }
            None => view! { <Waiting/> }.into_any(),
        }}
        <SignInAgain/>
    }
    .into_any()
}

/// A query with its question mark.
fn marked(query: &str) -> String {
    if query.is_empty() { String::new() } else { format!("?{query}") }
}

/// While it is not known who is signed in.
#[component]
fn Waiting() -> impl IntoView {
    let (texts, session, client) = (texts(), expect_context::<Session>(), client());
    view! {
        <main class="main alone">
            {move || match session.failure() {
                Some(error) if client.reachable().get() => {
                    view! { <Failure heading=Some("Stoplist") text=explain(texts, &error) again=texts.try_again press=move |()| session.reload()/> }
                        .into_any()
                }
                _ => view! { <Lost/><Skeleton label=texts.loading/> }.into_any(),
            }}
        </main>
    }
}

/// Says that the connection is lost, as long as it is.
#[component]
fn Lost() -> impl IntoView {
    let (texts, client) = (texts(), client());
    view! {
        <div class="lost" aria-live="assertive">
            <Show when=move || !client.reachable().get()><Notice tone=Tone::Bad>{texts.connection_lost}</Notice></Show>
        </div>
    }
}

#[component]
fn Inside(side: InquirySide, shut_out: bool) -> impl IntoView {
    let (texts, path) = (texts(), Router::here().path);
    provide_context(Inquiries::follow(side));
    let main = NodeRef::new();
    let alone = shut_out || side == InquirySide::Provider;
    let open = move || !shut_out || path.with(|path| paths::is_open_to_suspended(path));
    view! {
        <SkipLink main/>
        <div class="shell">
            <aside class="banners" aria-label=texts.notices><Lost/><NewerBanner/><AccountBanner/></aside>
            <Topbar/>
            {(!alone).then(|| view! { <Sidebar/> })}
            <main node_ref=main id="content" class=if alone { "main alone" } else { "main" } tabindex="-1">
                <Show when=open fallback=|| view! { <Suspended/> }><Outlet/></Show>
            </main>
        </div>
    }
    .into_any()
}

/// Offers the newer console. What was typed is lost by loading it, so that is left to the user.
#[component]
fn NewerBanner() -> impl IntoView {
    let (texts, newer) = (texts(), expect_context::<Newer>());
    view! {
        <div aria-live="polite">
            <Show when=move || newer.is_there()>
                <div class="banner">
                    <span>{texts.newer_console}</span>
                    <Button small=true press=move |()| newer.load()>{texts.reload}</Button>
                </div>
            </Show>
        </div>
    }
}

/// Reminds a provider of the account that is open.
#[component]
fn AccountBanner() -> impl IntoView {
    let (texts, session, client, toasts) = (texts(), expect_context::<Session>(), client(), Toasts::here());
    let (leaving, router) = (Pending::new(), Router::here());
    let leave = Callback::new(move |()| {
        leaving.start(async move {
            match client.leave_account().await {
                Ok(()) => {
                    router.go(paths::PROVIDER);
                    session.reload();
                }
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    });
    let account = move || {
        let Me { role, account_name, account_suspended, .. } = session.me()?;
        (role == Role::Provider).then_some(account_name?).map(|name| (name, account_suspended))
    };
    move || {
        account().map(|(name, suspended)| {
            view! {
                <div class="banner">
                    <span>{(texts.inside_account)(&name)}</span>
                    {suspended.then(|| view! { <span>{texts.suspension.inside_suspended}</span> })}
                    <Button small=true kind=Kind::Plain busy=leaving.busy() press=leave>{texts.leave_account}</Button>
                </div>
            }
        })
    }
}
