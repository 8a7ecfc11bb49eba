//! One's own account: language and time zone, password, second factor, sessions.

use super::{locale::Locale, second_factor::SecondFactor, sessions::Sessions};
use crate::{
    pages::{FormError, field_error},
    state::{Pending, Session, client, load, texts},
    ui::{Button, Field, Kind, Show, Toasts},
};
use leptos::prelude::*;
use shared::user::PasswordChange;

/// One's own account.
#[component]
pub fn MyAccount() -> impl IntoView {
    let (client, session) = (client(), expect_context::<Session>());
    let again = RwSignal::new(0);
    let factor = load(|| (), move || session.account(), move |(), _| client.second_factor());
    let has_factor = Signal::derive(move || factor.data.get().is_some_and(|state| state.enabled));
    view! {
        <div class="stack">
            <Locale/>
            <Password has_factor changed=move |()| again.update(|times| *times += 1)/>
            <SecondFactor loader=factor/>
            <Sessions again/>
        </div>
    }
    .into_any()
}

#[component]
fn Password(has_factor: Signal<bool>, #[prop(into)] changed: Callback<()>) -> impl IntoView {
    let (texts, client, toasts) = (texts(), client(), Toasts::here());
    let words = &texts.people;
    let (present, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let code = RwSignal::new(String::new());
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        saving.start(async move {
            let request = PasswordChange {
                present_password: present.get_untracked(),
                new_password: new.get_untracked(),
                code: has_factor.get_untracked().then(|| code.get_untracked()),
            };
            let answer = client.change_password(&request).await;
            if answer.is_ok() {
                toasts.good(words.password_changed);
                present.set(String::new());
                new.set(String::new());
                code.set(String::new());
                changed.run(());
            }
            error.set(answer.err());
        });
    };
    view! {
        <form class="card narrow" on:submit=submit>
            <div class="stack-tight"><h2>{words.password_title}</h2><p class="soft">{words.password_text}</p></div>
            <FormError error/>
            <Field
                id="present-password" label=words.present_password value=present kind="password"
                autocomplete="current-password" required=true error=field_error(error, "/present_password")
            />
            <Field
                id="new-password" label=words.new_password value=new kind="password" autocomplete="new-password"
                required=true hint=texts.password_hint error=field_error(error, "/new_password")
            />
            <Show when=move || has_factor.get()>
                <Field
                    id="password-code" label=words.code value=code autocomplete="one-time-code" required=true
                    error=field_error(error, "/code")
                />
            </Show>
            <div class="row"><Button kind=Kind::Primary submit=true busy=saving.busy()>{texts.save}</Button></div>
        </form>
    }
    .into_any()
}
