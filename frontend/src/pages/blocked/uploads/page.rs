//! One upload: its bytes, what was found in it, and what was done with it.

use super::{
    PAUSE,
    delete::DeleteDialog,
    goes_on,
    reading::ReadingCard,
    sending::{SendingCard, fraction},
    stage::{Stage, badge, staged},
    summary::Summary,
};
use crate::{
    api::ApiError,
    i18n::number::bytes,
    pages::{blocked::operations::OperationCard, single::single},
    paths::Section,
    reactive::memo,
    router::Router,
    state::{
        Configuration, Loader, Pending, Preferences, Session, client, effect, explain, id_in_path, load, repeat, texts,
        ticking,
    },
    ui::{Button, Failure, Moment, Notice, Progress, Show, Tone, focus, time},
};
use leptos::{html, prelude::*};
use shared::{
    list_operation::ListOperation,
    session::Role,
    upload::{Upload, UploadState},
};
use std::mem;

/// The upload that the page's URL names.
#[component]
pub fn UploadPage() -> impl IntoView {
    let (texts, client) = (texts(), client());
    let (words, Configuration { id, live }) = (&texts.uploads, Configuration::open());
    let key = id_in_path("upload");
    let loader = load(
        move || (id.get(), key.get()),
        move || (live.uploads.get(), live.missed.get()),
        move |(id, key), _| async move { client.upload(id, key).await },
    );
    let mut begun = false;
    effect(move || {
        let changed = live.upload.get().filter(|changed| changed.id == key.get_untracked());
        let begun = mem::replace(&mut begun, true);
        let Some(changed) = changed else { return };
        loader.data.set(Some(changed));
        // The answer that is awaited may be older than that. What was told before is in it.
        if begun && loader.busy.get_untracked() {
            loader.reload();
        }
    });
    let going = memo(move |_| loader.data.with(|upload| upload.as_ref().is_some_and(goes_on)));
    repeat(PAUSE, going, move || loader.reload());
    let unknown = (words.unknown_upload, words.unknown_upload_text);
    view! {
        <div class="stack">
            <a class="back" href=move || Section::Uploads.of(id.get())>{words.back_to_uploads}</a>
            {single(loader, |upload| upload.id, unknown, move |first| view! { <Loaded first loader/> }.into_any())}
        </div>
    }
    .into_any()
}

/// Which of the sections below the head are shown.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Sending,
    Whole(UploadState),
}

#[component]
fn Loaded(first: Upload, loader: Loader<Upload>) -> impl IntoView {
    let (texts, session, router) = (texts(), expect_context::<Session>(), Router::here());
    let (words, Configuration { id, .. }) = (&texts.uploads, Configuration::open());
    let (heading, chosen) = (NodeRef::<html::H2>::new(), RwSignal::new(None));
    let name = first.file_name.clone();
    let upload = memo(move |_| loader.data.get().unwrap_or_else(|| first.clone()));
    let stage = staged(upload);
    let part = memo(move |_| match stage.get() {
        Stage::Whole(state) => Part::Whole(state),
        _ => Part::Sending,
    });
    let is = move |state: UploadState| part.get() == Part::Whole(state);
    let here = memo(move |_| matches!(stage.get(), Stage::Here(_)));
    let may_delete = move || session.may(Role::Operator) && !is(UploadState::Registering);
    let leave = move |()| router.go(&Section::Uploads.of(id.get_untracked()));
    // What was pressed is gone: the focus goes to what it was about.
    let done = Callback::new(move |()| {
        loader.reload();
        focus(heading);
    });
    let failure = move || {
        let failure = upload.with(|upload| upload.failure.clone())?;
        let failed = is(UploadState::Failed);
        Some(view! {
            <div role="alert">
                <Notice tone=if failed { Tone::Bad } else { Tone::Warn }>
                    <strong>
                        {words.failed_title}{failure.line.map(|line| format!(" ({})", (words.line)(line)))}
                    </strong>
                    <p>{(words.failure)(failure.code)}</p>
                </Notice>
            </div>
        })
    };
    view! {
        <header class="row spread">
            <div class="stack-tight">
                <div class="row">
                    <h2 class="break" tabindex="-1" node_ref=heading>{name}</h2>
                    <span aria-live="polite">{move || badge(texts, &stage.get())}</span>
                </div>
                <Facts upload/>
            </div>
            <Show when=may_delete>
                <Button press=move |()| chosen.set(Some(upload.get_untracked()))>
                    {move || if here.get() { words.stop } else { texts.delete }}
                </Button>
            </Show>
        </header>
        <Show when=move || part.get() == Part::Sending><SendingCard upload stage/></Show>
        <Show when=move || is(UploadState::Analysing)>
            <section class="card" aria-label=(words.upload_state)(UploadState::Analysing)>
                <Progress
                    label=(words.upload_state)(UploadState::Analysing)
                    value=Signal::derive(move || fraction(&upload.get(), &stage.get()))
                    text=Signal::stored(words.analysing_text.to_owned())
                />
            </section>
        </Show>
        {failure}
        <Show when=move || part.get() != Part::Sending>
            <Operations upload/>
            <Summary upload done/>
            <ReadingCard upload changed=move |()| loader.reload()/>
        </Show>
        <DeleteDialog chosen deleted=leave/>
    }
    .into_any()
}

