//! The first start.

use super::{FormError, field_error};
use crate::{
    layout::Choices,
    paths,
    state::{Pending, client, effect, load, texts},
    ui::{Button, Field, Icon, Kind, Shape},
};
use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use shared::session::SetupRequest;

/// Makes the first provider account.
#[component]
pub fn SetUp() -> impl IntoView {
    let (texts, client, navigate) = (texts(), client(), use_navigate());
    let (code, email, password) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let setup = load(|| (), || (), move |(), ()| client.setup_state());
    let leave = navigate.clone();
    effect(move || {
        if setup.data.get().is_some_and(|state| !state.required) {
            leave(paths::SIGN_IN, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let navigate = navigate.clone();
        saving.start(async move {
            let request = SetupRequest {
                code: code.get_untracked().trim().to_owned(),
                email: email.get_untracked(),
                password: password.get_untracked(),
            };
            match client.set_up(&request).await {
                Ok(()) => navigate(paths::PROVIDER, NavigateOptions { replace: true, ..NavigateOptions::default() }),
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <main class="gate">
            <form class="gate-card" on:submit=submit>
                <span class="brand-mark"><Icon shape=Shape::Brand size=32/></span>
                <h1>{texts.set_up_title}</h1>
                <p class="soft">{texts.set_up_intro}</p>
                <FormError error/>
                <Field
                    id="code" label=texts.set_up_code value=code autocomplete="one-time-code" required=true
                    hint=texts.set_up_code_hint error=field_error(error, "/code")
                />
                <Field
                    id="email" label=texts.email value=email kind="email" autocomplete="username" required=true
                    error=field_error(error, "/email")
                />
                <Field
                    id="password" label=texts.password value=password kind="password" autocomplete="new-password"
                    required=true hint=texts.password_hint error=field_error(error, "/password")
                />
                <Button kind=Kind::Primary submit=true wide=true busy=saving.busy()>{texts.set_up_button}</Button>
            </form>
            <div class="row"><Choices/></div>
        </main>
    }
    .into_any()
}
