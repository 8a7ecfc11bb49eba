//! The warning that a watch period ends many blocks on one day.

use super::settings_form::{Form, optional, required};
use crate::{
    reactive::memo,
    state::{Configuration, Pending, Preferences, Session, client, effect, sleep, texts},
    ui::{Button, Drawn, Notice, Show, Tone, time},
};
use leptos::prelude::*;
use shared::{
    plan::Capability,
    run_settings::{DEFAULT_WATCH_WARNING, DayCount, WatchPeriodPreviewRequest},
};
use std::time::Duration;

/// How long typing pauses before the service is asked.
const TYPING: Duration = Duration::from_millis(400);

/// The days on which many blocks would end, if there are any, or that they could not be looked up.
#[component]
pub fn WatchPreview(
    /// What is in the fields.
    form: Form,
) -> impl IntoView {
    let (texts, client, configuration, session) =
        (texts(), client(), Configuration::open(), expect_context::<Session>());
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let (heavy, unknown, asking) = (RwSignal::new(Vec::<DayCount>::new()), RwSignal::new(false), Pending::new());
    let request = memo(move |_| {
        // The service tells it to those whose plan lets them change the settings.
        if !session.includes(Capability::ChangeRunSettings) {
            return None;
        }
        Some(WatchPeriodPreviewRequest {
            watch_period_days: form.watch_period.with(|text| required(text))?,
            watch_daily_limit: form.watch_limit.with(|text| optional(text))?,
            watch_warning: form.watch_warning.with(|text| required(text))?,
        })
    });
    effect(move || {
        let request = request.get();
        asking.replace(async move {
            let days = match request {
                Some(request) => {
                    sleep(TYPING).await;
                    let preview = client.preview_watch_period(configuration.id.get_untracked(), &request).await;
                    preview.map(|preview| preview.heavy_days)
                }
                None => Ok(Vec::new()),
            };
            // Nobody looks again when it is saved: whoever saves has to know that it is not known.
            unknown.set(days.is_err());
            heavy.set(days.unwrap_or_default());
        });
    });
    // The warning's own number is the most that the user called harmless.
    let limit = move || form.watch_warning.with(|text| required(text)).unwrap_or(DEFAULT_WATCH_WARNING);
    let suggestion = move || (texts.spread_to)(limit().into());
    let spread = move |()| form.watch_limit.set(limit().to_string());
    view! {
        <div aria-live="polite">
            <Show when=move || unknown.get()><Notice tone=Tone::Warn><p>{texts.heavy_days_unknown}</p></Notice></Show>
            <Show when=move || !heavy.with(Vec::is_empty)>
                <Notice tone=Tone::Warn>
                    <strong>{texts.heavy_days_title}</strong>
                    <p>{texts.heavy_days_text}</p>
                    <ul class="heavy">
                        {move || heavy.get().into_iter().map(|heavy| {
                            let day = time::day(heavy.day, language);
                            view! { <li>{(texts.blocks_on_day)(&day, heavy.count)}</li> }
                        }).drawn()}
                    </ul>
                    <Show when=move || form.watch_limit.with(|limit| limit.trim().is_empty())>
                        <Button small=true press=spread>{suggestion}</Button>
                    </Show>
                </Notice>
            </Show>
        </div>
    }
    .into_any()
}