/// Size, who, when, until when.
#[component]
fn Facts(upload: Memo<Upload>) -> impl IntoView {
    let texts = texts();
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (size, by, at) = upload.with_untracked(|one| (bytes(one.size), one.created_by.clone(), one.created_at));
    let kept = move || {
        let (state, until) = upload.with(|upload| (upload.state, upload.expires_at));
        let open = !matches!(state, UploadState::Registering | UploadState::Registered | UploadState::Undone);
        open.then(|| view! { <span>{(texts.uploads.kept_until)(&time::date_time(until, language, None))}</span> })
    };
    view! {
        <p class="meta">
            <span>{size}</span>
            <span class="break">{by}</span>
            <Moment at language now=Some(ticking())/>
            {kept}
        </p>
    }
    .into_any()
}

/// What was done with the upload's addresses, newest first.
#[component]
fn Operations(upload: Memo<Upload>) -> impl IntoView {
    let (texts, client, Configuration { id, live }) = (texts(), client(), Configuration::open());
    let (known, asking) = (RwSignal::new(Vec::<ListOperation>::new()), Pending::new());
    let (error, again) = (RwSignal::new(None::<ApiError>), RwSignal::new(0));
    let state = memo(move |_| upload.with(|upload| upload.state));
    effect(move || {
        state.track();
        again.track();
        asking.replace(async move {
            let answer = client.upload_operations(id.get_untracked(), &upload.get_untracked()).await;
            let take = |found: Vec<ListOperation>| {
                known.update(|known| {
                    // What was told and is not in the answer was asked for since.
                    known.retain(|told| found.iter().all(|one| one.id != told.id));
                    known.extend(found);
                });
            };
            error.set(answer.map(take).err());
        });
    });
    effect(move || {
        let Some(changed) = live.operation.get() else { return };
        let about = changed.upload_id == Some(upload.with_untracked(|upload| upload.id));
        if about && known.with_untracked(|known| known.iter().all(|one| one.id != changed.id)) {
            known.update(|known| known.insert(0, changed));
        }
    });
    let failure = move || {
        let (text, press) = (explain(texts, &error.get()?), move |()| again.update(|times| *times += 1));
        Some(view! { <div class="table-frame"><Failure text again=texts.try_again press/></div> })
    };
    view! {
        {failure}
        <div class="cards">
            <For each=move || known.get() key=|operation| operation.id let:operation>
                <OperationCard operation beside_upload=true/>
            </For>
        </div>
    }
    .into_any()
}
