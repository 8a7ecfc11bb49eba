//! Waiting.

use futures::{
    channel::oneshot,
    future::{Either, select},
};
use leptos::prelude::set_timeout;
use std::{pin::pin, time::Duration};

/// Waits.
pub async fn sleep(duration: Duration) {
    let (done, waits) = oneshot::channel();
    // Nobody waits any more where the receiver is gone.
    set_timeout(move || done.send(()).unwrap_or_default(), duration);
    // The sender lives in the timer, so this ends when the timer fires.
    waits.await.unwrap_or_default();
}

/// What comes of work that is given so long; `None`: nothing did, and it is broken off.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
