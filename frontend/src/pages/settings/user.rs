//! Changing a user, and helping one.

use super::invite::{LinkDialog, Made, PASSWORD_DAYS, RoleChoice, roles};
use crate::{
    api::ApiError,
    pages::{FormError, listing::kept, opened_by},
    reactive::memo,
    state::{Loader, Pending, Session, client, texts},
    ui::{Button, Dialog, Kind, Show, Toasts},
};
use futures::future::{FutureExt, LocalBoxFuture};
use leptos::prelude::*;
use shared::{
    Page,
    user::{User, UserUpdate},
};

/// What can be done with a user.
#[component]
pub fn UserDialog(
    /// Who; `None` when it is closed.
    user: RwSignal<Option<User>>,
    /// All users, read again when something was changed.
    users: Loader<Page<User>>,
) -> impl IntoView {
    let texts = texts();
    let (open, made) = (opened_by(user), RwSignal::new(None::<Made>));
    view! {
        <Dialog open title=texts.people.change_title close=texts.close>
            {move || user.get().map(|user| view! { <Acts user users open made/> })}
        </Dialog>
        <LinkDialog made/>
    }
    .into_any()
}

type Act = LocalBoxFuture<'static, Result<Option<&'static str>, ApiError>>;

#[component]
fn Acts(user: User, users: Loader<Page<User>>, open: RwSignal<bool>, made: RwSignal<Option<Made>>) -> impl IntoView {
    let (texts, client, session, toasts) = (texts(), client(), expect_context::<Session>(), Toasts::here());
    let words = &texts.people;
    let (role, error, acting) = (RwSignal::new(user.role), RwSignal::new(None), Pending::new());
    let (id, active) = (user.id, user.active);
    let is_own = session.me().is_some_and(|me| me.user_id == id);
    // Does something, says so, and closes the dialog.
    let act = move |work: Act| {
        acting.start(async move {
            match work.await {
                Ok(done) => {
                    if let Some(done) = done {
                        toasts.good(done);
                    }
                    users.reload();
                    open.set(false);
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    let (address, email) = (user.email.clone(), user.email.clone());
    // The list may be on its way: it says whether there is still a second factor to remove.
    let rows = memo(move |_| users.data.with(|page| page.as_ref().map(|page| page.items.clone()).unwrap_or_default()));
    let now = kept(rows, user.clone(), |user| user.id);
    let update = Callback::new(move |change: UserUpdate| {
        let user = user.clone();
        act(async move { client.update_user(&user, &change).await.map(|_| Some(words.changed)) }.boxed_local());
    });
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        update.run(UserUpdate { role: Some(role.get_untracked()), active: None });
    };
    let link = move |()| {
        let email = email.clone();
        let work = async move {
            let link = client.make_password_link(id).await?;
            made.set(Some(Made { email, link, days: PASSWORD_DAYS }));
            Ok(None)
        };
        act(work.boxed_local());
    };
    let remove_factor = move |()| {
        act(async move { client.remove_second_factor(id).await.map(|()| Some(words.factor_removed)) }.boxed_local());
    };
    let switch = move |()| update.run(UserUpdate { role: None, active: Some(!active) });
    let busy = acting.busy();
    view! {
        <div class="stack">
            <h3 class="break">{address}</h3>
            <form class="stack" on:submit=save>
                <FormError error/>
                <RoleChoice id="user-role" role roles=roles(session)/>
                <div class="row"><Button kind=Kind::Primary submit=true busy>{texts.save}</Button></div>
            </form>
            {(!is_own && active).then(|| view! {
                <div class="stack-tight rule">
                    <p class="soft">{words.password_link_text}</p>
                    <div class="row"><Button busy press=link>{words.password_link}</Button></div>
                </div>
            })}
            <Show when=move || !is_own && now.with(|user| user.second_factor)>
                <div class="stack-tight rule">
                    <p class="soft">{words.remove_factor_text}</p>
                    <div class="row"><Button busy press=remove_factor>{words.remove_factor}</Button></div>
                </div>
            </Show>
            <div class="stack-tight rule">
                <p class="soft">{if active { words.deactivate_text } else { words.reactivate_text }}</p>
                <div class="row">
                    <Button busy kind=if active { Kind::Danger } else { Kind::Plain } press=switch>
                        {if active { texts.deactivate } else { texts.activate }}
                    </Button>
                </div>
            </div>
        </div>
    }
    .into_any()
}
