//! Which address shows what, and going there.
//!
//! Leptos' own router keeps every address that was visited and a part of every page that was drawn, for as long as the
//! console lasts.

use crate::reactive::memo;
use leptos::{ev, prelude::*};
use std::ptr;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement};

/// A page, or a frame around pages.
pub struct Route {
    /// The path, after that of the frame; a segment that begins with `:` is a parameter.
    pub path: &'static str,
    /// What draws it.
    pub view: fn() -> AnyView,
    /// What it is the frame of: of several that fit an address the first one is shown. A page has none.
    pub inside: &'static [Self],
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

/// The frames and the page that an address shows, the outermost first; empty: there is no such page.
type Shown = Vec<&'static Route>;

/// Where somebody is in the console.
#[derive(Clone, Copy)]
pub struct Router {
    routes: &'static [Route],
    /// The path of the page's address.
    pub path: RwSignal<String>,
    query: RwSignal<String>,
    shown: RwSignal<Shown>,
}

/// Where a component is: in this route, with so many frames around it.
#[derive(Clone, Copy)]
struct Place {
    route: &'static Route,
    level: usize,
}

impl Router {
    /// At the browser's address; follows its links and its history for as long as the page is there.
    pub fn start(routes: &'static [Route]) -> Self {
        let router = Self {
            routes,
            path: RwSignal::new(String::new()),
            query: RwSignal::new(String::new()),
            shown: RwSignal::new(Vec::new()),
        };
        router.arrive();
        drop(window_event_listener(ev::popstate, move |_| router.arrive()));
        drop(window_event_listener(ev::click, move |event| {
            if let Some(to) = followed(&event) {
                event.prevent_default();
                router.go(&to);
            }
        }));
        router
    }

    /// The console's.
    pub fn here() -> Self {
        expect_context::<Self>()
    }

    /// Goes to an address of the console; the browser's Back returns.
    pub fn go(self, to: &str) {
        self.navigate(to, false, true);
    }

    /// Goes to an address in place of this one.
    pub fn go_instead(self, to: &str) {
        self.navigate(to, true, true);
    }

    /// Goes to an address, `instead` of this one or after it, and to the `top` of the page or to the same height of it.
    pub fn navigate(self, to: &str, instead: bool, top: bool) {
        // Fails only for an address of another site, which is none of the console.
        if let Ok(history) = window().history() {
            drop(if instead || to == here() {
                history.replace_state_with_url(&JsValue::NULL, "", Some(to))
            } else {
                history.push_state_with_url(&JsValue::NULL, "", Some(to))
            });
        }
        self.arrive();
        if top {
            window().scroll_to_with_x_and_y(0.0, 0.0);
        }
    }

    /// Shows what is at the browser's address.
    fn arrive(self) {
        let location = window().location();
        let path = location.pathname().unwrap_or_default();
        let shown = find(self.routes, &segments(&path).collect::<Vec<_>>()).unwrap_or_default();
        // All at once: nobody looks before the end of the browser's event.
        change(self.query, location.search().unwrap_or_default());
        change(self.path, path);
        change(self.shown, shown);
    }

    /// A parameter of this component's path, as long as the route that it is in is shown.
    pub fn parameter(self, name: &'static str) -> Memo<String> {
        self.while_here(move || {
            let of = self.shown.with(|shown| {
                shown.iter().flat_map(|route| segments(route.path)).position(|one| one.strip_prefix(':') == Some(name))
            });
            self.path.with(|path| segments(path).nth(of?).map(str::to_owned)).unwrap_or_default()
        })
    }

    /// The query of this component's address without its question mark, as long as the route that it is in is shown.
    pub fn query(self) -> Memo<String> {
        self.while_here(move || self.query.with(|query| query.trim_start_matches('?').to_owned()))
    }

    /// What `read` says of the address, and said last when a component is about to go away: the next page's address is not
    /// its own.
    fn while_here(self, read: impl Fn() -> String + Send + Sync + 'static) -> Memo<String> {
        let place = use_context::<Place>();
        let is_here = move || place.is_none_or(|Place { route, level }| self.at(level) == Some(route));
        memo(move |before: Option<&String>| before.filter(|_| !is_here()).cloned().unwrap_or_else(&read))
    }

