//! What the users of a suspended account see.

use crate::{
    paths,
    state::{Session, texts},
    ui::{Button, Icon, Kind, Shape},
};
use leptos::prelude::*;
use leptos_router::components::A;
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
                <A href=paths::inquiries(InquirySide::Account) attr:class="button button-primary">{words.ask}</A>
                <A href=paths::MY_ACCOUNT attr:class="button">{texts.people.my_account}</A>
                <Button kind=Kind::Quiet press=move |()| session.look_again()>{texts.try_again}</Button>
            </div>
        </div>
    }
    .into_any()
}
