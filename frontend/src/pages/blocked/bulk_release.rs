//! Releasing everything that a search finds: counting it, asking, and following the operation.

use super::{
    filters::list_query,
    list::FILTERS,
    operations::{CommentField, OperationCard, Preview, written},
};
use crate::{
    pages::{FormError, Refusal, SearchWords},
    reactive::memo,
    state::{Configuration, Pending, Session, Url, client, effect, explain, followed, texts},
    ui::{Button, Dialog, Kind, Show},
};
use leptos::{html, prelude::*};
use shared::{
    list_operation::{BlockFilter, BulkReleasePreview, BulkReleaseRequest, ListOperation, ListOperationState},
    session::Role,
};

/// What was asked for: the operation as it was then, and how many addresses the user confirmed.
type Asked = RwSignal<Option<(ListOperation, i64)>>;

/// The button, and the dialog that it opens. What was asked for goes on while the dialog is closed; opened again, it shows
/// how far that has come, until the result has been seen.
#[component]
pub fn BulkRelease() -> impl IntoView {
    let (texts, session, url, id) = (texts(), expect_context::<Session>(), Url::current(), Configuration::open().id);
    let (open, asked, seen): (_, Asked, _) = (url.dialog("bulk-release"), RwSignal::new(None), RwSignal::new(false));
    effect(move || {
        // It belongs to the configuration that was open.
        id.track();
        asked.set(None);
    });
    let press = Callback::new(move |()| {
        if seen.get_untracked() {
            seen.set(false);
            asked.set(None);
        }
        open.set(true);
    });
    let content = move || {
        if let Some((operation, confirmed)) = asked.get() {
            return view! { <Performed operation confirmed seen open/> }.into_any();
        }
        match untrack(|| list_query(url)).block_filter() {
            Ok(filter) if filter == BlockFilter::default() => {
                view! { <Refusal title=texts.bulk_unfiltered text=texts.bulk_unfiltered_text open/> }.into_any()
            }
            Ok(filter) => view! { <Question filter asked open/> }.into_any(),
            Err(error) => view! { <Refusal title=texts.bulk_nothing text=explain(texts, &error) open/> }.into_any(),
        }
    };
    view! {
        <Show when=move || session.may(Role::Operator)>
            <Button press>{texts.bulk_release}</Button>
            <Dialog open title=texts.bulk_release_title close=texts.close>{content}</Dialog>
        </Show>
    }
    .into_any()
}

/// Shows what would be released, and asks.
#[component]
fn Question(filter: BlockFilter, asked: Asked, open: RwSignal<bool>) -> impl IntoView {
    let (texts, client, id) = (texts(), client(), Configuration::open().id);
    let (comment, error, found) = (RwSignal::new(String::new()), RwSignal::new(None), RwSignal::new(None));
    let (filter, asking) = (StoredValue::new(filter), Pending::new());
    let request = move |dry_run| BulkReleaseRequest {
        filter: Some(filter.get_value()),
        upload_id: None,
        dry_run,
        comment: written(comment),
    };
    let count =
        memo(move |_| found.with(|found: &Option<BulkReleasePreview>| found.as_ref().map_or(0, |found| found.count)));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        asking.start(async move {
            match client.release_in_bulk(id.get_untracked(), &request(false)).await {
                Ok(operation) => asked.set(Some((operation, count.get_untracked()))),
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <form class="stack" on:submit=submit>
            <SearchWords names=FILTERS contains=texts.address_contains/>
            <Preview request=request(true) found count=texts.bulk_question none=texts.bulk_nothing/>
            <Show when=move || { count.get() > 0 }>
                <p class="soft">{texts.bulk_text}</p>
                <p class="soft">{texts.bulk_moving}</p>
                <CommentField value=comment/>
            </Show>
            <FormError error/>
            <div class="dialog-foot">
                <Button press=move |()| open.set(false)>{texts.cancel}</Button>
                <Show when=move || { count.get() > 0 }>
                    <Button kind=Kind::Primary submit=true busy=asking.busy()>
                        {move || (texts.bulk_confirm)(count.get())}
                    </Button>
                </Show>
            </div>
        </form>
    }
    .into_any()
}

/// The operation and its undo as they go on, and whether the list has moved since it was confirmed.
#[component]
fn Performed(operation: ListOperation, confirmed: i64, seen: RwSignal<bool>, open: RwSignal<bool>) -> impl IntoView {
    let (texts, live, id) = (texts(), Configuration::open().live, operation.id);
    let (now, undo, place) = (followed(operation.clone()), RwSignal::new(None), NodeRef::<html::Div>::new());
    effect(move || {
        if let Some(news) = live.operation.get().filter(|news| news.undo_of == Some(id))
            && undo.with_untracked(Option::is_none)
        {
            undo.set(Some(news));
        }
    });
    effect(move || {
        if now.with(|operation| operation.state.is_final()) {
            seen.set(true);
        }
    });
    // The button that was pressed is gone.
    effect(move || {
        if let Some(place) = place.get() {
            // Focusing an element of the page cannot fail.
            drop(place.focus());
        }
    });
    let moved = move || {
        now.with(|operation| match operation.state {
            ListOperationState::Done if operation.counts.removed != confirmed => Some((texts.bulk_moved)(confirmed)),
            ListOperationState::Queued | ListOperationState::Running => Some(texts.bulk_goes_on.to_owned()),
            _ => None,
        })
    };
    view! {
        <div class="stack" tabindex="-1" node_ref=place role="group" aria-label=texts.bulk_release_title>
            <OperationCard operation/>
            {move || undo.get().map(|operation| view! { <OperationCard operation/> })}
            <p class="soft" aria-live="polite">{moved}</p>
        </div>
        <div class="dialog-foot">
            <Button kind=Kind::Primary press=move |()| open.set(false)>{texts.close}</Button>
        </div>
    }
    .into_any()
}
