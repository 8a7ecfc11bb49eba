//! A page's state in its URL: a link or a reload shows the same page.

use crate::{
    paths::DIALOG,
    reactive::{effect, memo},
    router::Router,
};
use leptos::{leptos_dom::helpers::debounce, prelude::*};
use std::time::Duration;
use uuid::Uuid;
use web_sys::UrlSearchParams;

/// How long typing pauses before a search starts.
const TYPING: Duration = Duration::from_millis(250);

/// How an address follows another in the browser's history.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// In its place.
    Instead,
    /// After it, at the same height of the page.
    Beside,
    /// After it, from the page's beginning.
    Forth,
}

/// The id in the page's path, by its name in the route.
pub fn id_in_path(name: &'static str) -> Memo<Uuid> {
    let named = Router::here().parameter(name);
    memo(move |_| named.with(|id| id.parse().unwrap_or_default()))
}

/// The query of the page's URL.
#[derive(Clone, Copy)]
pub struct Url {
    query: Memo<String>,
    router: Router,
}

impl Url {
    /// The current page's.
    pub fn current() -> Self {
        let router = Router::here();
        Self { query: router.query(), router }
    }

    /// A parameter; empty when it is absent.
    pub fn get(self, name: &str) -> String {
        self.query.with(|query| parameters(query).and_then(|query| query.get(name)).unwrap_or_default())
    }

    /// Sets a filter to what was typed so far: an empty value removes it, and the list starts at its first page. The
    /// browser's Back does not go through what was typed.
    pub fn typed(self, name: &str, value: &str) {
        self.change(&[(name, value), ("cursor", "")], Step::Instead);
    }

    /// Sets a filter to what was chosen; the browser's Back undoes it.
    pub fn choose(self, name: &str, value: &str) {
        self.choose_all(&[(name, value)]);
    }

    /// Sets several filters at once.
    pub fn choose_all(self, pairs: &[(&str, &str)]) {
        let pairs: Vec<_> = pairs.iter().copied().chain([("cursor", "")]).collect();
        self.change(&pairs, Step::Beside);
    }

    /// Whether the dialog of this name is open. The address says it: a link opens the dialog, the browser's Back closes it and
    /// Forward opens it again.
    ///
    /// So has every dialog that its name is enough for. No links are: what is ticked, what is typed in a dialog, questions
    /// before something is done and dialogs about a row of a list, which may be another one by then, and what is shown only
    /// once.
    pub fn dialog(self, name: &'static str) -> RwSignal<bool> {
        let open = RwSignal::new(untrack(|| self.get(DIALOG) == name));
        // Whether the page was there without it just before.
        let opened_here = StoredValue::new(false);
        // Whether the browser is on its way back there.
        let leaving = StoredValue::new(false);
        effect(move || {
            let named = self.get(DIALOG) == name;
            if !named && leaving.try_update_value(std::mem::take) == Some(true) && open.get_untracked() {
                // Opened again meanwhile.
                self.change(&[(DIALOG, name)], Step::Beside);
            } else if named != open.get_untracked() {
                open.set(named);
            }
        });
        let mut before = open.get_untracked();
        effect(move || {
            let open = open.get();
            // A dialog tells of its closing more than once, and the address follows a little later.
            if std::mem::replace(&mut before, open) == open {
                return;
            }
            // The browser's own address: it is ahead of the router's.
            let query = window().location().search().unwrap_or_default();
            if open == (parameters(&query).and_then(|query| query.get(DIALOG)).as_deref() == Some(name)) {
                return;
            }
            if open {
                opened_here.set_value(true);
                leaving.set_value(false);
                self.change(&[(DIALOG, name)], Step::Beside);
            } else if opened_here.get_value() {
                leaving.set_value(true);
                // Fails only where a page has no history.
                drop(window().history().and_then(|history| history.back()));
            } else {
                self.change(&[(DIALOG, "")], Step::Instead);
            }
        });
        open
    }

    /// Goes to another page of a list; the browser's Back returns.
    pub fn page(self, cursor: &str) {
        self.change(&[("cursor", cursor)], Step::Forth);
    }

    /// Removes every filter.
    pub fn clear(self) {
        let path = self.router.path.get_untracked();
        self.navigate(&path, Step::Beside);
    }

    fn change(self, pairs: &[(&str, &str)], step: Step) {
        let Some(query) = self.query.with_untracked(|query| parameters(query)) else { return };
        for (name, value) in pairs {
            query.delete(name);
            if !value.is_empty() {
                query.append(name, value);
            }
        }
        let (path, query) = (self.router.path.get_untracked(), String::from(query.to_string()));
        let to = if query.is_empty() { path } else { format!("{path}?{query}") };
        self.navigate(&to, step);
    }

    fn navigate(self, to: &str, step: Step) {
        self.router.navigate(to, step == Step::Instead, step == Step::Forth);
    }
}

/// The parameters of a query; every text is one for the browser.
fn parameters(query: &str) -> Option<UrlSearchParams> {
    UrlSearchParams::new_with_str(query).ok()
}

/// Calls `act` once typing pauses.
pub fn debounced(act: impl Fn(String) + 'static) -> impl FnMut(String) {
    debounce(TYPING, act)
}
