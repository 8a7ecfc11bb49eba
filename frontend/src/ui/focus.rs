//! Where the keyboard is.

use leptos::{ev, html::ElementType, prelude::*};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, FocusOptions, HtmlElement, MutationObserver, MutationObserverInit};

/// Gives the focus to a heading as soon as the page is drawn anew.
pub fn focus<E>(heading: NodeRef<E>)
where
    E: ElementType + 'static,
    E::Output: JsCast + Clone + 'static,
{
    request_animation_frame(move || {
        if let Some(heading) = heading.get_untracked() {
            // Focusing an element of the page cannot fail.
            drop(heading.unchecked_ref::<HtmlElement>().focus());
        }
    });
}

/// The element that has the focus, what it stands in from the inside to the outside, and at last the page's main part.
type Trail = Vec<Element>;

/// Where the focus is, and where it was before it went into a dialog.
#[derive(Default)]
struct Places {
    here: Trail,
    outside: Trail,
    in_dialog: bool,
}

/// Keeps the focus for as long as the page is there: when what has it is taken away, the row of a released address for
/// example, the browser would go on from the beginning of the page. It goes to the nearest thing that is left instead.
pub fn keep_focus() {
    let places = Rc::new(RefCell::new(Places::default()));
    let seen = Rc::clone(&places);
    // Both are there as long as the page is.
    drop(window_event_listener(ev::focusin, move |event| {
        if let Some(element) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
            seen.borrow_mut().enter(element);
        }
    }));
    let changed = Closure::<dyn FnMut()>::new(move || {
        // Not borrowed while it moves: the move is told above.
        let lost = places.borrow().lost();
        if let Some(place) = lost {
            go(&place);
        }
    });
    let options = MutationObserverInit::new();
    options.set_child_list(true);
    options.set_subtree(true);
    if let (Ok(observer), Some(body)) = (MutationObserver::new(changed.as_ref().unchecked_ref()), document().body()) {
        drop(observer.observe_with_options(&body, &options));
        changed.forget();
    }
}

impl Places {
    fn enter(&mut self, element: Element) {
        let in_dialog = stands_in(&element, "dialog");
        if in_dialog && !self.in_dialog {
            self.outside = std::mem::take(&mut self.here);
        }
        self.in_dialog = in_dialog;
        let main = document().query_selector("main").ok().flatten();
        self.here = std::iter::successors(Some(element), |inner| inner.parent_element()).chain(main).collect();
    }

    /// Where the focus goes, if what had it is no more.
    fn lost(&self) -> Option<Element> {
        let active = document().active_element();
        let elsewhere = active.is_some_and(|active| active.tag_name() != "BODY");
        if elsewhere || self.here.first().is_none_or(is_here) {
            return None;
        }
        let dialog = self.here.iter().find(|element| element.tag_name() == "DIALOG");
        let trail = if self.in_dialog && !dialog.is_some_and(is_here) { &self.outside } else { &self.here };
        let before = trail.first().filter(|element| is_here(element)).cloned();
        before.or_else(|| trail.iter().filter(|element| is_here(element)).find_map(place))
    }
}

/// Whether an element is still in the page, and in no dialog that has been closed.
fn is_here(element: &Element) -> bool {
    element.is_connected() && !stands_in(element, "dialog:not([open])")
}

fn stands_in(element: &Element, what: &str) -> bool {
    matches!(element.closest(what), Ok(Some(_)))
}

/// The list in an element that is left, or the element itself if it can have the focus.
fn place(element: &Element) -> Option<Element> {
    if matches!(element.tag_name().as_str(), "BODY" | "HTML") {
        return None;
    }
    let itself = element.matches("[tabindex], dialog, .table-frame").unwrap_or(false).then(|| element.clone());
    itself.or_else(|| element.query_selector(".table-frame").ok().flatten())
}

fn go(place: &Element) {
    if !place.has_attribute("tabindex") {
        drop(place.set_attribute("tabindex", "-1"));
    }
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    drop(place.unchecked_ref::<HtmlElement>().focus_with_options(&options));
}
