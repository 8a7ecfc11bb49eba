//! One thing, named by the page's address, with its states.

use crate::{
    api::ApiError,
    reactive::memo,
    state::{Loader, explain, texts},
    ui::{Empty, Failure, Skeleton},
};
use leptos::prelude::*;
use uuid::Uuid;

/// What the page shows; it is built anew only when this changes.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Loading,
    Failed,
    Unknown,
    One(Uuid),
}

/// Draws one thing: `unknown` is title and text where it is not there, `draw` draws it, once for each `id`.
pub fn single<T>(
    loader: Loader<T>,
    id: fn(&T) -> Uuid,
    unknown: (&'static str, &'static str),
    draw: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Send + Sync + 'static,
{
    let texts = texts();
    let shape = memo(move |_| {
        let error = loader.error.get();
        match loader.data.with(|one| one.as_ref().map(id)) {
            _ if error.as_ref().is_some_and(ApiError::is_gone) => Shape::Unknown,
            Some(id) => Shape::One(id),
            None if error.is_some() => Shape::Failed,
            None => Shape::Loading,
        }
    });
    let failure = move || loader.error.get().map(|error| explain(texts, &error)).unwrap_or_default();
    (move || match (shape.get(), loader.data.get_untracked()) {
        (Shape::One(_), Some(first)) => draw(first),
        (Shape::Unknown, _) => view! { <Empty title=unknown.0 text=unknown.1/> }.into_any(),
        (Shape::Failed, _) => {
            view! { <Failure text=failure() again=texts.try_again press=move |()| loader.reload()/> }.into_any()
        }
        _ => view! { <Skeleton label=texts.loading/> }.into_any(),
    })
    .into_any()
}
