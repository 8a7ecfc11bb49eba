//! List operations: registrations, bulk releases, and their undo.

mod ask;
mod card;
mod preview;

pub use ask::{CommentField, written};
pub use card::{OperationCard, figures};
pub use preview::Preview;

use crate::{
    pages::listing::listing,
    paths::Section,
    state::{Configuration, Url, client, load, texts},
};
use leptos::prelude::*;
use shared::list_operation::ListOperation;

/// The list operations, newest first, as they happen.
#[component]
pub fn BulkChanges() -> impl IntoView {
    let (texts, client, url) = (texts(), client(), Url::current());
    let words = &texts.uploads;
    let Configuration { id, live } = Configuration::open();
    let loader = load(
        move || id.get(),
        move || (url.get("cursor"), live.missed.get()),
        move |id, (cursor, _)| async move { client.list_operations(id, &cursor).await },
    );
    // The cards of those that are known follow them by themselves.
    loader.keep_up(live.operation, url, |operation| operation.id);
    let cards = move |rows: Memo<Vec<ListOperation>>| {
        view! {
            <div class="cards" role="region" aria-label=words.bulk_changes>
                <For each=move || rows.get() key=|operation| operation.id let:operation><OperationCard operation/></For>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="stack">
            <div class="stack-tight">
                <a class="back" href=move || Section::Uploads.of(id.get())>{words.back_to_uploads}</a>
                <h2>{words.bulk_changes}</h2>
                <p class="soft">{words.bulk_changes_text}</p>
            </div>
            {listing(loader, url, &[], (words.bulk_empty, words.bulk_empty_text), cards)}
        </div>
    }
    .into_any()
}
