//! A list operation as it goes on.

use super::{Configuration, Pending, client, effect, repeat};
use crate::reactive::memo;
use leptos::prelude::*;
use shared::list_operation::ListOperation;
use std::time::Duration;

/// How often an operation that goes on is asked for, in case a live event was missed.
const PAUSE: Duration = Duration::from_secs(3);

/// Keeps a list operation of the open configuration up to date, until the component goes away.
pub fn followed(first: ListOperation) -> RwSignal<ListOperation> {
    let (client, Configuration { id, live }) = (client(), Configuration::open());
    let (key, operation, asking) = (first.id, RwSignal::new(first), Pending::new());
    // What is over stays over: the answer to a request may arrive after the live event of its end.
    let learn = move |news: ListOperation| {
        if news.state.is_final() || operation.with_untracked(|known| !known.state.is_final()) {
            operation.set(news);
        }
    };
    effect(move || {
        if let Some(changed) = live.operation.get().filter(|changed| changed.id == key) {
            learn(changed);
        }
    });
    let goes_on = memo(move |_| operation.with(|operation| !operation.state.is_final()));
    repeat(PAUSE, goes_on, move || {
        asking.start(async move {
            // What fails is asked again.
            if let Ok(now) = client.list_operation(id.get_untracked(), key).await {
                learn(now);
            }
        });
    });
    operation
}
