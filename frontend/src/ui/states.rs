//! Tables and the states between: loading, empty, failed.

use super::{Button, Drawn, Icon, Kind, Shape, Show, Tone};
use leptos::prelude::*;

/// A place where rows are being read.
#[component]
pub fn Skeleton(
    /// For screen readers.
    label: &'static str,
) -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span class="visually-hidden">{label}</span>
            {(0..6).map(|_| view! { <span></span> }).drawn()}
        </div>
    }
}

/// Nothing is here, and what to do.
#[component]
pub fn Empty(
    /// What is not here.
    title: &'static str,
    /// Why, or how to change that.
    text: &'static str,
    /// Whether it is all of the page: what is not here is the page's heading then.
    #[prop(optional)]
    alone: bool,
    /// A button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="state">
            <Icon shape=Shape::Empty size=28/>
            {if alone { view! { <h1>{title}</h1> }.into_any() } else { view! { <h2>{title}</h2> }.into_any() }}
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
    .into_any()
}

/// Reading failed.
#[component]
pub fn Failure(
    /// What happened.
    text: String,
    /// The page's heading, where it is all of the page.
    #[prop(optional_no_strip)]
    heading: Option<&'static str>,
    /// The words on the button.
    again: &'static str,
    /// What it does.
    #[prop(into)]
    press: Callback<()>,
) -> impl IntoView {
    view! {
        <div class="state" role="alert">
            <Icon shape=Shape::Warning size=28/>
            {heading.map(|heading| view! { <h1>{heading}</h1> })}
            <p>{text}</p>
            <Button press>{again}</Button>
        </div>
    }
    .into_any()
}

/// Something worth saying inside a page.
#[component]
pub fn Notice(
    /// How it feels.
    tone: Tone,
    /// What it says.
    children: Children,
) -> impl IntoView {
    let (class, shape) = match tone {
        Tone::Plain | Tone::Working => ("notice", Shape::Warning),
        Tone::Good => ("notice notice-good", Shape::Done),
        Tone::Warn => ("notice notice-warn", Shape::Warning),
        Tone::Bad => ("notice notice-bad", Shape::Warning),
    };
    view! { <div class=class role="status"><Icon shape/><div>{children()}</div></div> }
}

/// A table with its head. It scrolls by itself where it is too wide, also by keyboard.
#[component]
pub fn Table(
    /// Its name.
    label: &'static str,
    /// The words of its head.
    head: Vec<&'static str>,
    /// Whether it is being read again.
    #[prop(into)]
    busy: Signal<bool>,
    /// The rows.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="table-frame" tabindex="0" role="region" aria-label=label aria-busy=move || busy.get().to_string()>
            <table>
                <thead><tr>{head.into_iter().map(|words| view! { <th scope="col">{words}</th> }).drawn()}</tr></thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// How many there are, and the way to the next page.
#[component]
pub fn Pager(
    /// How many rows match.
    #[prop(into)]
    total: Signal<String>,
    /// The cursor of the next page.
    #[prop(into)]
    next: Signal<Option<String>>,
    /// Whether this is not the first page.
    #[prop(into)]
    later: Signal<bool>,
    /// The words on the two buttons: first page, next page.
    words: (&'static str, &'static str),
    /// Goes to a cursor; empty is the first page.
    #[prop(into)]
    go: Callback<String>,
) -> impl IntoView {
    view! {
        <div class="pager">
            <span class="soft small" role="status">{move || total.get()}</span>
            <div class="row">
                <Show when=move || later.get()>
                    <Button small=true kind=Kind::Quiet press=move |()| go.run(String::new())>{words.0}</Button>
                </Show>
                {move || next.get().map(|cursor| view! {
                    <Button small=true press=move |()| go.run(cursor.clone())>{words.1}</Button>
                })}
            </div>
        </div>
    }
    .into_any()
}
