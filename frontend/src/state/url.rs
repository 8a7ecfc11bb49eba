//! A page's state in its URL: a link or a reload shows the same page.

use crate::reactive::memo;
use leptos::{leptos_dom::helpers::debounce, prelude::*};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_params_map, use_url},
};
use std::time::Duration;
use uuid::Uuid;
use web_sys::UrlSearchParams;

/// How long typing pauses before a search starts.
const TYPING: Duration = Duration::from_millis(250);

type Go = Box<dyn Fn(&str, NavigateOptions) + Send + Sync>;

/// The id in the page's path, by its name in the route.
pub fn id_in_path(name: &'static str) -> Memo<Uuid> {
    let params = use_params_map();
    memo(move |before: Option<&Uuid>| {
        let named = params.with(|params| params.get(name).and_then(|id| id.parse().ok()));
        // While the page is being left the parameter is gone already.
        named.or(before.copied()).unwrap_or_default()
    })
}

/// The query of the page's URL, as the browser reads it: the router's own map decodes twice, and so loses the plus of an
/// address that was encoded.
#[derive(Clone, Copy)]
pub struct Url {
    query: Memo<String>,
    path: Memo<String>,
    go: StoredValue<Go>,
}

impl Url {
    /// The current page's.
    pub fn current() -> Self {
        // The route's, which keeps what it had while another page is on its way.
        let (go, url) = (use_navigate(), use_url());
        Self {
            query: memo(move |_| url.with(|url| url.search().to_owned())),
            path: use_location().pathname,
            go: StoredValue::new(Box::new(move |to: &str, options: NavigateOptions| go(to, options))),
        }
    }

    /// A parameter; empty when it is absent.
    pub fn get(self, name: &str) -> String {
        self.query.with(|query| parameters(query).and_then(|query| query.get(name)).unwrap_or_default())
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
        let Some(query) = self.query.with_untracked(|query| parameters(query)) else { return };
        for (name, value) in pairs {
            query.delete(name);
            if !value.is_empty() {
                query.append(name, value);
            }
        }
        let (path, query) = (self.path.get_untracked(), String::from(query.to_string()));
        let to = if query.is_empty() { path } else { format!("{path}?{query}") };
        self.navigate(&to, replace);
    }

    fn navigate(self, to: &str, replace: bool) {
        let options = NavigateOptions { replace, scroll: !replace, resolve: false, ..NavigateOptions::default() };
        self.go.with_value(|go| go(to, options));
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
