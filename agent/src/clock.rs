//! The one place that reads the machine's clock (DESIGN decision 7).

use chrono::{DateTime, FixedOffset, Local, Utc};

/// What time it is; tests bring their own.
#[derive(Debug, Clone, Copy)]
pub struct Clock(fn() -> DateTime<Utc>);

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "this is the agent's one clock")]
    pub fn system() -> Self {
        Self(Utc::now)
    }

    /// A clock that answers what the function returns.
    pub fn from_fn(now: fn() -> DateTime<Utc>) -> Self {
        Self(now)
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }

    /// The time now in the machine's zone, which mail logs are written in.
    pub fn local(&self) -> DateTime<FixedOffset> {
        self.now().with_timezone(&Local).fixed_offset()
    }
}
