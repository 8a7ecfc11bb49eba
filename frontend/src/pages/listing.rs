//! A list of rows with its states and pages.

use crate::{
    reactive::memo,
    state::{Loader, Url, effect, explain, texts},
    ui::{Button, Empty, Failure, Notice, Pager, Show, Skeleton, Tone},
};
use leptos::prelude::*;
use shared::Page;
use std::time::Duration;
use uuid::Uuid;

/// Which state a list is in; the table is built once and only its rows change.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Loading,
    Failed,
    Empty,
    /// Nothing in the part that was searched.
    EmptyPart,
    Rows,
}

/// Rows that fit on a screen.
const SCREEN: usize = 20;

/// New rows in two steps: those that fit on the screen at once, the others after the next picture. Nobody waits for what
/// is out of sight, and no task takes long.
fn in_steps<T>(all: Memo<Vec<T>>) -> Memo<Vec<T>>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let drawn = RwSignal::new(Vec::<T>::new());
    effect(move || {
        let rows = all.get();
        let mut new = 0;
        let known = drawn.get_untracked();
        let first = rows.iter().take_while(|row| {
            new += usize::from(!known.contains(row));
            new <= SCREEN
        });
        let first = first.count();
        if first < rows.len() {
            request_animation_frame(move || {
                set_timeout(move || drop(all.try_get_untracked().map(|rows| drawn.try_set(rows))), Duration::ZERO);
            });
        }
        drawn.set(rows[..first].to_vec());
    });
    memo(move |_| drawn.get())
}

/// A row as it is now: its element stays, with the focus in it, while what it shows changes.
pub fn kept<T>(rows: Memo<Vec<T>>, first: T, id: fn(&T) -> Uuid) -> Memo<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    memo(move |_| {
        let now = rows.with(|rows| rows.iter().find(|row| id(row) == id(&first)).cloned());
        now.unwrap_or_else(|| first.clone())
    })
}

/// Draws a list: `empty` is title and text for a list without rows, `table` draws the rows.
pub fn listing<T>(
    loader: Loader<Page<T>>,
    url: Url,
    filters: &'static [&'static str],
    empty: (&'static str, &'static str),
    table: impl Fn(Memo<Vec<T>>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let texts = texts();
    let rows = in_steps(memo(move |_| {
        loader.data.with(|page| page.as_ref().map(|page| page.items.clone()).unwrap_or_default())
    }));
    let found = |page: &Page<T>| match (page.items.is_empty(), &page.next_cursor) {
        (true, None) => Shape::Empty,
        (true, Some(_)) => Shape::EmptyPart,
        (false, _) => Shape::Rows,
    };
    let shape = memo(move |_| {
        let failed = loader.error.with(Option::is_some);
        match loader.data.with(|page| page.as_ref().map(found)) {
            // That another search found nothing says nothing of this one.
            None | Some(Shape::Empty | Shape::EmptyPart) if failed => Shape::Failed,
            Some(shape) => shape,
            None => Shape::Loading,
        }
    });
    let known = move || shape.get() != Shape::Failed;
    let total = move || {
        let total = loader.data.with(|page| page.as_ref()?.total).filter(|_| known());
        total.map(|total| (texts.total)(total.count, total.more)).unwrap_or_default()
    };
    let next = move || loader.data.with(|page| page.as_ref()?.next_cursor.clone()).filter(|_| known());
    let failure = move || loader.error.get().map(|error| explain(texts, &error)).unwrap_or_default();
    let filtered = move || filters.iter().any(|name| !url.get(name).is_empty());
    view! {
        <Show when=move || shape.get() == Shape::Rows && loader.error.with(Option::is_some)>
            <Notice tone=Tone::Warn>{failure}</Notice>
        </Show>
        {move || match shape.get() {
            Shape::Loading => view! { <div class="table-frame"><Skeleton label=texts.loading/></div> }.into_any(),
            Shape::Failed => {
                view! {
                    <div class="table-frame">
                        <Failure text=failure() again=texts.try_again press=move |()| loader.reload()/>
                    </div>
                }
                .into_any()
            }
            Shape::Empty if filtered() => view! {
                <div class="table-frame">
                    <Empty title=texts.nothing_found text=texts.nothing_found_text>
                        <Button press=move |()| url.clear()>{texts.clear_filters}</Button>
                    </Empty>
                </div>
            }
            .into_any(),
            Shape::Empty => view! { <div class="table-frame"><Empty title=empty.0 text=empty.1/></div> }.into_any(),
            Shape::EmptyPart => {
                view! { <div class="table-frame"><Empty title=texts.nothing_yet text=texts.nothing_yet_text/></div> }
                    .into_any()
            }
            Shape::Rows => table(rows),
        }}
        <Pager
            total=Signal::derive(total) next=Signal::derive(next) later=Signal::derive(move || !url.get("cursor").is_empty())
            words=(texts.first_page, texts.next_page) go=move |cursor: String| url.page(&cursor)
        />
    }
    .into_any()
}
