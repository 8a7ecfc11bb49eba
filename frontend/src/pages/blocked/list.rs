//! The blocked list.

use super::{
    bulk_release::BulkRelease,
    filters::{Filters, list_query},
    release::ReleaseDialog,
    request_release::RequestRelease,
    selection::{Selection, Tick},
};
use crate::{
    pages::{AddressLink, Download, listing::listing},
    paths::Section,
    reactive::memo,
    state::{Configuration, Preferences, Session, Url, client, effect, load, texts},
    ui::{Badge, Button, Icon, Moment, Shape, Show, Table, Tone},
};
use leptos::prelude::*;
use shared::{
    download::DownloadList,
    list::{BlockState, BlockedAddress},
    plan::Capability,
    session::Role,
};
use uuid::Uuid;

/// The parameters of the URL that narrow the list.
pub const FILTERS: &[&str] = &["q", "domain", "reason", "origin", "state", "from", "to"];

/// The blocked list; on the Standard plan, the request for a release.
#[component]
pub fn BlockedList() -> impl IntoView {
    let session = expect_context::<Session>();
    let lists = memo(move |_| session.includes(Capability::SeeLists));
    move || if lists.get() { view! { <List/> }.into_any() } else { view! { <RequestRelease/> }.into_any() }
}

/// Search, filter, download, release.
#[component]
fn List() -> impl IntoView {
    let (texts, client, url, session) = (texts(), client(), Url::current(), expect_context::<Session>());
    let Configuration { id, live } = Configuration::open();
    let query = memo(move |_| list_query(url));
    let loader = load(
        move || id.get(),
        move || (query.get(), live.lists.get()),
        move |id, (query, _)| client.blocked_addresses(id, query),
    );
    let (chosen, ticked) = (RwSignal::new(Vec::<String>::new()), RwSignal::new(Vec::<Uuid>::new()));
    // What is ticked is in sight: another search or page begins anew.
    effect(move || {
        query.track();
        ticked.set(Vec::new());
    });
    let may_release = memo(move |_| session.may(Role::Operator));
    let table = move |rows: Memo<Vec<BlockedAddress>>| {
        let mut head = vec![
            texts.mail_address,
            texts.error_reason,
            texts.origin_label,
            texts.stop_date,
            texts.state,
            texts.operation,
        ];
        let may_release = may_release.get();
        if may_release {
            head.insert(0, texts.select);
        }
        view! {
            {may_release.then(|| view! { <Selection rows ticked chosen/> })}
            <Table label=texts.blocked_list head busy=loader.busy>
                <For each=move || rows.get() key=|row| (row.id, row.state) let:row>
                    <Row row chosen ticked may_release/>
                </For>
            </Table>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <Filters block=true>
                <BulkRelease/>
                <Show when=move || may_release.get() && session.includes(Section::Uploads.needs())>
                    <a class="button" href=move || Section::Uploads.of(id.get())>
                        <Icon shape=Shape::Upload/>{texts.uploads.upload}
                    </a>
                </Show>
                <Download
                    list=DownloadList::BlockedAddresses name=texts.blocked_list filters=FILTERS
                    search=move |()| query.get_untracked().search()
                />
            </Filters>
            {listing(loader, url, FILTERS, (texts.blocked_empty, texts.blocked_empty_text), table)}
        </div>
        <ReleaseDialog chosen released=move |()| loader.reload()/>
    }
    .into_any()
}

#[component]
fn Row(
    row: BlockedAddress,
    chosen: RwSignal<Vec<String>>,
    ticked: RwSignal<Vec<Uuid>>,
    may_release: bool,
) -> impl IntoView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let tone = match row.state {
        BlockState::InEffect => Tone::Good,
        BlockState::Pending => Tone::Warn,
        BlockState::Releasing => Tone::Working,
    };
    let why = row.removal.map(|removal| (texts.removal_cause)(removal.cause));
    let (address, may_release_it) = (row.address.clone(), may_release && row.state != BlockState::Releasing);
    let release = may_release_it.then(|| {
        let name = format!("{}: {address}", texts.release);
        let press = move |()| chosen.set(vec![address.clone()]);
        view! { <Button small=true name press>{texts.release}</Button> }.into_any()
    });
    let tick = may_release.then(|| {
        let address = row.address.clone();
        view! { <td class="tick">{may_release_it.then(|| view! { <Tick id=row.id address ticked/> })}</td> }.into_any()
    });
    view! {
        <tr>
            {tick}
            <td class="address"><AddressLink address=row.address/></td>
            <td>{(texts.reason)(row.reason)}</td>
            <td>{(texts.origin)(row.origin)}</td>
            <td class="when"><Moment at=row.blocked_at language now=None/></td>
            <td>
                <Badge tone text=(texts.block_state)(row.state)/>
                {why.map(|why| view! { <p class="hint">{why}</p> })}
            </td>
            <td class="actions">{release}</td>
        </tr>
    }
    .into_any()
}
