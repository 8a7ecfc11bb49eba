//! Telling that something has to be read again, and not too often.

use super::{Pending, bump, sleep};
use leptos::prelude::*;
use std::{mem, time::Duration};

/// Changes that many places read after, until the component goes away.
#[derive(Clone, Copy)]
pub struct Changes {
    times: RwSignal<u32>,
    /// Whether there was one that was not told yet.
    more: StoredValue<bool>,
    telling: Pending,
    rest: Duration,
}

impl Changes {
    /// Nothing changed yet. `rest`: the shortest time between two readings, however often something changes.
    pub fn new(rest: Duration) -> Self {
        Self { times: RwSignal::new(0), more: StoredValue::new(false), telling: Pending::new(), rest }
    }

    /// Another number after each change that was told.
    pub fn get(self) -> u32 {
        self.times.get()
    }

    /// Tells of a change: at once, or after the rest together with all others of that time.
    pub fn tell(self) {
        self.more.set_value(true);
        // Where it is telling already, it comes to this one, too.
        self.telling.start(async move {
            while self.more.try_update_value(mem::take) == Some(true) {
                bump(self.times);
                sleep(self.rest).await;
            }
        });
    }
}
