//! Work that ends with the component that began it.

use crate::reactive::effect;
use futures::future::{AbortHandle, FutureExt, LocalBoxFuture, abortable};
use leptos::{prelude::*, task::spawn_local};
use std::{future::Future, time::Duration};

/// Does `act` every `pause` while `wanted` holds, until the component goes away.
pub fn repeat(pause: Duration, wanted: Memo<bool>, act: impl Fn() + Clone + 'static) {
    effect(move || {
        if wanted.get()
            && let Ok(timer) = set_interval_with_handle(act.clone(), pause)
        {
            on_cleanup(move || timer.clear());
        }
    });
}

/// One call at a time, started by the user; aborted when its component goes away.
#[derive(Clone, Copy)]
pub struct Pending {
    busy: RwSignal<bool>,
    handle: StoredValue<Option<AbortHandle>>,
}

impl Pending {
    /// Nothing is going on.
    pub fn new() -> Self {
        let pending = Self { busy: RwSignal::new(false), handle: StoredValue::new(None) };
        on_cleanup(move || pending.abort());
        pending
    }

    /// Whether a call is going on.
    pub fn busy(self) -> Signal<bool> {
        self.busy.into()
    }

    /// Starts `work` unless a call is going on.
    pub fn start(self, work: impl Future<Output = ()> + 'static) {
        self.start_boxed(work.boxed_local());
    }

    /// Compiled once for all work.
    fn start_boxed(self, work: LocalBoxFuture<'static, ()>) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        let (work, handle) = abortable(work);
        self.handle.set_value(Some(handle));
        spawn_local(async move {
            if work.await.is_ok() {
                self.busy.try_set(false);
            }
        });
    }

    /// Starts `work` in place of the call that is going on.
    pub fn replace(self, work: impl Future<Output = ()> + 'static) {
        self.stop();
        self.start(work);
    }

    /// Ends the call that is going on.
    pub fn stop(self) {
        self.abort();
        self.busy.set(false);
    }

    fn abort(self) {
        if let Some(Some(handle)) = self.handle.try_update_value(Option::take) {
            handle.abort();
        }
    }
}
