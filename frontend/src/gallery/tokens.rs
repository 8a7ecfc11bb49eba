//! The tokens, read from their style sheet: a new one shows by itself.

use super::Piece;
use crate::ui::Drawn;
use leptos::prelude::*;

const SHEET: &str = include_str!("../../styles/tokens.css");

/// Name and value of every token, each once.
fn all() -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for line in SHEET.lines() {
        let token = line.trim().strip_prefix("--").and_then(|rest| rest.trim_end_matches(';').split_once(": "));
        if let Some(token) = token.filter(|(name, _)| found.iter().all(|(known, _)| known != name)) {
            found.push(token);
        }
    }
    found
}

/// Colours, sizes of text, spaces, corners and shadows.
pub fn pieces() -> Vec<Piece> {
    let of = |wanted: fn(&str, &str) -> bool, draw: fn(&'static str, &'static str) -> AnyView| {
        let tokens = all().into_iter().filter(|(name, value)| wanted(name, value));
        tokens.map(|(name, value)| draw(name, value)).drawn().into_any()
    };
    let one = |name, view: AnyView| Piece { name, states: vec![("", view)] };
    vec![
        one("colours", view! { <ul class="gallery-tokens" role="list">{of(is_colour, colour)}</ul> }.into_any()),
        one(
            "text",
            view! { <ul class="stack-tight" role="list">{of(|name, _| name.starts_with("text-"), text)}</ul> }
                .into_any(),
        ),
        one(
            "space",
            view! { <ul class="stack-tight" role="list">{of(|name, _| name.starts_with("space-"), space)}</ul> }
                .into_any(),
        ),
        one(
            "corners and shadows",
            view! { <ul class="gallery-tokens" role="list">{of(is_shape, shape)}</ul> }.into_any(),
        ),
        one("others", view! { <ul class="stack-tight" role="list">{of(is_other, other)}</ul> }.into_any()),
    ]
}

fn is_colour(name: &str, value: &str) -> bool {
    (value.starts_with("light-dark(") || value.starts_with('#')) && !is_shape(name, value)
}

fn is_shape(name: &str, _: &str) -> bool {
    name.starts_with("radius-") || name.starts_with("shadow-")
}

fn is_other(name: &str, value: &str) -> bool {
    let shown = name.starts_with("text-") || name.starts_with("space-");
    !shown && !is_colour(name, value) && !is_shape(name, value)
}

fn colour(name: &'static str, value: &'static str) -> AnyView {
    view! {
        <li class="gallery-token">
            <span class="gallery-swatch" style:background=format!("var(--{name})")></span>
            <code>{name}</code>
            <span class="faint small break">{value}</span>
        </li>
    }
    .into_any()
}

fn text(name: &'static str, value: &'static str) -> AnyView {
    view! { <li style:font-size=format!("var(--{name})")>{format!("{name}, {value}: Blocked list 配信停止リスト")}</li> }
        .into_any()
}

fn space(name: &'static str, value: &'static str) -> AnyView {
    view! {
        <li class="row">
            <span class="gallery-space" style:inline-size=format!("var(--{name})")></span>
            <code>{name}</code><span class="faint small">{value}</span>
        </li>
    }
    .into_any()
}

fn shape(name: &'static str, value: &'static str) -> AnyView {
    let own = |kind: &str| if name.starts_with(kind) { format!("var(--{name})") } else { String::new() };
    view! {
        <li class="gallery-token">
            <span class="gallery-swatch" style:border-radius=own("radius-") style:box-shadow=own("shadow-")></span>
            <code>{name}</code>
            <span class="faint small break">{value}</span>
        </li>
    }
    .into_any()
}

fn other(name: &'static str, value: &'static str) -> AnyView {
    view! { <li><code>{name}</code>" "<span class="faint small break">{value}</span></li> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn every_token_is_found_once() {
        let found = all();
        for name in ["font", "text-md", "space-4", "radius-lg", "surface", "veil", "shadow-lg", "quick"] {
            assert_eq!(found.iter().filter(|(known, _)| *known == name).count(), 1, "{name}");
        }
    }
}
