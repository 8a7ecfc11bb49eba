//! The dialog that releases the addresses of an upload.

use crate::{
    pages::{
        Confirm,
        blocked::operations::{CommentField, Preview, written},
    },
    state::{Configuration, client, texts},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::{
    list_operation::{BulkReleasePreview, BulkReleaseRequest},
    upload::Upload,
};

/// Shows what would be released, and asks.
#[component]
pub fn ReleaseDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The upload.
    upload: Memo<Upload>,
    /// Called when the release is queued.
    done: Callback<()>,
) -> impl IntoView {
    let (texts, client, Configuration { id, live }) = (texts(), client(), Configuration::open());
    let (words, comment, found) = (&texts.uploads, RwSignal::new(String::new()), RwSignal::new(None));
    let request = move |dry_run| BulkReleaseRequest {
        filter: None,
        upload_id: Some(upload.with_untracked(|upload| upload.id)),
        dry_run,
        comment: written(comment),
    };
    let act = move |()| {
        async move {
            if found.with_untracked(|found: &Option<BulkReleasePreview>| {
                found.as_ref().is_none_or(|found| found.count == 0)
            }) {
                return Ok(());
            }
            let operation = client.release_in_bulk(id.get_untracked(), &request(false)).await?;
            live.answered(operation);
            done.run(());
            Ok(())
        }
        .boxed_local()
    };
    view! {
        <Confirm open title=words.release_title confirm=texts.release act>
            <Preview request=request(true) found count=words.release_count none=words.release_none/>
            <p class="soft">{words.release_text}</p>
            <CommentField value=comment/>
        </Confirm>
    }
    .into_any()
}
