//! When an idle worker looks for jobs.

use super::What;
use crate::service::{Wake, wake::Signal};
use apalis::prelude::*;
use futures::{Stream, StreamExt};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// A worker looks this often without being woken: retries become due, and a wake-up may be lost.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks at once when a job is rung for, and once a second. The queue's own strategies lose wake-ups: they do not poll
/// their sources down to `Pending`, which arms them.
pub(super) struct Poller {
    interval: tokio::time::Interval,
    signals: Pin<Box<dyn Stream<Item = ()> + Send>>,
}

impl Poller {
    pub(super) fn new(wake: &Wake) -> Self {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { interval, signals: Box::pin(rings(wake.listen())) }
    }
}

/// One item for every ring; a listener that was too slow takes it that something rang.
fn rings(signals: Receiver<Signal>) -> impl Stream<Item = ()> + Send {
    futures::stream::unfold(signals, |mut signals| async move {
        loop {
            match signals.recv().await {
                Ok(Signal { what: What::Job, .. }) | Err(RecvError::Lagged(_)) => return Some(((), signals)),
                Ok(_) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    })
}

impl PollStrategy for Poller {
    fn poll_drive(&mut self, context: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut look = false;
        while self.interval.poll_tick(context).is_ready() {
            look = true;
        }
        while let Poll::Ready(Some(())) = self.signals.poll_next_unpin(context) {
            look = true;
        }
        if look { Poll::Ready(Some(())) } else { Poll::Pending }
    }
}
