//! The bar at the top: tabs, language, theme, sign out.

use crate::{
    i18n::Language,
    paths::{self, Section},
    state::{Pending, Preferences, Session, Theme, client, explain, texts},
    ui::{Button, Icon, Kind, Select, Shape, Toasts},
};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    components::A,
    hooks::{use_location, use_navigate},
};

/// The bar at the top.
#[component]
pub fn Topbar() -> impl IntoView {
    let (texts, session, client, toasts) = (texts(), expect_context::<Session>(), client(), Toasts::here());
    let path = use_location().pathname;
    let tabs = move || {
        let configuration = paths::configuration_at(&path.get())?;
        let report = Section::at(&path.get()).is_some_and(Section::is_report);
        let current = |is: bool| is.then_some("page");
        Some(view! {
            <nav class="tabs" aria-label=texts.tabs>
                <a href=Section::BlockedList.of(configuration) aria-current=current(!report)>{texts.tab_blocked}</a>
                <a href=Section::ErrorLog.of(configuration) aria-current=current(report)>{texts.tab_report}</a>
            </nav>
        })
    };
    let (leaving, navigate) = (Pending::new(), use_navigate());
    let sign_out = move |()| {
        let navigate = navigate.clone();
        leaving.start(async move {
            match client.sign_out().await {
                Ok(()) => navigate(paths::SIGN_IN, NavigateOptions::default()),
                Err(error) => toasts.bad(explain(texts, &error)),
            }
        });
    };
    view! {
        <header class="topbar">
            <A href=paths::HOME attr:class="brand">
                <span class="brand-mark"><Icon shape=Shape::Brand size=22/></span>
                <span>"Stoplist"</span>
            </A>
            {tabs}
            <div class="topbar-end">
                <span class="who">{move || session.me().map(|me| me.email)}</span>
                <A href=paths::MY_ACCOUNT attr:class="button button-quiet button-small">{texts.people.settings}</A>
                <Choices/>
                <Button small=true kind=Kind::Quiet busy=leaving.busy() press=sign_out>{texts.sign_out}</Button>
            </div>
        </header>
    }
    .into_any()
}

/// Language and theme.
#[component]
pub fn Choices() -> impl IntoView {
    let (texts, preferences) = (texts(), expect_context::<Preferences>());
    let languages = Language::ALL.into_iter().map(|language| (language.tag(), language.own_name())).collect::<Vec<_>>();
    let speak = move |tag: String| {
        if let Some(language) = Language::of_tag(&tag) {
            preferences.speak(language);
        }
    };
    let words = |theme| match theme {
        Theme::System => texts.theme_system,
        Theme::Light => texts.theme_light,
        Theme::Dark => texts.theme_dark,
    };
    let themes = Theme::ALL.into_iter().map(|theme| (theme.name(), words(theme))).collect::<Vec<_>>();
    let look = move |name: String| {
        if let Some(theme) = Theme::ALL.into_iter().find(|theme| theme.name() == name) {
            preferences.look(theme);
        }
    };
    view! {
        <Select
            id="language" label=texts.language compact=true options=languages choose=speak
            value=Signal::derive(move || preferences.language.get().tag().to_owned())
        />
        <Select
            id="theme" label=texts.theme compact=true options=themes choose=look
            value=Signal::derive(move || preferences.theme.get().name().to_owned())
        />
    }
}
