//! The history of one address: why it is blocked, and since when that is in effect.

mod servers;
mod timeline;
mod why;

use super::{ReleaseDialog, whole::whole};
use crate::{
    i18n::Texts,
    paths::Section,
    reactive::memo,
    state::{Configuration, Loader, Preferences, Returning, Session, Url, client, load, texts},
    ui::{Badge, Button, Drawn, Empty, Kind, Pager, Show, Tone, mail_address, time},
};
use leptos::prelude::*;
use shared::{address_history::AddressHistory, list::BlockState, plan::Capability, session::Role};

/// The address that the page's URL names.
#[component]
pub fn AddressPage() -> impl IntoView {
    let (texts, client, url) = (texts(), client(), Url::current());
    let words = &texts.history;
    let Configuration { id, live } = Configuration::open();
    let address = memo(move |_| url.get("address"));
    let loader = load(
        // Not the memo: what reads the query by itself and through a memo, too, does not hear of its changes.
        move || (id.get(), url.get("address")),
        move || (url.get("cursor"), live.lists.get(), live.delivery_events.get()),
        move |(id, address), (cursor, ..)| async move { client.address_history(id, &address, &cursor).await },
    );
    let chosen = RwSignal::new(Vec::<String>::new());
    let is_named = memo(move |_| !address.with(String::is_empty));
    let content = move || {
        if is_named.get() {
            whole(loader, move |history| (move || drawn(texts, history.get(), url)).into_any())
        } else {
            view! { <div class="table-frame"><Empty title=words.no_address text=words.no_address_text/></div> }
                .into_any()
        }
    };
    view! {
        <div class="stack">
            {move || view! { <Back address=address.get()/> }}
            <Show when=move || is_named.get()><Head address loader chosen/></Show>
            {content}
        </div>
        <ReleaseDialog chosen released=move |()| loader.reload()/>
    }
    .into_any()
}

/// To the list, with the search and the page that led here.
#[component]
fn Back(address: String) -> impl IntoView {
    let (texts, session, id) = (texts(), expect_context::<Session>(), Configuration::open().id);
    let from = expect_context::<Returning>().from(&address);
    let href = from.clone().unwrap_or_else(|| Section::BlockedList.of(id.get_untracked()));
    let section = from.as_deref().and_then(Section::at).unwrap_or(Section::BlockedList);
    let name = match section {
        Section::StopCancellation => texts.stop_cancellation,
        Section::ErrorLog => texts.error_log,
        Section::DeliveryLog => texts.delivery_log,
        _ if session.includes(Capability::SeeLists) => texts.blocked_list,
        _ => texts.request_release,
    };
    view! { <a href=href class="back">{name}</a> }
}

/// The address, its state, and its release.
#[component]
fn Head(address: Memo<String>, loader: Loader<AddressHistory>, chosen: RwSignal<Vec<String>>) -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let shown = move || {
        let known = loader.data.with(|history| history.as_ref().map(|history| history.address.clone()));
        known.unwrap_or_else(|| address.get())
    };
    let state = memo(move |_| {
        loader.data.with(|history| history.as_ref().map(|history| history.block.as_ref().map(|block| block.state)))
    });
    let badge = move || {
        state.get().map(|state| match state {
            Some(BlockState::InEffect) => view! { <Badge tone=Tone::Bad text=texts.history.blocked/> },
            Some(BlockState::Pending) => {
                view! { <Badge tone=Tone::Warn text=(texts.block_state)(BlockState::Pending)/> }
            }
            Some(BlockState::Releasing) => {
                view! { <Badge tone=Tone::Working text=(texts.block_state)(BlockState::Releasing)/> }
            }
            None => view! { <Badge tone=Tone::Good text=texts.history.not_blocked/> },
        })
    };
    let may_release = memo(move |_| {
        session.may(Role::Operator) && matches!(state.get(), Some(Some(BlockState::InEffect | BlockState::Pending)))
    });
    let lists = memo(move |_| session.includes(Capability::SeeLists));
    let release = move || {
        let name = if lists.get() { texts.release } else { texts.request_release };
        let press = move |()| chosen.set(vec![shown()]);
        may_release.get().then(|| view! { <Button kind=Kind::Primary press>{name}</Button> })
    };
    view! {
        <header class="row spread">
            <div class="row"><h2 class="break">{move || mail_address(&shown())}</h2>{badge}</div>
            {release}
        </header>
    }
    .into_any()
}

fn drawn(texts: &'static Texts, history: AddressHistory, url: Url) -> AnyView {
    let words = &texts.history;
    if why::is_unknown(&history) {
        return view! { <div class="table-frame"><Empty title=words.nothing text=words.nothing_text/></div> }
            .into_any();
    }
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let sentence = why::why(texts, &history, |at| time::date_time(at, language, None));
    let counts = why::counts(texts, &history.counts);
    let next = history.events.next_cursor.clone();
    let events = history.events.items.into_iter().map(timeline::event).drawn();
    view! {
        <p class="lead" role="status">{sentence}</p>
        <p class="soft small">{words.counts}": "{counts}</p>
        {servers::servers(history.mail_servers)}
        <section class="card">
            <h3>{words.what_happened}</h3>
            <ol class="timeline" role="list" aria-label=words.what_happened>{events}</ol>
        </section>
        <Pager
            total="" next=next later=Signal::derive(move || !url.get("cursor").is_empty())
            words=(texts.first_page, texts.next_page) go=move |cursor: String| url.page(&cursor)
        />
    }
    .into_any()
}
