//! Deleting an upload, or stopping it, which is the same.

use crate::{
    pages::Confirm,
    state::{Configuration, Outbox, client, effect, texts},
    ui::{Kind, Toasts},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::upload::{Upload, UploadState};

/// Asks before an upload is deleted.
#[component]
pub fn DeleteDialog(
    /// The upload that is asked about.
    chosen: RwSignal<Option<Upload>>,
    /// Called when it is deleted.
    #[prop(into)]
    deleted: Callback<()>,
) -> impl IntoView {
    let (texts, client, outbox, toasts) = (texts(), client(), Outbox::here(), Toasts::here());
    let (words, Configuration { id, .. }) = (&texts.uploads, Configuration::open());
    let (stopping, deleting) = (RwSignal::new(false), RwSignal::new(false));
    let name = RwSignal::new(String::new());
    let target = StoredValue::new(None::<Upload>);
    effect(move || {
        let Some(upload) = chosen.get() else { return };
        let here = outbox.of_untracked(upload.id).is_some() && upload.state == UploadState::Uploading;
        name.set((words.delete_question)(&upload.file_name));
        target.set_value(Some(upload));
        chosen.set(None);
        if here { stopping.set(true) } else { deleting.set(true) }
    });
    let act = Callback::new(move |()| {
        async move {
            let Some(upload) = target.get_value() else { return Ok(()) };
            outbox.stop(upload.id);
            client.delete_upload(id.get_untracked(), upload.id).await?;
            toasts.good(words.deleted);
            deleted.run(());
            Ok(())
        }
        .boxed_local()
    });
    view! {
        <Confirm open=stopping title=words.stop_title confirm=words.stop kind=Kind::Danger act>
            <h3 class="break">{move || name.get()}</h3>
            <p class="soft">{words.stop_text}</p>
        </Confirm>
        <Confirm open=deleting title=words.delete_title confirm=texts.delete kind=Kind::Danger act>
            <h3 class="break">{move || name.get()}</h3>
            <p class="soft">{words.delete_text}</p>
        </Confirm>
    }
    .into_any()
}
