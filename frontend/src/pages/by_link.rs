//! What links lead to: accepting an invitation, setting a password.

use super::{FormError, field_error};
use crate::{
    api::LinkPurpose,
    layout::Choices,
    paths,
    router::Router,
    state::{Pending, Session, client, explain, load, texts},
    ui::{Button, Empty, Failure, Field, Icon, Kind, Notice, Shape, Show, Skeleton, Tone},
};
use leptos::prelude::*;
use shared::user::{LinkSecret, PasswordByLink};

/// Accepts an invitation.
#[component]
pub fn AcceptInvitation() -> impl IntoView {
    view! { <ByLink invitation=true/> }
}

/// Sets a new password.
#[component]
pub fn ResetPassword() -> impl IntoView {
    view! { <ByLink invitation=false/> }
}

#[component]
fn ByLink(invitation: bool) -> impl IntoView {
    let (texts, client, session, router) = (texts(), client(), expect_context::<Session>(), Router::here());
    let words = &texts.people;
    // What follows the `#` is not sent to the service with the page's address.
    let secret = window().location().hash().unwrap_or_default().trim_start_matches('#').to_owned();
    let asked = LinkSecret { secret: secret.clone() };
    let loader = load(
        || (),
        || (),
        move |(), ()| {
            let asked = asked.clone();
            async move {
                if invitation {
                    client.preview_invitation(&asked).await
                } else {
                    client.preview_password_reset(&asked).await
                }
            }
        },
    );
    let (password, done) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let secret = secret.clone();
        saving.start(async move {
            let request = PasswordByLink { secret, password: password.get_untracked() };
            let answer = if invitation {
                client.accept_invitation(&request).await
            } else {
                client.reset_password(&request).await
            };
            match answer {
                Ok(()) if invitation => {
                    session.reload();
                    router.go_instead(paths::HOME);
                }
                Ok(()) => done.set(true),
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    let (title, button) =
        if invitation { (words.accept_title, words.accept_button) } else { (words.reset_title, words.reset_button) };
    let form = move |link: LinkPurpose| {
        let email = RwSignal::new(link.email.clone());
        view! {
            <form class="stack" on:submit=submit.clone()>
                <div class="stack-tight break">
                    {if invitation {
                        view! {
                            {link.account_name.map(|account| view! { <p>{(words.invited_to)(&account)}</p> })}
                            <p>{(words.invited_as)(&link.email)}</p>
                        }.into_any()
                    } else {
                        view! { <p>{(words.sets_password_of)(&link.email)}</p> }.into_any()
                    }}
                </div>
                <FormError error/>
                // For password managers, which keep address and password together.
                <input type="hidden" autocomplete="username" prop:value=move || email.get()/>
                <Field
                    id="password" label=words.new_password value=password kind="password" autocomplete="new-password"
                    required=true hint=texts.password_hint error=field_error(error, "/password")
                />
                <Button kind=Kind::Primary submit=true wide=true busy=saving.busy()>{button}</Button>
            </form>
        }
        .into_any()
    };
    view! {
        <main class="gate">
            <div class="gate-card">
                <span class="brand-mark"><Icon shape=Shape::Brand size=32/></span>
                <h1>{title}</h1>
                {move || match (loader.data.get(), loader.error.get()) {
                    (Some(_), _) if done.get() => {
                        view! { <Notice tone=Tone::Good><p>{words.reset_done}</p></Notice> }.into_any()
                    }
                    (Some(link), _) => form(link),
                    (None, Some(error)) if error.is_gone() => {
                        view! { <Empty title=words.link_dead text=words.link_dead_text/> }.into_any()
                    }
                    (None, Some(error)) => view! {
                        <Failure text=explain(texts, &error) again=texts.try_again press=move |()| loader.reload()/>
                    }
                    .into_any(),
                    (None, None) => view! { <Skeleton label=texts.loading/> }.into_any(),
                }}
                <Show when=move || done.get() || loader.error.with(Option::is_some)>
                    <a href=paths::SIGN_IN class="button">{words.to_sign_in}</a>
                </Show>
            </div>
            <div class="row"><Choices/></div>
        </main>
    }
    .into_any()
}
