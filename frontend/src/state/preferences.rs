//! Language, theme and time zone, kept in this browser.

use super::effect;
use crate::i18n::{Language, zone};
use leptos::prelude::*;

const LANGUAGE: &str = "stoplist.language";
const THEME: &str = "stoplist.theme";
const ZONE: &str = "stoplist.time-zone";

/// How the console looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the operating system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Its name in storage and in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The user's choices.
#[derive(Clone, Copy)]
pub struct Preferences {
    /// The language.
    pub language: RwSignal<Language>,
    /// The theme.
    pub theme: RwSignal<Theme>,
    /// The time zone that times are shown in; empty: the browser's.
    pub zone: RwSignal<String>,
}

impl Preferences {
    /// What this browser remembers, else its own language and zone and the system's theme; keeps the document in step, and
    /// itself with the browser's other windows.
    pub fn restore() -> Self {
        let (language, theme, zone) = remembered();
        zone::choose(&zone);
        let preferences =
            Self { language: RwSignal::new(language), theme: RwSignal::new(theme), zone: RwSignal::new(zone) };
        effect(move || attribute("lang", preferences.language.get().tag()));
        effect(move || attribute("data-theme", preferences.theme.get().name()));
        // It is there as long as the page is.
        drop(window_event_listener_untyped("storage", move |_| {
            let (language, theme, zone) = remembered();
            change(preferences.language, language);
            change(preferences.theme, theme);
            preferences.use_zone(zone);
        }));
        preferences
    }

    /// Changes the language.
    pub fn speak(self, language: Language) {
        store(LANGUAGE, language.tag());
        self.language.set(language);
    }

    /// Changes the theme.
    pub fn look(self, theme: Theme) {
        store(THEME, theme.name());
        self.theme.set(theme);
    }

    /// Changes the time zone to one that the browser knows; empty: the browser's own.
    pub fn live_in(self, zone: String) {
        store(ZONE, &zone);
        self.use_zone(zone);
    }

    fn use_zone(self, zone: String) {
        zone::choose(&zone);
        change(self.zone, zone);
    }
}

/// Tells of a value that is another one.
fn change<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

fn remembered() -> (Language, Theme, String) {
    let language = stored(LANGUAGE)
        .and_then(|tag| Language::of_tag(&tag))
        .or_else(|| window().navigator().language().and_then(|tag| Language::of_tag(&tag)));
    let theme = stored(THEME).and_then(|name| Theme::ALL.into_iter().find(|theme| theme.name() == name));
    let zone = stored(ZONE).filter(|zone| zone::known().contains(&zone.as_str()));
    (language.unwrap_or(Language::English), theme.unwrap_or(Theme::System), zone.unwrap_or_default())
}

fn attribute(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        // Setting a valid attribute cannot fail.
        drop(root.set_attribute(name, value));
    }
}

/// What this browser remembers.
pub(super) fn stored(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Remembers a choice; where storage is forbidden, it lasts as long as the page.
pub(super) fn store(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        drop(storage.set_item(key, value));
    }
}

/// Remembers it no more.
pub(super) fn forget(key: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        drop(storage.remove_item(key));
    }
}
