//! Short messages about what has just been done.

use super::{Icon, Shape};
use leptos::prelude::*;
use std::time::Duration;

/// How long good news stay. Bad news stay until they are closed.
const SHOWN: Duration = Duration::from_secs(6);

#[derive(Clone, PartialEq)]
struct Toast {
    id: u32,
    good: bool,
    text: String,
}

/// The messages that are shown.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toasts {
    /// No messages.
    pub fn new() -> Self {
        Self { shown: RwSignal::new(Vec::new()), next: StoredValue::new(0) }
    }

    /// The page's.
    pub fn here() -> Self {
        expect_context::<Self>()
    }

    /// Says that something worked.
    pub fn good(self, text: impl Into<String>) {
        let id = self.add(true, text.into());
        set_timeout(move || self.remove(id), SHOWN);
    }

    /// Says that something failed.
    pub fn bad(self, text: impl Into<String>) {
        self.add(false, text.into());
    }

    fn add(self, good: bool, text: String) -> u32 {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.shown.update(|shown| shown.push(Toast { id, good, text }));
        id
    }

    fn remove(self, id: u32) {
        self.shown.update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// Where the messages appear; a screen reader reads them out.
#[component]
pub fn ToastRegion(
    /// What the closing button is called.
    close: &'static str,
) -> impl IntoView {
    let toasts = Toasts::here();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.shown.get() key=|toast| toast.id let:toast>
                <div class=if toast.good { "toast toast-good" } else { "toast toast-bad" }>
                    <span>{toast.text}</span>
                    <button
                        type="button" class="button button-quiet button-small" aria-label=close
                        on:click=move |_| toasts.remove(toast.id)
                    >
                        <Icon shape=Shape::Close size=14/>
                    </button>
                </div>
            </For>
        </div>
    }
}
