//! What a page reads as a whole, with its states.

use crate::{
    reactive::memo,
    state::{Loader, explain, texts},
    ui::{Failure, Notice, Skeleton, Tone},
};
use leptos::prelude::*;

/// Draws what was read, anew where it changed. What could not be read again stays, with a word that it is old.
pub fn whole<T>(loader: Loader<T>, draw: impl Fn(T) -> AnyView + Send + Sync + 'static) -> AnyView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let texts = texts();
    // What is read again and is the same stays as it is, with what is chosen and open in it.
    let data = memo(move |_| loader.data.get());
    let content = move || match (data.get(), loader.error.get()) {
        (Some(data), error) => {
            let stale = error.map(|error| view! { <Notice tone=Tone::Warn>{explain(texts, &error)}</Notice> });
            view! { {stale}{draw(data)} }.into_any()
        }
        (None, Some(error)) => view! {
            <div class="table-frame">
                <Failure text=explain(texts, &error) again=texts.try_again press=move |()| loader.reload()/>
            </div>
        }
        .into_any(),
        (None, None) => view! { <div class="table-frame"><Skeleton label=texts.loading/></div> }.into_any(),
    };
    view! { <div class="stack" aria-busy=move || loader.busy.get().to_string()>{content}</div> }.into_any()
}
