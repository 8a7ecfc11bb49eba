//! What time it is: injected everywhere, so that tests decide (DESIGN decision 7).

use chrono::{DateTime, SubsecRound, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// A source of the present time, in UTC and whole milliseconds (what the database keeps).
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<Mutex<DateTime<Utc>>>),
    Custom(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::set`].
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(start))))
    }

    /// A clock that asks `source` each time.
    pub fn custom(source: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>) -> Self {
        Self(Source::Custom(source))
    }

    /// The present time.
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            Source::System => system_now(),
            Source::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
            Source::Custom(source) => source(),
        };
        now.trunc_subsecs(3)
    }

    /// Moves a manual clock, and every clone of it; other clocks are left as they are.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Source::Manual(time) = &self.0 {
            *time.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let start = DateTime::UNIX_EPOCH;
        let clock = Clock::manual(start);
        let clone = clock.clone();
        clock.set(start + TimeDelta::hours(1));
        assert_eq!(clone.now(), start + TimeDelta::hours(1));
    }
}
