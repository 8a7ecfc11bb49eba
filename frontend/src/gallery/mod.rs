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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    /// Looks like what it shows or hides.
    const WITHOUT_LOOKS: [&str; 1] = ["Show"];

    /// The text of every Rust file in a folder of the sources.
    fn sources(folder: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
            .map(|file| fs::read_to_string(file).unwrap())
            .collect()
    }

    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split(|character: char| !character.is_alphanumeric() && character != '_')
    }

    #[test]
    fn every_component_has_a_piece() {
        let ui = sources("ui");
        let is_component = |name: &str| ui.iter().any(|file| file.contains(&format!("#[component]\npub fn {name}(")));
        let exported = include_str!("../ui/mod.rs").lines().filter(|line| line.starts_with("pub use ")).flat_map(words);
        let components: Vec<_> = exported.filter(|name| is_component(name)).collect();
        assert!(components.len() > 15, "{components:?}");
        let gallery = sources("gallery");
        let names = gallery
            .iter()
            .flat_map(|file| file.split("Piece {").skip(1))
            .filter_map(|piece| piece.trim_start().strip_prefix("name: \"")?.split('"').next());
        let shown: Vec<_> = names.flat_map(words).collect();
        let missing: Vec<_> = components.into_iter().filter(|name| !shown.contains(name)).collect();
        assert_eq!(missing, WITHOUT_LOOKS);
    }
}
