//! The dialog that registers an upload.

use crate::{
    pages::{
        Confirm,
        blocked::{
            operations::{CommentField, written},
            timing::{TimingChoice, timing},
        },
    },
    state::{Configuration, Pending, Preferences, client, texts},
    ui::{Check, time},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::{list_operation::RegistrationRequest, upload::Upload};

/// Asks how the addresses are to be registered.
#[component]
pub fn RegisterDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// The upload.
    upload: Memo<Upload>,
    /// Called when the registration is queued.
    done: Callback<()>,
) -> impl IntoView {
    let (texts, client, Configuration { id, live }) = (texts(), client(), Configuration::open());
    let words = &texts.uploads;
    let (exempt, next, comment) = (RwSignal::new(false), RwSignal::new(true), RwSignal::new(String::new()));
    let act = move |()| {
        async move {
            let request = RegistrationRequest {
                block_exempt: exempt.get_untracked(),
                delivery_timing: timing(next),
                comment: written(comment),
            };
            let upload = upload.with_untracked(|upload| upload.id);
            let operation = client.register_upload(id.get_untracked(), upload, &request).await?;
            live.answered(operation);
            done.run(());
            Ok(())
        }
        .boxed_local()
    };
    let count = move || {
        let new = upload.with(|upload| Some(upload.analysis.as_ref()?.counts?.new))?;
        Some((texts.addresses_count)(new))
    };
    view! {
        <Confirm open title=words.register_title confirm=words.register act>
            <div class="stack-tight">
                <h3>{count}</h3>
                <p class="soft">{words.register_text}</p>
            </div>
            <Timing next/>
            <Check id="block-exempt" label=words.block_exempt value=exempt hint=words.block_exempt_hint/>
            <CommentField value=comment/>
        </Confirm>
    }
    .into_any()
}

/// When the addresses reach the mail servers; asks for the date when it is drawn.
#[component]
fn Timing(next: RwSignal<bool>) -> impl IntoView {
    let (texts, client, Configuration { id, .. }) = (texts(), client(), Configuration::open());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (when, asking) = (RwSignal::new("…".to_owned()), Pending::new());
    asking.start(async move {
        // Without the date the choice is clear too.
        if let Ok(settings) = client.run_settings(id.get_untracked()).await {
            let settings = settings.value;
            when.set(time::date_time(settings.next_execution, language, Some(&settings.time_zone)));
        }
    });
    view! {
        <TimingChoice question=texts.uploads.register_timing next when now_hint=texts.uploads.register_now_hint/>
    }
}
