//! The stop cancellation list.

use super::filters::{Filters, list_query};
use crate::{
    pages::{AddressLink, Confirm, Download, listing::listing},
    state::{Configuration, Preferences, Session, Url, client, load, texts},
    ui::{Button, Kind, Moment, Show, Table, Toasts},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::{download::DownloadList, list::Exemption, session::Role};

/// The parameters of the URL that narrow the list.
const FILTERS: &[&str] = &["q", "domain", "reason", "from", "to"];

/// The stop cancellation list: search, download, delete.
#[component]
pub fn StopCancellation() -> impl IntoView {
    let (texts, client, url, toasts) = (texts(), client(), Url::current(), Toasts::here());
    let Configuration { id, live } = Configuration::open();
    let loader = load(
        move || id.get(),
        move || (list_query(url), live.lists.get()),
        move |id, (query, _)| client.exemptions(id, query),
    );
    let (chosen, asking) = (RwSignal::new(None::<Exemption>), RwSignal::new(false));
    let delete = move |()| {
        async move {
            let Some(exemption) = chosen.get_untracked() else { return Ok(()) };
            client.delete_exemption(id.get_untracked(), exemption.id).await?;
            toasts.good(texts.exemption_deleted);
            loader.reload();
            Ok(())
        }
        .boxed_local()
    };
    let ask = Callback::new(move |exemption: Exemption| {
        chosen.set(Some(exemption));
        asking.set(true);
    });
    let table = move |rows: Memo<Vec<Exemption>>| {
        let head = vec![texts.mail_address, texts.error_reason, texts.cancelled_at, texts.comment, texts.operation];
        view! {
            <Table label=texts.stop_cancellation head busy=loader.busy>
                <For each=move || rows.get() key=|row| row.id let:row><Row row ask/></For>
            </Table>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <p class="soft">{texts.stop_cancellation_text}</p>
            <Filters block=false>
                <Download
                    list=DownloadList::Exemptions name=texts.stop_cancellation filters=FILTERS
                    search=move |()| untrack(|| list_query(url)).search()
                />
            </Filters>
            {listing(loader, url, FILTERS, (texts.exemptions_empty, texts.exemptions_empty_text), table)}
        </div>
        <Confirm
            open=asking title=texts.delete_exemption_title confirm=texts.delete kind=Kind::Danger act=delete
        >
            <div class="stack-tight">
                <h3>{move || chosen.get().map(|exemption| (texts.delete_question)(&exemption.address))}</h3>
                <p class="soft">{texts.delete_exemption_text}</p>
            </div>
        </Confirm>
    }
    .into_any()
}

#[component]
fn Row(row: Exemption, ask: Callback<Exemption>) -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let asked = row.clone();
    let delete = move || {
        let asked = asked.clone();
        view! {
            <Button small=true name=format!("{}: {}", texts.delete, asked.address) press=move |()| ask.run(asked.clone())>
                {texts.delete}
            </Button>
        }
    };
    view! {
        <tr>
            <td class="address"><AddressLink address=row.address/></td>
            <td>{(texts.reason)(row.reason)}</td>
            <td><Moment at=row.released_at language now=None/></td>
            <td class="soft wrap">{row.comment}</td>
            <td class="actions"><Show when=move || session.may(Role::Operator)>{delete()}</Show></td>
        </tr>
    }
    .into_any()
}
