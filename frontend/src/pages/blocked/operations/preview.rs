//! What a bulk release would do.

use crate::{
    api::ApiError,
    pages::FormError,
    state::{Configuration, Pending, client, texts},
    ui::{Button, Drawn, Show, Skeleton},
};
use leptos::prelude::*;
use shared::list_operation::{BulkReleasePreview, BulkReleaseRequest};

/// How many blocks it would release, and the first of them.
#[component]
pub fn Preview(
    /// The release, as a dry run.
    request: BulkReleaseRequest,
    /// Takes the answer.
    found: RwSignal<Option<BulkReleasePreview>>,
    /// Says how many.
    count: fn(i64) -> String,
    /// Says that there are none.
    none: &'static str,
) -> impl IntoView {
    let (texts, client, Configuration { id, .. }) = (texts(), client(), Configuration::open());
    let (words, error, asking) = (&texts.uploads, RwSignal::new(None::<ApiError>), Pending::new());
    let ask = Callback::new(move |()| {
        found.set(None);
        error.set(None);
        let request = request.clone();
        asking.start(async move {
            match client.preview_release(id.get_untracked(), &request).await {
                Ok(preview) => found.set(Some(preview)),
                Err(problem) => error.set(Some(problem)),
            }
        });
    });
    ask.run(());
    let shown = move |preview: BulkReleasePreview| {
        if preview.count == 0 {
            return view! { <h3>{none}</h3> }.into_any();
        }
        let more = preview.count > preview.sample.len() as i64;
        view! {
            <h3>{count(preview.count)}</h3>
            <ul class="addresses" tabindex="0" aria-label=texts.mail_address>
                {preview.sample.into_iter().map(|block| view! { <li class="break">{block.address}</li> }).drawn()}
                {more.then(|| view! { <li class="soft">{words.release_more}</li> })}
            </ul>
        }
        .into_any()
    };
    view! {
        <FormError error/>
        <Show when=move || error.with(Option::is_some)>
            <div class="row"><Button press=ask>{texts.try_again}</Button></div>
        </Show>
        <div class="stack-tight" aria-live="polite">
            {move || found.get().map(shown)}
            <Show when=move || asking.busy().get()><Skeleton label=texts.loading/></Show>
        </div>
    }
    .into_any()
}
