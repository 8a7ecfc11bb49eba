//! A page's state in its URL: a link or a reload shows the same page.

use leptos::{leptos_dom::helpers::debounce, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
    params::ParamsMap,
};
use std::time::Duration;

/// How long typing pauses before a search starts.
const TYPING: Duration = Duration::from_millis(250);

type Go = Box<dyn Fn(&str, NavigateOptions) + Send + Sync>;

/// The query of the page's URL.
#[derive(Clone, Copy)]
pub struct Url {
    query: Memo<ParamsMap>,
    path: Memo<String>,
    go: StoredValue<Go>,
}

impl Url {
    /// The current page's.
    pub fn current() -> Self {
        let go = use_navigate();
        Self {
            query: use_query_map(),
            path: use_location().pathname,
            go: StoredValue::new(Box::new(move |to: &str, options: NavigateOptions| go(to, options))),
        }
    }

    /// A parameter; empty when it is absent.
    pub fn get(self, name: &str) -> String {
        self.query.with(|query| query.get(name).unwrap_or_default())
    }

    /// Sets a filter: an empty value removes it, and the list starts at its first page.
    pub fn filter(self, name: &str, value: &str) {
        self.change(&[(name, value), ("cursor", "")], true);
    }

    /// Sets several filters at once.
    pub fn filters(self, pairs: &[(&str, &str)]) {
        let pairs: Vec<_> = pairs.iter().copied().chain([("cursor", "")]).collect();
        self.change(&pairs, true);
    }

    /// Goes to another page of a list; the browser's Back returns.
    pub fn page(self, cursor: &str) {
        self.change(&[("cursor", cursor)], false);
    }

    /// Removes every filter.
    pub fn clear(self) {
        let path = self.path.get_untracked();
        self.navigate(&path, true);
    }

    fn change(self, pairs: &[(&str, &str)], replace: bool) {
        let mut query = self.query.get_untracked();
        for (name, value) in pairs {
            query.remove(name);
            if !value.is_empty() {
                query.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        let to = format!("{}{}", self.path.get_untracked(), query.to_query_string());
        self.navigate(&to, replace);
    }

    fn navigate(self, to: &str, replace: bool) {
        let options = NavigateOptions { replace, scroll: !replace, resolve: false, ..NavigateOptions::default() };
        self.go.with_value(|go| go(to, options));
    }
}

/// Calls `act` once typing pauses.
pub fn debounced(act: impl Fn(String) + 'static) -> impl FnMut(String) {
    debounce(TYPING, act)
}
