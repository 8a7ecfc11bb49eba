//! The bar at the top: tabs, language, theme, sign out.

use crate::{
    i18n::Language,
    pages::Confirm,
    paths::{self, Section},
    reactive::memo,
    router::Router,
    state::{Configurations, Inquiries, Outbox, Pending, Preferences, Session, Theme, texts},
    ui::{Button, Dot, Icon, Kind, Select, Shape, Show, Toasts},
};
use futures::future::FutureExt;
use leptos::prelude::*;
use shared::inquiry::InquirySide;
use uuid::Uuid;

/// The bar at the top.
#[component]
pub fn Topbar() -> impl IntoView {
    let (texts, session, toasts) = (texts(), expect_context::<Session>(), Toasts::here());
    let (leaving, router) = (Pending::new(), Router::here());
    let (outbox, asking) = (Outbox::here(), RwSignal::new(false));
    let sign_out = Callback::new(move |()| {
        leaving.start(async move {
            if session.sign_out().await.is_err() {
                toasts.bad(texts.people.sign_out_later);
            }
            router.go(paths::SIGN_IN);
        });
    });
    let ask = move |()| if untrack(|| outbox.is_active()) { asking.set(true) } else { sign_out.run(()) };
    let confirmed = move |()| {
        sign_out.run(());
        async { Ok(()) }.boxed_local()
    };
    view! {
        <header class="topbar">
            <a href=paths::HOME class="brand">
                <span class="brand-mark"><Icon shape=Shape::Brand size=22/></span>
                <span>"Stoplist"</span>
            </a>
            <Tabs/>
            <div class="topbar-end">
                <span class="who">{move || session.me().map(|me| me.email)}</span>
                <a href=paths::MY_ACCOUNT class="button button-quiet button-small">{texts.people.settings}</a>
                <Choices/>
                <Button small=true kind=Kind::Quiet busy=leaving.busy() press=ask>{texts.sign_out}</Button>
            </div>
        </header>
        <Confirm open=asking title=texts.uploads.sign_out_title confirm=texts.sign_out kind=Kind::Danger act=confirmed>
            <p>{texts.uploads.sign_out_text}</p>
        </Confirm>
    }
    .into_any()
}

/// Blocked and Delivery report, of the server configuration that is open, was open last, or is the first; inquiries.
#[component]
fn Tabs() -> impl IntoView {
    let (texts, path) = (texts(), Router::here().path);
    let (session, inquiries) = (expect_context::<Session>(), expect_context::<Inquiries>());
    let Configurations(loader) = expect_context();
    let last = memo(move |before: Option<&Option<Uuid>>| {
        path.with(|path| paths::configuration_at(path)).or_else(|| before.copied().flatten())
    });
    let first = move || loader.data.with(|all| Some(all.as_ref()?.first()?.id));
    let configuration = memo(move |_| last.get().or_else(first));
    let tab = move |to: String, words: &'static str, shows: fn(&str) -> bool| {
        let current = move || path.with(|path| shows(path)).then_some("page");
        view! { <a href=to aria-current=current>{words}</a> }.into_any()
    };
    let sections = move || {
        configuration.get().map(|id| {
            let blocked = tab(Section::BlockedList.of(id), texts.tab_blocked, |path| {
                Section::at(path).is_some_and(|section| !section.is_report())
            });
            let report = |path: &str| Section::at(path).is_some_and(Section::is_report);
            [blocked, tab(Section::Overview.of(id), texts.tab_report, report)]
        })
    };
    let staff = inquiries.side == InquirySide::Provider;
    let current = move || path.with(|path| paths::inquiries_at(path).is_some()).then_some("page");
    view! {
        <nav class="tabs" aria-label=texts.tabs>
            {sections}
            {staff.then(|| tab(paths::PROVIDER.to_owned(), texts.accounts, paths::is_accounts))}
            <a href=paths::inquiries(inquiries.side) aria-current=current>
                {texts.inquiries.inquiries}
                <Show when=move || inquiries.unread() && session.may_inquire()><Dot text=texts.inquiries.unread/></Show>
            </a>
        </nav>
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
