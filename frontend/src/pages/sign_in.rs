//! The sign-in page, and its form.

use super::{FormError, field_error};
use crate::{
    api::{ApiError, SignedIn},
    layout::Choices,
    paths,
    router::Router,
    state::{Pending, Session, Url, client, effect, load, texts},
    ui::{Button, Field, Icon, Kind, Shape, Show},
};
use leptos::{children::ViewFn, prelude::*};
use shared::{second_factor::SecondFactorSignIn, session::SignInRequest};

/// Signs in, then goes to where the user wanted to be.
#[component]
pub fn SignIn() -> impl IntoView {
    let (texts, client, session, url, router) =
        (texts(), client(), expect_context::<Session>(), Url::current(), Router::here());
    let setup = load(|| (), || (), move |(), ()| client.setup_state());
    effect(move || {
        if setup.data.get().is_some_and(|state| state.required) {
            router.go_instead(paths::SET_UP);
        } else if session.signed_in() == SignedIn::Yes {
            let target = url.get("then");
            router.go_instead(if paths::is_local(&target) { &target } else { paths::HOME });
        }
    });
    let otherwise = move || view! { <a href=paths::FORGOT_PASSWORD class="small">{texts.people.forgot}</a> };
    view! {
        <main class="gate">
            <SignInForm class="gate-card" email=String::new() otherwise>
                <span class="brand-mark"><Icon shape=Shape::Brand size=32/></span>
                <h1>{texts.sign_in_title}</h1>
            </SignInForm>
            <div class="row"><Choices/></div>
        </main>
    }
    .into_any()
}

/// Signs in, in one step or two.
#[component]
pub fn SignInForm(
    /// How it looks.
    class: &'static str,
    /// The address that is in its field at first.
    email: String,
    /// What else can be done, below the first step.
    #[prop(into)]
    otherwise: ViewFn,
    /// What stands above the fields.
    children: Children,
) -> impl IntoView {
    let (texts, client) = (texts(), client());
    let (email, password) = (RwSignal::new(email), RwSignal::new(String::new()));
    let (needed, code) = (RwSignal::new(None::<String>), RwSignal::new(String::new()));
    let (error, signing_in) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        signing_in.start(async move {
            let answer = match needed.get_untracked() {
                None => {
                    let request = SignInRequest { email: email.get_untracked(), password: password.get_untracked() };
                    client.sign_in(&request).await.map(|more| needed.set(more))
                }
                Some(second_factor_token) => {
                    let request = SecondFactorSignIn { second_factor_token, code: code.get_untracked() };
                    let answer = client.second_step(&request).await;
                    if answer.as_ref().is_err_and(ApiError::is_too_late) {
                        needed.set(None);
                    }
                    answer
                }
            };
            error.set(answer.err());
        });
    };
    view! {
        <form class=class on:submit=submit>
            {children()}
            <FormError error/>
            {move || if needed.with(Option::is_some) {
                view! {
                    <p class="soft">{texts.people.second_step_text}</p>
                    <Field
                        id="code" label=texts.people.code value=code autocomplete="one-time-code" required=true
                        error=field_error(error, "/code")
                    />
                }
                .into_any()
            } else {
                view! {
                    <Field
                        id="email" label=texts.email value=email kind="email" autocomplete="username" required=true
                        error=field_error(error, "/email")
                    />
                    <Field
                        id="password" label=texts.password value=password kind="password"
                        autocomplete="current-password" required=true error=field_error(error, "/password")
                    />
                }
                .into_any()
            }}
            <Button kind=Kind::Primary submit=true wide=true busy=signing_in.busy()>
                {move || if signing_in.busy().get() { texts.signing_in } else { texts.sign_in }}
            </Button>
            <Show when=move || needed.with(Option::is_some) fallback=otherwise>
                <Button kind=Kind::Quiet wide=true press=move |()| {
                    needed.set(None);
                    error.set(None);
                }>
                    {texts.people.other_way}
                </Button>
            </Show>
        </form>
    }
    .into_any()
}
