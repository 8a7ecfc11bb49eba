//! One's own account: password, second factor, sessions.

use super::{second_factor::SecondFactor, sessions::Sessions};
use crate::{
    pages::{FormError, field_error},
    state::{Pending, client, texts},
    ui::{Button, Field, Kind, Toasts},
};
use leptos::prelude::*;
use shared::user::PasswordChange;

/// One's own account.
#[component]
pub fn MyAccount() -> impl IntoView {
    let again = RwSignal::new(0);
    view! {
        <div class="stack">
            <Password changed=move |()| again.update(|times| *times += 1)/>
            <SecondFactor/>
            <Sessions again/>
        </div>
    }
    .into_any()
}

#[component]
fn Password(#[prop(into)] changed: Callback<()>) -> impl IntoView {
    let (texts, client, toasts) = (texts(), client(), Toasts::here());
    let words = &texts.people;
    let (present, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (error, saving) = (RwSignal::new(None), Pending::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        saving.start(async move {
            let request = PasswordChange {
                present_password: present.get_untracked(),
                new_password: new.get_untracked(),
                code: None,
            };
            let answer = client.change_password(&request).await;
            if answer.is_ok() {
                toasts.good(words.password_changed);
                present.set(String::new());
                new.set(String::new());
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
            <div class="row"><Button kind=Kind::Primary submit=true busy=saving.busy()>{texts.save}</Button></div>
        </form>
    }
    .into_any()
}
