//! Users and invitations.

use super::{
    invite::{InviteDialog, LinkDialog, Made, show},
    user::UserDialog,
};
use crate::{
    pages::{
        Confirm,
        listing::{kept, listing},
    },
    state::{Loader, Pending, Preferences, Session, Url, client, explain, load, now, texts, ticking},
    ui::{Badge, Button, Failure, Icon, Kind, Moment, Shape, Show, Table, Toasts, Tone, mail_address},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::{
    Page,
    session::Role,
    user::{Invitation, User},
};

/// The users: invite, change, help.
#[component]
pub fn Users() -> impl IntoView {
    let (texts, client, session) = (texts(), client(), expect_context::<Session>());
    let words = &texts.people;
    let account = move || session.me().and_then(|me| me.account_id);
    let users = load(account, move || session.account(), move |_, _| client.users());
    let invitations = load(account, move || session.account(), move |_, _| client.invitations());
    let (url, made, changing) = (Url::current(), RwSignal::new(None::<Made>), RwSignal::new(None::<User>));
    let (inviting, may_invite) = (url.dialog("invite"), move || session.may(Role::Administrator));
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let own = move || session.me().map(|me| me.user_id);
    let row = move |first: User, rows: Memo<Vec<User>>| {
        let (id, email) = (first.id, first.email.clone());
        let user = kept(rows, first, |user| user.id);
        let state = move || {
            let (active, second_factor) = user.with(|user| (user.active, user.second_factor));
            let (tone, text) = if active { (Tone::Good, words.active) } else { (Tone::Plain, texts.inactive) };
            view! {
                <Badge tone text/>
                {second_factor.then(|| view! { <Badge tone=Tone::Plain text=words.second_factor/> })}
            }
        };
        let seen = move || {
            let at = user.with(|user| user.last_seen_at)?;
            Some(view! { <Moment at language now=Some(ticking())/> })
        };
        view! {
            <tr>
                <td class="address">{mail_address(&email)}</td>
                <td>{move || (words.role)(user.with(|user| user.role))}</td>
                <td>
                    <span class="row">
                        {state}
                        <Show when=move || own() == Some(id)><Badge tone=Tone::Working text=words.you/></Show>
                    </span>
                </td>
                <td class="soft">{seen}</td>
                <td class="actions">
                    <Button
                        small=true kind=Kind::Quiet name=format!("{}: {email}", words.change)
                        press=move |()| changing.set(Some(user.get_untracked()))
                    >
                        {words.change}
                    </Button>
                </td>
            </tr>
        }
    };
    let table = move |rows: Memo<Vec<User>>| {
        let head = vec![words.user, words.role_label, texts.state, words.last_seen, texts.actions];
        view! {
            <Table label=words.users head busy=users.busy>
                <For each=move || rows.get() key=|user| user.id let:user>{row(user, rows)}</For>
            </Table>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <div class="row spread">
                <p class="soft">{words.users_text}</p>
                <Show when=may_invite>
                    <Button kind=Kind::Primary press=move |()| inviting.set(true)>
                        <Icon shape=Shape::Plus/>{words.invite}
                    </Button>
                </Show>
            </div>
            {listing(users, url, &[], (words.users_empty, words.users_text), table)}
            {move || {
                let error = invitations.error.get().filter(|_| invitations.data.with(Option::is_none))?;
                let (text, press) = (explain(texts, &error), move |()| invitations.reload());
                Some(view! {
                    <h2>{words.invited}</h2>
                    <div class="table-frame"><Failure text again=texts.try_again press/></div>
                })
            }}
            <Show when=move || invitations.data.with(|page| page.as_ref().is_some_and(|page| !page.items.is_empty()))>
                <Invitations loader=invitations made/>
            </Show>
        </div>
        <Show when=may_invite><InviteDialog open=inviting made reload=move |()| invitations.reload()/></Show>
        <LinkDialog made/>
        <UserDialog user=changing users/>
    }
    .into_any()
}

/// Who was invited and has not come yet.
#[component]
fn Invitations(loader: Loader<Page<Invitation>>, made: RwSignal<Option<Made>>) -> impl IntoView {
    let (texts, client, toasts, renewing) = (texts(), client(), Toasts::here(), Pending::new());
    let words = &texts.people;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (asking, chosen) = (RwSignal::new(false), RwSignal::new(None::<Invitation>));
    let withdraw = move |()| {
        async move {
            let Some(invitation) = chosen.get_untracked() else { return Ok(()) };
            client.withdraw_invitation(invitation.id).await?;
            toasts.good(words.withdrawn);
            loader.reload();
            Ok(())
        }
        .boxed_local()
    };
    let renew = move |id, email: String| {
        renewing.start(async move {
            match client.renew_invitation(id).await {
                Ok(link) => {
                    show(email, link, made, texts, toasts);
                    loader.reload();
                }
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    };
    let row = move |invitation: Invitation| {
        let (id, email, asked) = (invitation.id, invitation.email.clone(), invitation.clone());
        let expired = invitation.expires_at.timestamp_millis() as f64 <= now();
        view! {
            <tr>
                <td class="address">{mail_address(&invitation.email)}</td>
                <td>{(words.role)(invitation.role)}</td>
                <td class="soft">{invitation.invited_by.clone()}</td>
                <td>
                    {if expired {
                        view! { <Badge tone=Tone::Warn text=words.expired/> }.into_any()
                    } else {
                        view! { <Moment at=invitation.expires_at language now=None/> }.into_any()
                    }}
                </td>
                <td class="actions">
                    <Button
                        small=true kind=Kind::Quiet name=format!("{}: {}", words.renew, invitation.email)
                        busy=renewing.busy() press=move |()| renew(id, email.clone())
                    >
                        {words.renew}
                    </Button>
                    <Button
                        small=true kind=Kind::Quiet name=format!("{}: {}", words.withdraw, invitation.email)
                        press=move |()| {
                            chosen.set(Some(asked.clone()));
                            asking.set(true);
                        }
                    >
                        {words.withdraw}
                    </Button>
                </td>
            </tr>
        }
    };
    let rows = move || loader.data.get().map(|page| page.items).unwrap_or_default();
    let head = vec![words.user, words.role_label, words.invited_by, words.valid_until, texts.actions];
    view! {
        <h2>{words.invited}</h2>
        <Table label=words.invited head busy=loader.busy>
            // Renewed, it is another row: until when it is valid changes.
            <For each=rows key=|one| (one.id, one.expires_at) let:one>{row(one)}</For>
        </Table>
        <Confirm
            open=asking title=words.withdraw_title confirm=words.withdraw kind=Kind::Danger act=withdraw
        >
            <div class="stack-tight">
                <h3>{move || (words.withdraw_question)(&chosen.get().map(|one| one.email).unwrap_or_default())}</h3>
                <p class="soft">{words.withdraw_text}</p>
            </div>
        </Confirm>
    }
    .into_any()
}
