//! How much is sent at once, and when it is tried again.

use super::Trouble;
use crate::api::ApiError;
use std::time::Duration;

/// Bytes that are sent at once: at first, when it goes badly, when it goes well.
const FIRST: i64 = 512 * 1024;
const SMALLEST: i64 = 128 * 1024;
const LARGEST: i64 = 8 * 1024 * 1024;
/// Milliseconds that a part should take at most, so that the progress moves.
const QUICK: f64 = 1_000.0;
const SLOW: f64 = 3_000.0;
/// How much the newest part counts in the speed.
const NEWEST: f64 = 0.3;
/// The longest pause between two tries, in seconds.
const LONGEST_PAUSE: u64 = 30;
/// Failures in a row, other than a lost connection, after which it stops.
const PATIENCE: u32 = 5;

/// Why a part was not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Failed {
    /// The browser cannot read the file.
    File,
    /// The call failed.
    Call(ApiError),
}

/// How fast it goes.
pub struct Pace {
    part: i64,
    speed: f64,
}

impl Pace {
    pub fn new() -> Self {
        Self { part: FIRST, speed: 0.0 }
    }

    /// How many bytes to send at once.
    pub const fn part(&self) -> i64 {
        self.part
    }

    /// Bytes a second.
    pub const fn speed(&self) -> f64 {
        self.speed
    }

    /// So many bytes took so many milliseconds.
    pub fn sent(&mut self, bytes: f64, millis: f64) {
        let speed = bytes / millis.max(1.0) * 1_000.0;
        self.speed = if self.speed == 0.0 { speed } else { NEWEST * speed + (1.0 - NEWEST) * self.speed };
        if millis < QUICK {
            self.part = (self.part * 2).min(LARGEST);
        } else if millis > SLOW {
            self.part = (self.part / 2).max(SMALLEST);
        }
    }

    /// What was sent has to be sent again: less at once.
    pub fn failed(&mut self) {
        *self = Self { part: SMALLEST, speed: 0.0 };
    }
}

/// How long to wait after a failure, `failures` having gone before in a row; or why it stops.
pub fn after(failed: Failed, failures: u32) -> Result<Duration, Trouble> {
    let mut pause = Duration::from_secs((1 << failures.min(5)).min(LONGEST_PAUSE));
    let Failed::Call(error) = failed else { return Err(Trouble::FileGone) };
    let patience = match &error {
        ApiError::Unreachable => return Ok(pause),
        ApiError::TooMany(seconds) => {
            pause = pause.max(Duration::from_secs((*seconds).into()));
            PATIENCE
        }
        // The disk of the service is full.
        ApiError::Refused(problem) if problem.status == 507 => 0,
        ApiError::Refused(problem) => match problem.status {
            404 | 410 => return Err(Trouble::Ended),
            // Once is an older request of our own that ended late.
            409 if failures > 0 => return Err(Trouble::Elsewhere),
            400 | 408 | 409 | 460 | 500.. => PATIENCE,
            _ => 0,
        },
        // A proxy that has no service behind it.
        ApiError::Unreadable(502..=504) => return Ok(pause),
        ApiError::Unreadable(404 | 410) => return Err(Trouble::Ended),
        ApiError::Unreadable(_) => PATIENCE,
        ApiError::SignedOut | ApiError::WrongSignIn => 0,
    };
    if failures < patience { Ok(pause) } else { Err(Trouble::Refused(error)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::Problem;

    fn refused(status: u16) -> Failed {
        let problem = Problem {
            kind: String::new(),
            title: String::new(),
            status,
            detail: String::new(),
            code: None,
            errors: Vec::new(),
            request_id: None,
        };
        Failed::Call(ApiError::Refused(Box::new(problem)))
    }

    #[test]
    fn a_lost_connection_is_tried_for_ever_with_growing_pauses() {
        let lost = || Failed::Call(ApiError::Unreachable);
        let pauses: Vec<_> = (0..7).map(|failures| after(lost(), failures).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30].map(Ok));
    }

    #[test]
    fn what_a_try_cannot_help_stops() {
        assert_eq!(after(Failed::File, 0), Err(Trouble::FileGone));
        assert_eq!(after(refused(410), 0), Err(Trouble::Ended));
        assert!(after(refused(409), 0).is_ok());
        assert_eq!(after(refused(409), 1), Err(Trouble::Elsewhere));
        assert!(matches!(after(refused(507), 0), Err(Trouble::Refused(_))));
        assert!(matches!(after(refused(403), 0), Err(Trouble::Refused(_))));
        assert!(after(refused(460), 4).is_ok());
        assert!(matches!(after(refused(460), 5), Err(Trouble::Refused(_))));
    }

    #[test]
    fn a_service_that_is_asked_too_often_says_how_long_to_wait() {
        let too_many = |failures| after(Failed::Call(ApiError::TooMany(7)), failures).map(|pause| pause.as_secs());
        assert_eq!([too_many(0), too_many(3)], [Ok(7), Ok(8)]);
        assert!(too_many(5).is_err());
    }

    #[test]
    fn parts_grow_while_they_are_quick_and_shrink_when_they_are_slow() {
        let mut pace = Pace::new();
        for _ in 0..9 {
            pace.sent(pace.part() as f64, 100.0);
        }
        assert_eq!(pace.part(), LARGEST);
        pace.sent(LARGEST as f64, 4_000.0);
        assert_eq!(pace.part(), LARGEST / 2);
        pace.failed();
        assert_eq!((pace.part(), pace.speed()), (SMALLEST, 0.0));
    }
}
