//! Language and theme, kept in this browser.

use super::effect;
use crate::i18n::Language;
use leptos::prelude::*;

const LANGUAGE: &str = "stoplist.language";
const THEME: &str = "stoplist.theme";

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
}

impl Preferences {
    /// What this browser remembers, else the browser's language and the system's theme; keeps the document in step.
    pub fn restore() -> Self {
        let language = stored(LANGUAGE)
            .and_then(|tag| Language::of_tag(&tag))
            .or_else(|| window().navigator().language().and_then(|tag| Language::of_tag(&tag)))
            .unwrap_or(Language::English);
        let theme = stored(THEME).and_then(|name| Theme::ALL.into_iter().find(|theme| theme.name() == name));
        let preferences =
            Self { language: RwSignal::new(language), theme: RwSignal::new(theme.unwrap_or(Theme::System)) };
        effect(move || attribute("lang", preferences.language.get().tag()));
        effect(move || attribute("data-theme", preferences.theme.get().name()));
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
