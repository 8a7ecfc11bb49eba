//! What the users of a suspended account see.

use crate::{
    paths,
    state::{Session, texts},
    ui::{Button, Icon, Kind, Shape},
};
use leptos::prelude::*;
use shared::inquiry::InquirySide;

/// Says that the account is suspended, and what is still open.
#[component]
pub fn Suspended() -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let words = &texts.suspension;
    view! {
        <div class="state">
            <Icon shape=Shape::Empty size=28/>
            <h1>{words.title}</h1>
            <p class="break">{move || session.me().and_then(|me| me.account_name)}</p>
            <p>{words.text}</p>
            <p>{words.next}</p>
            <div class="row">
                <a href=paths::inquiries(InquirySide::Account) class="button button-primary">{words.ask}</a>
                <a href=paths::MY_ACCOUNT class="button">{texts.people.my_account}</a>
                <Button kind=Kind::Quiet press=move |()| session.look_again()>{texts.try_again}</Button>
            </div>
        </div>
    }
    .into_any()
}
