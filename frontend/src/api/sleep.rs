//! Waiting.

use futures::channel::oneshot;
use leptos::prelude::set_timeout;
use std::time::Duration;

/// Waits.
pub async fn sleep(duration: Duration) {
    let (done, waits) = oneshot::channel();
    // Nobody waits any more where the receiver is gone.
    set_timeout(move || done.send(()).unwrap_or_default(), duration);
    // The sender lives in the timer, so this ends when the timer fires.
    waits.await.unwrap_or_default();
}
