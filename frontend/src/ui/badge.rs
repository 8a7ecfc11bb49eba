//! A state in a word.

use leptos::prelude::*;

/// How a state feels. The words say it too: colour alone tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Neither good nor bad.
    Plain,
    /// As it should be.
    Good,
    /// On its way.
    Working,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
}

/// A dot that says that something is new.
#[component]
pub fn Dot(text: &'static str) -> impl IntoView {
    view! { <span class="dot" role="img" aria-label=text title=text></span> }
}

/// A state in a word.
#[component]
pub fn Badge(tone: Tone, text: &'static str) -> impl IntoView {
    let class = match tone {
        Tone::Plain => "badge",
        Tone::Good => "badge badge-good",
        Tone::Working => "badge badge-info badge-working",
        Tone::Warn => "badge badge-warn",
        Tone::Bad => "badge badge-bad",
    };
    view! { <span class=class>{text}</span> }
}