    fn at(self, level: usize) -> Option<&'static Route> {
        self.shown.with(|shown| shown.get(level).copied())
    }
}

/// Tells only of what is something else.
fn change<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|before| *before != value) {
        signal.set(value);
    }
}

/// The page's address without what follows the `#`.
fn here() -> String {
    let location = window().location();
    [location.pathname(), location.search()].into_iter().filter_map(Result::ok).collect()
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn find(routes: &'static [Route], path: &[&str]) -> Option<Shown> {
    routes.iter().find_map(|route| {
        let mut rest = path.iter();
        let fits = segments(route.path)
            .all(|segment| rest.next().is_some_and(|one| segment.starts_with(':') || segment == *one));
        let inside = match rest.as_slice() {
            _ if !fits => return None,
            [] if route.inside.is_empty() => Vec::new(),
            rest => find(route.inside, rest)?,
        };
        Some([route].into_iter().chain(inside).collect())
    })
}

/// The address of the link that was clicked, if it is one of the console and to be followed in this window.
fn followed(event: &ev::MouseEvent) -> Option<String> {
    let otherwise = event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key() || event.button() != 0;
    if otherwise || event.default_prevented() {
        return None;
    }
    let link = event
        .target()?
        .dyn_into::<Element>()
        .ok()?
        .closest("a[href]:not([download], [target], [href^='#'])")
        .ok()??;
    let link = link.dyn_into::<HtmlAnchorElement>().ok()?;
    (link.origin() == window().location().origin().ok()?).then(|| link.pathname() + &link.search())
}

/// What is inside of a frame, or of the console: the next frame or the page.
#[component]
pub fn Outlet(
    /// What is drawn where nothing is.
    #[prop(optional)]
    otherwise: Option<fn() -> AnyView>,
) -> impl IntoView {
    let (router, around) = (Router::here(), use_context::<Place>());
    let level = around.map_or(0, |place| place.level + 1);
    let shown = memo(move |before: Option<&Option<&'static Route>>| match around {
        // About to go away with its frame.
        Some(place) if router.at(place.level) != Some(place.route) => before.copied().flatten(),
        _ => router.at(level),
    });
    (move || match shown.get() {
        Some(route) => {
            provide_context(Place { route, level });
            (route.view)()
        }
        None => otherwise.map(|draw| draw()).into_any(),
    })
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn page(path: &'static str) -> Route {
        Route { path, view: || ().into_any(), inside: &[] }
    }

    static ROUTES: [Route; 2] = [
        page("/sign-in"),
        Route {
            path: "",
            view: || ().into_any(),
            inside: &[
                page("/"),
                Route {
                    path: "/of/:one",
                    view: || ().into_any(),
                    inside: &[page(""), page("list/new"), page("list/:two")],
                },
            ],
        },
    ];

    fn found(path: &str) -> Option<Vec<&'static str>> {
        let shown = find(&ROUTES, &segments(path).collect::<Vec<_>>())?;
        Some(shown.iter().map(|route| route.path).collect())
    }

    #[test]
    fn an_address_shows_a_page_in_its_frames() {
        assert_eq!(found("/sign-in"), Some(vec!["/sign-in"]));
        assert_eq!(found("/"), Some(vec!["", "/"]));
        assert_eq!(found("/of/1"), Some(vec!["", "/of/:one", ""]));
        assert_eq!(found("/of/1/list/2/"), Some(vec!["", "/of/:one", "list/:two"]));
    }

    #[test]
    fn the_first_page_that_fits_is_shown() {
        assert_eq!(found("/of/1/list/new"), Some(vec!["", "/of/:one", "list/new"]));
    }

    #[test]
    fn what_no_page_fits_shows_none() {
        for path in ["/of", "/of/1/list", "/of/1/list/2/3", "/sign-in/now", "/else"] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
