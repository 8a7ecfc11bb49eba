//! An upload whose bytes are not all there.

use super::stage::Stage;
use crate::{
    i18n::Texts,
    i18n::number::bytes,
    reactive::memo,
    state::{Configuration, Going, Outbox, Session, Trouble, explain, texts},
    ui::{Button, FilePicker, Notice, Progress, Show, Tone},
};
use leptos::prelude::*;
use shared::{
    session::Role,
    upload::{Upload, UploadState},
};
use web_sys::File;

/// Why a file is not sent, in the user's words.
pub fn explain_trouble(texts: &'static Texts, trouble: &Trouble) -> String {
    let words = &texts.uploads;
    match trouble {
        Trouble::TooLarge(largest) => (words.too_large)(&bytes(*largest)),
        Trouble::OtherFile => words.other_file.to_owned(),
        Trouble::FileGone => words.file_gone.to_owned(),
        Trouble::Elsewhere => words.sent_elsewhere.to_owned(),
        Trouble::Ended => words.upload_ended.to_owned(),
        Trouble::Refused(error) => explain(texts, error),
    }
}

/// How far bytes or the analysis have come, 0 to 1; `None` where nothing goes on.
pub fn fraction(upload: &Upload, stage: &Stage) -> Option<f64> {
    let of = |received: i64| Some(received as f64 / upload.size.max(1) as f64);
    match stage {
        Stage::Here(sending) => of(sending.received),
        Stage::Elsewhere | Stage::Interrupted => of(upload.received),
        Stage::Whole(UploadState::Analysing) => Some(upload.progress),
        Stage::Whole(_) => None,
    }
}

/// What the section below the progress is about; it is drawn anew only when this changes.
#[derive(Clone, PartialEq)]
enum Said {
    Nothing,
    KeepOpen,
    Waits,
    Stopped(Trouble),
    Elsewhere,
    Interrupted,
}

/// How far the bytes have come, and what to do.
#[component]
pub fn SendingCard(
    /// The upload.
    upload: Memo<Upload>,
    /// How far it has come.
    stage: Memo<Stage>,
) -> impl IntoView {
    let texts = texts();
    let words = &texts.uploads;
    let share = memo(move |_| fraction(&upload.get(), &stage.get()));
    let text = move || {
        let (size, share) = (upload.with(|upload| upload.size), share.get().unwrap_or_default());
        let (received, left) = match stage.get() {
            Stage::Here(sending) => (sending.received, sending.seconds_left()),
            _ => (upload.with(|upload| upload.received), None),
        };
        let sent = (words.sent_of)(&bytes(received), &bytes(size), (share * 100.0).floor() as i64);
        left.map_or_else(|| sent.clone(), |left| format!("{sent}, {}", (words.seconds_left)(left)))
    };
    let said = memo(move |_| match stage.get() {
        Stage::Here(sending) => match sending.going {
            Going::Sending => Said::KeepOpen,
            Going::Waiting => Said::Waits,
            Going::Stopped(trouble) => Said::Stopped(trouble),
            Going::Sent => Said::Nothing,
        },
        Stage::Elsewhere => Said::Elsewhere,
        Stage::Interrupted => Said::Interrupted,
        Stage::Whole(_) => Said::Nothing,
    });
    view! {
        <section class="card" aria-label=words.sending>
            <Progress label=words.sending value=share text=Signal::derive(text)/>
            {move || match said.get() {
                Said::Nothing => ().into_any(),
                Said::KeepOpen => view! { <Notice tone=Tone::Plain><p>{words.keep_open}</p></Notice> }.into_any(),
                Said::Waits => view! { <Notice tone=Tone::Warn><p>{words.connection_waits}</p></Notice> }.into_any(),
                Said::Elsewhere => view! { <Notice tone=Tone::Plain><p>{words.sent_elsewhere}</p></Notice> }.into_any(),
                Said::Stopped(trouble) => view! { <Stopped upload trouble/> }.into_any(),
                Said::Interrupted => view! { <GoOn upload/> }.into_any(),
            }}
        </section>
    }
    .into_any()
}

/// It does not go on by itself.
#[component]
fn Stopped(upload: Memo<Upload>, trouble: Trouble) -> impl IntoView {
    let (texts, outbox) = (texts(), Outbox::here());
    let (gone, ended) = (trouble == Trouble::FileGone, trouble == Trouble::Ended);
    view! {
        <div role="alert"><Notice tone=Tone::Bad><p>{explain_trouble(texts, &trouble)}</p></Notice></div>
        {if gone {
            view! { <GoOn upload/> }.into_any()
        } else if ended {
            ().into_any()
        } else {
            view! {
                <div class="row">
                    <Button press=move |()| outbox.try_again(&upload.get_untracked())>{texts.uploads.resume}</Button>
                </div>
            }
            .into_any()
        }}
    }
    .into_any()
}

/// Asks for the same file again.
#[component]
fn GoOn(upload: Memo<Upload>) -> impl IntoView {
    let (texts, outbox, session) = (texts(), Outbox::here(), expect_context::<Session>());
    let (words, Configuration { id, .. }, trouble) = (&texts.uploads, Configuration::open(), RwSignal::new(None));
    let take = move |files: Vec<File>| {
        if let Some(file) = files.into_iter().next() {
            trouble.set(outbox.go_on(id.get_untracked(), &upload.get_untracked(), file).err());
        }
    };
    let wanted = move || upload.with_untracked(|upload| (words.same_file)(&upload.file_name, &bytes(upload.size)));
    let said = move || {
        trouble.get().map(|trouble| {
            view! { <Notice tone=Tone::Bad><p>{explain_trouble(texts, &trouble)}</p></Notice> }
        })
    };
    view! {
        <Show when=move || session.may(Role::Operator)>
            <p>{words.go_on_text}</p>
            <div role="alert">{said}</div>
            <FilePicker label=words.choose_again hint=wanted() take/>
        </Show>
    }
    .into_any()
}
