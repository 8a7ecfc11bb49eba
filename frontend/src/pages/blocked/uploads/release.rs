//! The dialog that releases the addresses of an upload.

use crate::{
    api::ApiError,
    pages::{
        Confirm, FormError,
        blocked::operations::{CommentField, written},
    },
    state::{Configuration, Pending, client, texts},
    ui::{Drawn, Show, Skeleton},
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
            live.operation.set(Some(operation));
            done.run(());
            Ok(())
        }
        .boxed_local()
    };
    view! {
        <Confirm open title=words.release_title confirm=texts.release act>
            <Preview request=request(true) found/>
            <p class="soft">{words.release_text}</p>
            <CommentField value=comment/>
        </Confirm>
    }
    .into_any()
}

/// How many blocks it would release, and the first of them.
#[component]
fn Preview(request: BulkReleaseRequest, found: RwSignal<Option<BulkReleasePreview>>) -> impl IntoView {
    let (texts, client, Configuration { id, .. }) = (texts(), client(), Configuration::open());
    let (words, error, asking) = (&texts.uploads, RwSignal::new(None::<ApiError>), Pending::new());
    found.set(None);
    asking.start(async move {
        match client.preview_release(id.get_untracked(), &request).await {
            Ok(preview) => found.set(Some(preview)),
            Err(problem) => error.set(Some(problem)),
        }
    });
    let shown = move |preview: BulkReleasePreview| {
        if preview.count == 0 {
            return view! { <h3>{words.release_none}</h3> }.into_any();
        }
        let more = preview.count > preview.sample.len() as i64;
        view! {
            <h3>{(words.release_count)(preview.count)}</h3>
            <ul class="addresses">
                {preview.sample.into_iter().map(|block| view! { <li class="break">{block.address}</li> }).drawn()}
                {more.then(|| view! { <li class="soft">{words.release_more}</li> })}
            </ul>
        }
        .into_any()
    };
    view! {
        <FormError error/>
        <div class="stack-tight" aria-live="polite">
            {move || found.get().map(shown)}
            <Show when=move || asking.busy().get()><Skeleton label=texts.loading/></Show>
        </div>
    }
    .into_any()
}
