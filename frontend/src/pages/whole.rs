//! What a page reads as a whole, with its states.

use crate::{
    reactive::memo,
    state::{Loader, explain, texts},
    ui::{Failure, Notice, Skeleton, Tone},
};
use leptos::prelude::*;

/// What stands where nothing was read yet: that it is being read, or why it cannot be. `heading` where it is all of the page.
pub fn unread<T>(loader: Loader<T>, heading: Option<&'static str>) -> AnyView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let texts = texts();
    match loader.error.get() {
        Some(error) => {
            let (text, press) = (explain(texts, &error), move |()| loader.reload());
            view! { <Failure heading text again=texts.try_again press/> }.into_any()
        }
        None => view! { <Skeleton label=texts.loading/> }.into_any(),
    }
}

/// Draws what was read; `draw` is called once and follows it. What could not be read again stays, with a word that it is old.
pub fn whole<T>(loader: Loader<T>, draw: impl Fn(Memo<T>) -> AnyView + Send + Sync + 'static) -> AnyView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let texts = texts();
    let known = memo(move |_| loader.data.with(Option::is_some));
    let stale = move || {
        let error = loader.error.get().filter(|_| known.get())?;
        Some(view! { <Notice tone=Tone::Warn>{explain(texts, &error)}</Notice> })
    };
    let content = move || match (known.get(), loader.data.get_untracked()) {
        // Where it goes, what is drawn goes next.
        (true, Some(first)) => draw(memo(move |_| loader.data.get().unwrap_or_else(|| first.clone()))),
        _ => view! { <div class="table-frame">{unread(loader, None)}</div> }.into_any(),
    };
    view! { <div class="stack" aria-busy=move || loader.busy.get().to_string()>{stale}{content}</div> }.into_any()
}
