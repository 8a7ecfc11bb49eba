//! What a person is told about an upload: what the service knows of it, and what this window does for it.

use crate::{
    i18n::Texts,
    reactive::memo,
    state::{Going, Outbox, Sending, now, ticking},
    ui::{Badge, Tone},
};
use leptos::prelude::*;
use shared::upload::{Upload, UploadState};

/// So long after the last bytes came, in milliseconds, nobody is taken to send any more.
const QUIET: f64 = 15_000.0;

/// How far an upload has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// This window sends it.
    Here(Sending),
    /// Another window sends it.
    Elsewhere,
    /// Bytes are missing, and nobody sends them.
    Interrupted,
    /// Every byte is there.
    Whole(UploadState),
}

/// How far it has come, as it goes on.
pub fn staged(upload: Memo<Upload>) -> Memo<Stage> {
    let (outbox, clock, moved) = (Outbox::here(), ticking(), RwSignal::new(0.0));
    Effect::new(move |before: Option<i64>| {
        let received = upload.with(|upload| upload.received);
        if before.is_some_and(|before| before < received) {
            moved.set(now());
        }
        received
    });
    memo(move |_| {
        let (id, state) = upload.with(|upload| (upload.id, upload.state));
        match (state, outbox.of(id)) {
            // The service tells in a moment that it reads the file.
            (UploadState::Uploading, Some(sending)) if sending.going == Going::Sent => {
                Stage::Whole(UploadState::Analysing)
            }
            (UploadState::Uploading, Some(sending)) => Stage::Here(sending),
            (UploadState::Uploading, None) if clock.get() - moved.get() < QUIET => Stage::Elsewhere,
            (UploadState::Uploading, None) => Stage::Interrupted,
            (state, _) => Stage::Whole(state),
        }
    })
}

/// The stage in a word.
pub fn badge(texts: &'static Texts, stage: &Stage) -> AnyView {
    let words = &texts.uploads;
    let (tone, text) = match stage {
        Stage::Here(Sending { going: Going::Waiting, .. }) => (Tone::Warn, words.waiting),
        Stage::Here(Sending { going: Going::Stopped(_), .. }) | Stage::Interrupted => (Tone::Warn, words.interrupted),
        Stage::Here(_) => (Tone::Working, words.sending),
        Stage::Elsewhere => (Tone::Working, words.elsewhere),
        Stage::Whole(state) => (tone(*state), (words.upload_state)(*state)),
    };
    view! { <Badge tone text/> }.into_any()
}

fn tone(state: UploadState) -> Tone {
    match state {
        UploadState::Uploading | UploadState::Analysing | UploadState::Registering => Tone::Working,
        UploadState::Ready => Tone::Warn,
        UploadState::Failed => Tone::Bad,
        UploadState::Registered => Tone::Good,
        UploadState::Undone => Tone::Plain,
    }
}
