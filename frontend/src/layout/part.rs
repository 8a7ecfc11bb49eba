//! Parts of the console that are loaded when one of their pages is first opened.

use super::title::page;
use crate::{
    paths,
    router::Router,
    state::{Newer, Pending, texts},
    ui::{Failure, Skeleton},
};
use futures::future::{FutureExt, LocalBoxFuture};
use leptos::{prelude::*, wasm_split::SplitLoaderError};

/// What a part answers when it is asked for something: it may be impossible to load.
pub type Loaded<T> = Result<T, SplitLoaderError>;

/// How far a part is.
#[derive(Clone, Copy, PartialEq)]
enum Progress {
    Loading,
    Failed,
    Here,
}

/// Draws a page once `load` has its part; at once where that is here already.
pub fn part(
    load: fn() -> LocalBoxFuture<'static, Loaded<()>>,
    draw: fn() -> LocalBoxFuture<'static, Loaded<AnyView>>,
) -> AnyView {
    let (texts, loading, progress) = (texts(), Pending::new(), RwSignal::new(Progress::Loading));
    let newer = expect_context::<Newer>();
    // Settings and server configurations have one around their pages.
    let path = Router::here().path.get_untracked();
    let framed = path.starts_with(paths::SETTINGS) || paths::configuration_at(&path).is_some();
    let heading = if framed { None } else { page(texts, &path, true) };
    let wait = Callback::new(move |first: Option<LocalBoxFuture<'static, Loaded<()>>>| {
        let part = first.unwrap_or_else(load);
        progress.set(Progress::Loading);
        loading.start(async move {
            progress.set(if part.await.is_ok() { Progress::Here } else { Progress::Failed });
            // The parts of an old console are gone when the service is a newer one.
            if progress.get_untracked() == Progress::Failed {
                newer.look();
            }
        });
    });
    let mut first = load();
    match (&mut first).now_or_never() {
        Some(Ok(())) => progress.set(Progress::Here),
        Some(Err(_)) => progress.set(Progress::Failed),
        None => wait.run(Some(first)),
    }
    (move || match progress.get() {
        Progress::Loading => view! { <Skeleton label=texts.loading/> }.into_any(),
        Progress::Failed if newer.is_there() => {
            view! { <Failure heading text=texts.newer_part.to_owned() again=texts.reload press=move |()| newer.load()/> }
                .into_any()
        }
        Progress::Failed => {
            view! { <Failure heading text=texts.part_failed.to_owned() again=texts.try_again press=move |()| wait.run(None)/> }
                .into_any()
        }
        // What is here answers at once, and so draws as a child of this page.
        Progress::Here => draw().now_or_never().and_then(Result::ok).into_any(),
    })
    .into_any()
}
