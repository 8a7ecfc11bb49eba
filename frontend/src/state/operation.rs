//! A list operation as it goes on.

use super::{Configuration, Pending, client, effect, repeat};
use crate::reactive::memo;
use leptos::prelude::*;
use shared::list_operation::{ListOperation, ListOperationState};
use std::time::Duration;

/// How often an operation that goes on is asked for, in case a live event was missed.
const PAUSE: Duration = Duration::from_secs(3);

/// Keeps a list operation of the open configuration up to date, until the component goes away.
pub fn followed(first: ListOperation) -> RwSignal<ListOperation> {
    let (client, Configuration { id, live }) = (client(), Configuration::open());
    let (key, operation, asking) = (first.id, RwSignal::new(first), Pending::new());
    effect(move || {
        if let Some(changed) = live.operation.get().filter(|changed| changed.id == key) {
            learn(operation, changed);
        }
    });
    let goes_on = memo(move |_| operation.with(|operation| !operation.state.is_final()));
    repeat(PAUSE, goes_on, move || {
        asking.start(async move {
            // What fails is asked again.
            if let Ok(now) = client.list_operation(id.get_untracked(), key).await {
                learn(operation, now);
            }
        });
    });
    operation
}

/// Takes what is told or answered of an operation, unless it is older than what is known.
pub fn learn(operation: RwSignal<ListOperation>, news: ListOperation) {
    if operation.with_untracked(|known| is_news(known, &news)) {
        operation.set(news);
    }
}

/// Whether `news` of an operation is not older than what is `known`: the answer to a request may arrive after the live
/// event of what happened next. An operation only moves on, and so do the rows that it does, or takes back.
pub(super) fn is_news(known: &ListOperation, news: &ListOperation) -> bool {
    let place = |operation: &ListOperation| match operation.state {
        ListOperationState::Queued => (0, 0),
        ListOperationState::Running => (1, operation.done),
        ListOperationState::Cancelling => (2, -operation.done),
        ListOperationState::Done | ListOperationState::Cancelled | ListOperationState::Failed => (3, 0),
    };
    place(news) >= place(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use shared::list_operation::{
        ListOperationCounts, ListOperationKind, ListOperationParameters,
        ListOperationState::{Cancelled, Cancelling, Done, Failed, Queued, Running},
    };
    use uuid::Uuid;

    fn operation((state, done): (ListOperationState, i64)) -> ListOperation {
        ListOperation {
            id: Uuid::nil(),
            kind: ListOperationKind::Release,
            state,
            created_at: DateTime::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
            requested_by: "keiko@example.com".to_owned(),
            comment: None,
            parameters: ListOperationParameters::default(),
            upload_id: None,
            undo_of: None,
            undone_by: None,
            total: None,
            done,
            counts: ListOperationCounts::default(),
            distribution_id: None,
            run_id: None,
            error: None,
            error_cause: None,
        }
    }

    #[test]
    fn what_is_older_is_no_news() {
        let done = vec![(Queued, 0), (Running, 0), (Running, 500), (Running, 900), (Done, 1_000)];
        let cancelled = vec![(Queued, 0), (Running, 500), (Cancelling, 500), (Cancelling, 100), (Cancelled, 0)];
        let failed = vec![(Running, 0), (Running, 500), (Cancelling, 500), (Failed, 0)];
        for course in [done, cancelled, failed] {
            let course: Vec<_> = course.into_iter().map(operation).collect();
            for (at, later) in course.iter().enumerate() {
                for earlier in &course[..at] {
                    assert!(is_news(earlier, later), "{later:?} after {earlier:?}");
                    assert!(!is_news(later, earlier), "{earlier:?} after {later:?}");
                }
            }
        }
    }

    #[test]
    fn what_changes_while_nothing_moves_is_news() {
        for (at, cause) in [((Running, 500), Some("no answer")), ((Running, 500), None), ((Done, 1_000), None)] {
            let known = operation(at);
            let news = ListOperation {
                undone_by: cause.is_none().then(Uuid::nil),
                error: cause.map(str::to_owned),
                ..known.clone()
            };
            assert!(is_news(&known, &news) && is_news(&news, &known));
        }
    }
}
