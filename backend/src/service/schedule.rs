//! When scheduled runs are due (PRODUCT section 4).

use super::{Error, Result};
use chrono::{DateTime, Days, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use shared::run_settings::parse_time_of_day;

/// The first execution after `after`: daily at `execute_timing` (`HH:MM`) in `zone`.
///
/// # Errors
/// [`Error::Invalid`]: `execute_timing` is no time of day.
pub fn next_execution(execute_timing: &str, zone: Tz, after: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let time = parse_time_of_day(execute_timing)
        .ok_or_else(|| Error::field("/execute_timing", "use HH:MM, from 00:00 to 23:59"))?;
    let today = after.with_timezone(&zone).date_naive();
    // Yesterday too: a skipped time just before midnight moves into the next day.
    for day in [today - Days::new(1), today, today + Days::new(1), today + Days::new(2)] {
        let due = instant(zone, day.and_time(time));
        if due > after {
            return Ok(due);
        }
    }
    Err(Error::Internal(anyhow::anyhow!("no execution within two days of {after} in {zone}")))
}

/// The instant of a local time: the next valid minute when a clock change skips it, the first when it comes twice.
fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let mut local = local;
    // No zone ever skipped more than one day (Samoa, 2011).
    for _ in 0..=24 * 60 {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => return time.to_utc(),
            LocalResult::None => local += TimeDelta::minutes(1),
        }
    }
    local.and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(timing: &str, zone: &str, after: &str) -> String {
        let next = next_execution(timing, zone.parse().unwrap(), after.parse().unwrap()).unwrap();
        next.format("%Y-%m-%dT%H:%MZ").to_string()
    }

    #[test]
    fn the_next_execution_is_strictly_later() {
        assert_eq!(next("00:00", "Asia/Tokyo", "2026-01-01T14:59:00Z"), "2026-01-01T15:00Z");
        assert_eq!(next("00:00", "Asia/Tokyo", "2026-01-01T15:00:00Z"), "2026-01-02T15:00Z");
        assert_eq!(next("23:59", "UTC", "2026-01-01T23:59:30Z"), "2026-01-02T23:59Z");
    }

    #[test]
    fn a_skipped_time_runs_at_the_next_valid_minute() {
        // Berlin goes from 02:00 to 03:00 on 29 March 2026.
        assert_eq!(next("02:30", "Europe/Berlin", "2026-03-28T12:00:00Z"), "2026-03-29T01:00Z");
        assert_eq!(next("02:30", "Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-30T00:30Z");
        // Beirut skips from 00:00 to 01:00.
        assert_eq!(next("00:00", "Asia/Beirut", "2026-03-28T12:00:00Z"), "2026-03-28T22:00Z");
    }

    #[test]
    fn a_time_that_comes_twice_runs_once() {
        // Berlin has 02:30 twice on 25 October 2026: 00:30 and 01:30 UTC.
        assert_eq!(next("02:30", "Europe/Berlin", "2026-10-24T12:00:00Z"), "2026-10-25T00:30Z");
        assert_eq!(next("02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"), "2026-10-26T01:30Z");
    }

    #[test]
    fn a_wrong_time_of_day_is_refused() {
        assert!(next_execution("24:00", Tz::UTC, DateTime::UNIX_EPOCH).is_err());
    }
}
