//! Buttons.

use leptos::prelude::*;

/// What pressing a button means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the page is for.
    Primary,
    /// Something else.
    Plain,
    /// Something that takes away.
    Danger,
    /// Something beside the point.
    Quiet,
}

/// A button. While `busy` it stays focused and does nothing.
#[component]
pub fn Button(
    /// What pressing it means.
    #[prop(default = Kind::Plain)]
    kind: Kind,
    /// Submits its form instead of calling `press`.
    #[prop(optional)]
    submit: bool,
    /// Small, for table rows.
    #[prop(optional)]
    small: bool,
    /// As wide as its container.
    #[prop(optional)]
    wide: bool,
    /// Whether its work is going on.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// What pressing it does.
    #[prop(optional, into)]
    press: Option<Callback<()>>,
    /// Its name, where the words inside are not enough.
    #[prop(optional, into)]
    name: Option<Signal<String>>,
    /// The words.
    children: Children,
) -> impl IntoView {
    let mut class = String::from(match kind {
        Kind::Primary => "button button-primary",
        Kind::Plain => "button",
        Kind::Danger => "button button-danger",
        Kind::Quiet => "button button-quiet",
    });
    for (wanted, name) in [(small, " button-small"), (wide, " button-wide")] {
        if wanted {
            class.push_str(name);
        }
    }
    let pressed = move |event: leptos::ev::MouseEvent| {
        if busy.get_untracked() {
            event.prevent_default();
        } else if let Some(press) = press {
            press.run(());
        }
    };
    view! {
        <button
            type=if submit { "submit" } else { "button" } class=class aria-label=move || name.map(|name| name.get())
            aria-disabled=move || busy.get().then_some("true") on:click=pressed
        >
            {children()}
        </button>
    }
}
