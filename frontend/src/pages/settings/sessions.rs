//! One's own sessions.

use crate::{
    pages::listing::listing,
    state::{Pending, Preferences, Session, Url, client, explain, load, texts, ticking},
    ui::{Badge, Button, Kind, Moment, Show, Table, Toasts, Tone},
};
use leptos::prelude::*;
use shared::session::OwnSession;
use uuid::Uuid;

/// Where one is signed in.
#[component]
pub fn Sessions(
    /// Read again when it changes.
    again: RwSignal<u32>,
) -> impl IntoView {
    let (texts, client, toasts, ending) = (texts(), client(), Toasts::here(), Pending::new());
    let session = expect_context::<Session>();
    let words = &texts.people;
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let loader = load(|| (), move || (again.get(), session.account()), move |(), _| client.sessions());
    let end = move |only: Option<Uuid>| {
        ending.start(async move {
            match client.end_sessions(only).await {
                Ok(()) => {
                    toasts.good(words.session_ended);
                    loader.reload();
                }
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    };
    let row = move |session: OwnSession| {
        let (id, this) = (session.id, session.this);
        let client = session.client.unwrap_or_default();
        let name = format!("{}: {client}", words.end);
        view! {
            <tr>
                <td class="address">
                    <span class="row">
                        {client}
                        {this.then(|| view! { <Badge tone=Tone::Good text=words.this_session/> })}
                    </span>
                    <span class="faint small">{session.client_address}</span>
                </td>
                <td><Moment at=session.created_at language now=None/></td>
                <td><Moment at=session.last_used_at language now=Some(ticking())/></td>
                <td class="actions">
                    {(!this).then(|| view! {
                        <Button small=true kind=Kind::Quiet name busy=ending.busy() press=move |()| end(Some(id))>
                            {words.end}
                        </Button>
                    })}
                </td>
            </tr>
        }
    };
    let others =
        move || loader.data.with(|page| page.as_ref().is_some_and(|page| page.items.iter().any(|one| !one.this)));
    let table = move |rows: Memo<Vec<OwnSession>>| {
        let head = vec![words.client, words.began, words.last_used, texts.actions];
        view! {
            <Table label=words.sessions head busy=loader.busy>
                <For each=move || rows.get() key=|session| (session.id, session.last_used_at) let:session>
                    {row(session)}
                </For>
            </Table>
        }
        .into_any()
    };
    view! {
        <section class="stack">
            <div class="row spread">
                <div class="stack-tight"><h2>{words.sessions}</h2><p class="soft">{words.sessions_text}</p></div>
                <Show when=others>
                    <Button busy=ending.busy() press=move |()| end(None)>{words.end_others}</Button>
                </Show>
            </div>
            {listing(loader, Url::current(), &[], (words.sessions, words.sessions_text), table)}
        </section>
    }
    .into_any()
}
