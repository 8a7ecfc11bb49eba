//! The browser's clock: the one place of the console that asks for the time.

use leptos::{prelude::*, reactive::graph::Source};
use std::time::Duration;

/// How often times in words ("5 minutes ago") are looked at again.
const TICK: Duration = Duration::from_secs(10);

/// Milliseconds since 1970 (UTC).
pub fn now() -> f64 {
    js_sys::Date::now()
}

/// The one timer behind every time in words.
#[derive(Clone, Copy)]
pub struct Clock(Signal<f64>);

impl Clock {
    /// Starts the timer; it lasts as long as the page.
    pub fn start() -> Self {
        let time = RwSignal::new(now());
        let tick = move || {
            time.set(now());
            // A signal never forgets who has read it. Whoever is still there reads it again now; rows that are gone do not.
            time.clear_subscribers();
        };
        set_interval(tick, TICK);
        Self(time.into())
    }
}

/// The time now, as it goes on.
pub fn ticking() -> Signal<f64> {
    expect_context::<Clock>().0
}
