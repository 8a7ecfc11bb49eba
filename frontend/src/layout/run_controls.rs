//! Run settings, run now, and what the run is doing.

use crate::{
    pages::{Confirm, RunSettingsDialog, trouble},
    reactive::memo,
    state::{Configuration, Session, Url, client, load, texts},
    ui::{Badge, Button, Icon, Kind, Shape, Show, Toasts, Tone},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::{
    run::{Run, RunState},
    session::Role,
};

/// Run settings, run now, and the latest run.
#[component]
pub fn RunControls() -> impl IntoView {
    let (texts, client, toasts, session) = (texts(), client(), Toasts::here(), expect_context::<Session>());
    let Configuration { id, live } = Configuration::open();
    let (settings, asking) = (Url::current().dialog("run-settings"), RwSignal::new(false));
    let latest = load(move || id.get(), move || live.missed.get(), move |id, _| client.runs(id));
    latest.keep_up(live.run, None::<Url>, |run| run.id);
    let run = memo(move |_| latest.data.with(|page| page.as_ref()?.items.first().cloned()));
    let start = move |()| {
        async move {
            client.run_now(id.get_untracked()).await?;
            // Not what was answered: the run may be further by now.
            latest.reload();
            toasts.good(texts.run_queued);
            Ok(())
        }
        .boxed_local()
    };
    view! {
        <div class="stack-tight">
            <div class="row">
                <span aria-live="polite">{move || run.get().and_then(badge)}</span>
                <Button press=move |()| settings.set(true)><Icon shape=Shape::Settings/>{texts.run_settings}</Button>
                <Show when=move || session.may(Role::Administrator)>
                    <Button kind=Kind::Primary press=move |()| asking.set(true)>
                        <Icon shape=Shape::Play size=14/>{texts.run_now}
                    </Button>
                </Show>
            </div>
            <div aria-live="polite">{move || run.get().and_then(why)}</div>
        </div>
        <RunSettingsDialog open=settings/>
        <Confirm open=asking title=texts.run_now confirm=texts.run_now act=start><p>{texts.run_now_text}</p></Confirm>
    }
    .into_any()
}

/// A run that is worth a word: going on, or failed.
fn badge(run: Run) -> Option<AnyView> {
    let texts = texts();
    let tone = match run.state {
        RunState::Done => return None,
        RunState::Queued | RunState::Running => Tone::Working,
        RunState::Failed => Tone::Bad,
    };
    let text = if tone == Tone::Bad { texts.run_failed } else { texts.run_working };
    Some(view! { <Badge tone text/> }.into_any())
}

/// Why a run did not come to its end, and what follows.
fn why(run: Run) -> Option<AnyView> {
    let texts = texts();
    let meaning = if run.state == RunState::Failed { texts.run_failed_text } else { texts.tried_again };
    Some(trouble(meaning, run.error_cause, run.error?))
}
