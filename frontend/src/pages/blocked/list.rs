//! The blocked list.

use super::{
    filters::{Filters, list_query},
    release::ReleaseDialog,
    request_release::RequestRelease,
};
use crate::{
    pages::listing::listing,
    state::{Configuration, Preferences, Session, Url, client, load, texts, ticking},
    ui::{Badge, Button, Moment, Table, Tone},
};
use leptos::prelude::*;
use shared::{
    list::{BlockState, BlockedAddress},
    session::Role,
};

/// The blocked list; on the Standard plan, the request for a release.
#[component]
pub fn BlockedList() -> impl IntoView {
    let session = expect_context::<Session>();
    let standard = Memo::new(move |_| session.is_standard());
    move || if standard.get() { view! { <RequestRelease/> }.into_any() } else { view! { <List/> }.into_any() }
}

/// Search, filter, release.
#[component]
fn List() -> impl IntoView {
    let (texts, client, url) = (texts(), client(), Url::current());
    let Configuration { id, live } = Configuration::open();
    let loader = load(
        move || id.get(),
        move || (list_query(url), live.lists.get()),
        move |id, (query, _)| client.blocked_addresses(id, query),
    );
    let chosen = RwSignal::new(None::<String>);
    let table = move |rows: Memo<Vec<BlockedAddress>>| {
        let head = vec![
            texts.mail_address,
            texts.error_reason,
            texts.origin_label,
            texts.stop_date,
            texts.state,
            texts.operation,
        ];
        view! {
            <Table label=texts.blocked_list head busy=loader.busy>
                <For each=move || rows.get() key=|row| (row.id, row.state) let:row><Row row chosen/></For>
            </Table>
        }
        .into_any()
    };
    let filters = &["q", "domain", "reason", "origin", "state", "from", "to"];
    view! {
        <div class="stack">
            <Filters block=true/>
            {listing(loader, url, filters, (texts.blocked_empty, texts.blocked_empty_text), table)}
        </div>
        <ReleaseDialog chosen released=move |()| loader.reload()/>
    }
    .into_any()
}

#[component]
fn Row(row: BlockedAddress, chosen: RwSignal<Option<String>>) -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let tone = match row.state {
        BlockState::InEffect => Tone::Good,
        BlockState::Pending => Tone::Warn,
        BlockState::Releasing => Tone::Working,
    };
    let why = row.removal.map(|removal| (texts.removal_cause)(removal.cause));
    let (address, releasing) = (row.address.clone(), row.state == BlockState::Releasing);
    let release = move || {
        let (address, asked) = (address.clone(), address.clone());
        view! {
            <Button small=true name=format!("{}: {address}", texts.release) press=move |()| chosen.set(Some(asked.clone()))>
                {texts.release}
            </Button>
        }
    };
    view! {
        <tr>
            <td class="address">{row.address}</td>
            <td>{(texts.reason)(row.reason)}</td>
            <td>{(texts.origin)(row.origin)}</td>
            <td><Moment at=row.blocked_at language now=Some(ticking())/></td>
            <td><span title=why><Badge tone text=(texts.block_state)(row.state)/></span></td>
            <td class="actions">{move || (session.may(Role::Operator) && !releasing).then(&release)}</td>
        </tr>
    }
    .into_any()
}
