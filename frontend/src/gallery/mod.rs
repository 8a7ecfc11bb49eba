//! Every building block of the console in every state, and the tokens that they are made of, on one page. In builds for
//! development only: `cargo xtask dev` turns the feature `gallery` on.

mod controls;
mod data;
mod feedback;
mod signs;
mod tokens;

use crate::{
    layout::Choices,
    ui::{Drawn, Icon, Shape},
};
use leptos::prelude::*;

/// Where it is.
const PATH: &str = "/gallery";

/// Whether an address is the gallery's.
pub fn is_at(path: &str) -> bool {
    path == PATH
}

/// A piece: its name in the code, and how it looks in each of its states.
struct Piece {
    name: &'static str,
    states: Vec<(&'static str, AnyView)>,
}

/// The page. Names are those of the code, words inside the pieces those of the console in the chosen language.
#[component]
pub fn Gallery() -> impl IntoView {
    let groups = [
        ("Tokens", tokens::pieces()),
        ("Controls", controls::pieces()),
        ("Signs", signs::pieces()),
        ("Data", data::pieces()),
        ("Feedback", feedback::pieces()),
    ];
    let contents = groups.iter().map(|(name, _)| view! { <a href=format!("#{name}")>{*name}</a> }).drawn();
    let groups = groups
        .into_iter()
        .map(|(name, pieces)| {
            view! {
                <section id=name class="stack" aria-label=name>
                    <h2>{name}</h2>
                    {pieces.into_iter().map(piece).drawn()}
                </section>
            }
        })
        .drawn();
    view! {
        <header class="topbar gallery-bar">
            <span class="brand"><span class="brand-mark"><Icon shape=Shape::Brand size=22/></span>"Gallery"</span>
            <nav class="tabs" aria-label="Groups">{contents}</nav>
            <div class="topbar-end"><Choices/></div>
        </header>
        <main class="main gallery">
            <h1>"Building blocks"</h1>
            {groups}
        </main>
    }
    .into_any()
}

fn piece(piece: Piece) -> AnyView {
    let state = |(name, view): (&'static str, AnyView)| {
        view! { <div class="gallery-state"><span class="faint small">{name}</span>{view}</div> }
    };
    view! {
        <article class="card" aria-label=piece.name>
            <h3><code>{piece.name}</code></h3>
            <div class="gallery-states">{piece.states.into_iter().map(state).drawn()}</div>
        </article>
    }
    .into_any()
}
