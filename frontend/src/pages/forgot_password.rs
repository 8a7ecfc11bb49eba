//! Who has lost the password asks for a link by mail.

use super::{FormError, field_error};
use crate::{
    api::ApiError,
    layout::Choices,
    paths,
    reactive::memo,
    state::{Pending, client, effect, texts},
    ui::{Button, Field, Icon, Kind, Notice, Shape, Tone, focus},
};
use leptos::{html, prelude::*};
use shared::user::PasswordResetRequest;

/// Asks for the address, and says what happens next.
#[component]
pub fn ForgotPassword() -> impl IntoView {
    let (texts, client) = (texts(), client());
    let words = &texts.people;
    let (email, done) = (RwSignal::new(String::new()), RwSignal::new(false));
    let (error, sending) = (RwSignal::new(None), Pending::new());
    let no_mail =
        memo(move |_| error.with(|error: &Option<ApiError>| error.as_ref().is_some_and(ApiError::is_impossible)));
    let heading = NodeRef::<html::H1>::new();
    effect(move || {
        // The form is gone, and the focus with it.
        if done.get() || no_mail.get() {
            focus(heading);
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        sending.start(async move {
            let answer = client.request_password_reset(&PasswordResetRequest { email: email.get_untracked() }).await;
            done.set(answer.is_ok());
            error.set(answer.err());
        });
    };
    let form = move || {
        view! {
            <form class="stack" on:submit=submit>
                <p class="soft">{words.forgot_text}</p>
                <FormError error/>
                <Field
                    id="email" label=texts.email value=email kind="email" autocomplete="username" required=true
                    error=field_error(error, "/email")
                />
                <Button kind=Kind::Primary submit=true wide=true busy=sending.busy()>{words.forgot_send}</Button>
            </form>
        }
        .into_any()
    };
    let title = move || match (done.get(), no_mail.get()) {
        (true, _) => words.forgot_sent,
        (_, true) => words.no_mail,
        _ => words.forgot_title,
    };
    let said = |tone, text| view! { <Notice tone><p>{text}</p></Notice> }.into_any();
    view! {
        <main class="gate">
            <div class="gate-card">
                <span class="brand-mark"><Icon shape=Shape::Brand size=32/></span>
                <h1 node_ref=heading tabindex="-1">{title}</h1>
                {move || match (done.get(), no_mail.get()) {
                    (true, _) => said(Tone::Good, words.forgot_sent_text),
                    (_, true) => said(Tone::Warn, words.no_mail_text),
                    _ => form(),
                }}
                <a href=paths::SIGN_IN class="small">{words.to_sign_in}</a>
            </div>
            <div class="row"><Choices/></div>
        </main>
    }
    .into_any()
}
