//! Telling that something has to be read again, and not too often.

use super::{bump, sleep};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// The shortest time between two readings: what changes many times a second is not read as often.
const REST: Duration = Duration::from_secs(2);

/// Changes that many places read after, for as long as the console lasts.
#[derive(Clone, Copy)]
pub struct Changes {
    times: RwSignal<u32>,
    rest: StoredValue<Rest>,
}

#[derive(Clone, Copy, PartialEq)]
enum Rest {
    /// The next change is told at once.
    Over,
    /// A change was told a moment ago.
    Resting,
    /// And there was another one since.
    More,
}

impl Changes {
    /// Nothing changed yet.
    pub fn new() -> Self {
        Self { times: RwSignal::new(0), rest: StoredValue::new(Rest::Over) }
    }

    /// Another number after each change that was told.
    pub fn get(self) -> u32 {
        self.times.get()
    }

    /// Tells of a change: at once, or after the rest.
    pub fn tell(self) {
        if self.rest.get_value() != Rest::Over {
            return self.rest.set_value(Rest::More);
        }
        spawn_local(async move {
            loop {
                self.rest.set_value(Rest::Resting);
                bump(self.times);
                sleep(REST).await;
                if self.rest.get_value() == Rest::Resting {
                    break;
                }
            }
            self.rest.set_value(Rest::Over);
        });
    }
}
