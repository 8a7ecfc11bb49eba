//! The first start.

use super::{FormError, field_error};
use crate::{
    layout::Choices,
    paths,
    router::Router,
    state::{Pending, client, effect, load, texts},
    ui::{Button, Field, Icon, Kind, Shape},
};
use leptos::prelude::*;
use shared::session::SetupRequest;

/// Makes the first provider account.
#[component]
pub fn SetUp() -> impl IntoView {
    let (texts, client, router) = (texts(), client(), Router::here());
    let (code, email, password) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let setup = load(|| (), || (), move |(), ()| client.setup_state());
    effect(move || {
        if setup.data.get().is_some_and(|state| !state.required) {
            router.go_instead(paths::SIGN_IN);
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        saving.start(async move {
            let request = SetupRequest {
                code: code.get_untracked().trim().to_owned(),
                email: email.get_untracked(),
                password: password.get_untracked(),
            };
            match client.set_up(&request).await {
                Ok(()) => router.go_instead(paths::PROVIDER),
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
