//! What was found in a file in numbers, and what to do with its addresses.

use super::{register::RegisterDialog, release::ReleaseDialog};
use crate::{
    pages::blocked::operations::figures,
    reactive::memo,
    state::{Configuration, Pending, Preferences, Session, client, explain, texts},
    ui::{Button, Kind, Notice, Show, Toasts, Tone, save_blob},
};
use leptos::prelude::*;
use shared::{
    session::Role,
    upload::{RecordCounts, Upload, UploadState},
};

/// Numbers of records, and the next step.
#[component]
pub fn Summary(
    /// The upload.
    upload: Memo<Upload>,
    /// Called when its registration or its release is queued.
    done: Callback<()>,
) -> impl IntoView {
    let (texts, session) = (texts(), expect_context::<Session>());
    let words = &texts.uploads;
    let counts = memo(move |_| upload.with(|upload| upload.analysis.as_ref().and_then(|analysis| analysis.counts)));
    let open = memo(move |_| upload.with(|one| matches!(one.state, UploadState::Ready | UploadState::Undone)));
    let undone = move || upload.with(|upload| upload.state == UploadState::Undone);
    let (registering, releasing) = (RwSignal::new(false), RwSignal::new(false));
    let nothing_new = move || counts.get().is_some_and(|counts| counts.new == 0);
    let numbers = move |counts: RecordCounts| {
        let facts = [
            (words.total, counts.total),
            (words.new, counts.new),
            (words.already_blocked, counts.already_blocked),
            (words.exempt, counts.exempt),
            (words.duplicate, counts.duplicate),
            (words.invalid, counts.invalid),
        ];
        let (invalid, more) = (counts.invalid > 0, counts.invalid > counts.invalid_kept);
        // The others are read from the file again, as long as it is there.
        let capped = more && upload.with(|one| matches!(one.state, UploadState::Registered | UploadState::Undone));
        view! {
            {figures(facts.into_iter())}
            {invalid.then(|| view! { <InvalidRows upload capped/> })}
        }
        .into_any()
    };
    view! {
        <Show when=move || counts.get().is_some()>
            <section class="card" aria-label=words.total>
                <Show when=move || open.get()>
                    <h2>{words.ready_title}</h2>
                    <Show when=undone><p class="soft">{words.undone_text}</p></Show>
                    <Show when=nothing_new><Notice tone=Tone::Plain><p>{words.nothing_new}</p></Notice></Show>
                </Show>
                {move || counts.get().map(numbers)}
                <Show when=move || open.get() && session.may(Role::Operator)>
                    <div class="row">
                        <Button kind=Kind::Primary press=move |()| registering.set(true)>{words.register}</Button>
                        <Button press=move |()| releasing.set(true)>{words.release_instead}</Button>
                    </div>
                </Show>
            </section>
        </Show>
        <RegisterDialog open=registering upload done/>
        <ReleaseDialog open=releasing upload done/>
    }
    .into_any()
}

/// Hands over the rows without a valid address.
#[component]
fn InvalidRows(upload: Memo<Upload>, capped: bool) -> impl IntoView {
    let (texts, client, toasts, fetching) = (texts(), client(), Toasts::here(), Pending::new());
    let (words, Configuration { id, .. }) = (&texts.uploads, Configuration::open());
    let language = expect_context::<Preferences>().language;
    let fetch = move |()| {
        fetching.start(async move {
            let (id, upload) = (id.get_untracked(), upload.with_untracked(|upload| upload.id));
            match client.invalid_rows(id, upload, language.get_untracked().tag()).await {
                Ok(rows) => {
                    if save_blob(&rows, words.invalid_file).is_err() {
                        toasts.bad(texts.unreadable);
                    }
                }
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    };
    view! {
        <div class="row">
            <Button small=true busy=fetching.busy() press=fetch>{words.invalid_download}</Button>
            {capped.then(|| view! { <span class="small soft">{words.invalid_capped}</span> })}
        </div>
    }
    .into_any()
}
