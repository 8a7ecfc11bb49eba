//! The language and the time zone in which the console shows everything, in this browser.

use crate::{
    i18n::{Language, zone},
    state::{Preferences, texts, ticking},
    ui::{Button, Kind, Select, Toasts, time},
};
use chrono::DateTime;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Where the focus stays when everything is drawn anew.
const ZONE: &str = "own-zone";

/// Language and time zone.
#[component]
pub fn Locale() -> impl IntoView {
    let (texts, preferences, toasts) = (texts(), expect_context::<Preferences>(), Toasts::here());
    let words = &texts.people;
    let (language, zone) =
        (RwSignal::new(preferences.language.get_untracked()), RwSignal::new(preferences.zone.get_untracked()));
    let languages = Language::ALL.into_iter().map(|language| (language.tag(), language.own_name())).collect::<Vec<_>>();
    let zones = [("", words.browser_zone)].into_iter().chain(zone::known().iter().map(|zone| (*zone, *zone))).collect();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (language, zone) = (language.get_untracked(), zone.get_untracked());
        preferences.speak(language);
        preferences.live_in(zone);
        toasts.good(language.texts().people.locale_changed);
        request_animation_frame(|| {
            if let Some(field) = document().get_element_by_id(ZONE) {
                // Focusing an element of the page cannot fail.
                drop(field.unchecked_into::<web_sys::HtmlElement>().focus());
            }
        });
    };
    let (tag, now) = (language.get_untracked().tag(), ticking());
    let shown = move || {
        let zone = Some(zone.get()).filter(|zone| !zone.is_empty()).unwrap_or_else(zone::of_browser);
        let now = DateTime::from_timestamp_millis(now.get() as i64)?;
        Some(format!("{} ({zone})", time::date_time(now, tag, Some(&zone))))
    };
    view! {
        <form class="card narrow" on:submit=submit>
            <div class="stack-tight"><h2>{words.locale}</h2><p class="soft">{words.locale_text}</p></div>
            <Select
                id="own-language" label=texts.language options=languages
                value=Signal::derive(move || language.get().tag().to_owned())
                choose=move |tag: String| language.set(Language::of_tag(&tag).unwrap_or(Language::English))
            />
            <Select id=ZONE label=texts.time_zone options=zones value=zone choose=move |name| zone.set(name)/>
            <p class="hint">{shown}</p>
            <div class="row"><Button kind=Kind::Primary submit=true>{words.apply}</Button></div>
        </form>
    }
    .into_any()
}
