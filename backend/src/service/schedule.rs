//! When a daily run is due, in a time zone with its clock changes (PRODUCT section 4).

use super::{Error, Result};
use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use shared::{RefusalCode, run_settings::parse_time_of_day};

/// The daily timing of a server configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    time: NaiveTime,
    zone: Tz,
}

impl Schedule {
    /// Reads the stored `HH:MM` and IANA zone.
    ///
    /// # Errors
    /// One of them is not valid.
    pub fn parse(execute_timing: &str, time_zone: &str) -> Result<Self> {
        let time = parse_time_of_day(execute_timing).ok_or_else(|| {
            Error::field("/execute_timing", RefusalCode::NotAccepted, "use HH:MM, from 00:00 to 23:59")
        })?;
        let zone = time_zone.parse().map_err(|_| {
            Error::field(
                "/time_zone",
                RefusalCode::NotATimeZone,
                "use a time zone of the IANA database, Asia/Tokyo for example",
            )
        })?;
        Ok(Self { time, zone })
    }

    /// The local day of an instant.
    pub fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// When a local day begins.
    pub fn day_start(&self, day: NaiveDate) -> DateTime<Utc> {
        first_valid(self.zone, day, NaiveTime::MIN).unwrap_or_else(|| day.and_time(NaiveTime::MIN).and_utc())
    }

    /// When the run of a local day is due: a time that a clock change skips means the next valid minute, one that comes
    /// twice the first of both. `None` for a day that the zone skipped as a whole.
    pub fn due(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let end_of_day = NaiveTime::from_hms_opt(23, 59, 0)?;
        let exists = [NaiveTime::MIN, self.time, end_of_day]
            .into_iter()
            .any(|time| !matches!(self.zone.from_local_datetime(&day.and_time(time)), LocalResult::None));
        if exists { first_valid(self.zone, day, self.time) } else { None }
    }

    /// The first due time after `now` whose day comes after `last_day`, the latest day that had its run.
    pub fn next(&self, now: DateTime<Utc>, last_day: Option<NaiveDate>) -> DateTime<Utc> {
        // One day early: shortly after midnight the run of yesterday may still be due.
        let mut day = self.day(now) - Days::new(1);
        if let Some(last_day) = last_day {
            day = day.max(last_day + Days::new(1));
        }
        loop {
            match self.due(day) {
                Some(due) if due > now => return due,
                _ => day = day + Days::new(1),
            }
        }
    }

    /// The latest local day whose run is due at `now`.
    pub fn latest_due_day(&self, now: DateTime<Utc>) -> NaiveDate {
        let mut day = self.day(now);
        loop {
            match self.due(day) {
                Some(due) if due <= now => return day,
                _ => day = day - Days::new(1),
            }
        }
    }

    /// The same local time so many days before `at`: a time that a clock change skips means the next valid minute, one
    /// that comes twice the first of both.
    pub fn days_before(&self, at: DateTime<Utc>, days: Days) -> DateTime<Utc> {
        let local = at.with_timezone(&self.zone).naive_local() - days;
        first_valid(self.zone, local.date(), local.time()).unwrap_or_else(|| local.and_utc())
    }
}

/// The instant of a local time; the next minute that exists if it does not.
fn first_valid(zone: Tz, day: NaiveDate, time: NaiveTime) -> Option<DateTime<Utc>> {
    let wanted = day.and_time(time);
    // No zone ever skipped more than a day.
    (0..=26 * 60).find_map(|minutes| match zone.from_local_datetime(&(wanted + TimeDelta::minutes(minutes))) {
        LocalResult::Single(at) => Some(at.to_utc()),
        LocalResult::Ambiguous(first, second) => Some(first.min(second).to_utc()),
        LocalResult::None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn schedule(time: &str, zone: &str) -> Schedule {
        Schedule::parse(time, zone).unwrap()
    }

    #[test]
    fn a_time_that_the_clock_change_skips_runs_at_the_next_valid_minute() {
        let prague = schedule("02:30", "Europe/Prague");
        assert_eq!(prague.due(day("2026-03-28")), Some(at("2026-03-28T01:30:00Z")));
        assert_eq!(prague.due(day("2026-03-29")), Some(at("2026-03-29T01:00:00Z")), "03:00 summer time");
        assert_eq!(prague.due(day("2026-03-30")), Some(at("2026-03-30T00:30:00Z")));
        // The gap crosses midnight: 23:00 to 24:00 do not exist, and the run of the 29th is at 00:00 of the 30th.
        let nuuk = schedule("23:30", "America/Nuuk");
        assert_eq!(nuuk.due(day("2025-03-29")), Some(at("2025-03-30T01:00:00Z")));
        assert_eq!(nuuk.next(at("2025-03-29T20:00:00Z"), None), at("2025-03-30T01:00:00Z"));
        assert_eq!(nuuk.next(at("2025-03-30T01:00:00Z"), Some(day("2025-03-29"))), at("2025-03-31T00:30:00Z"));
    }

    #[test]
    fn a_time_that_comes_twice_runs_once() {
        let prague = schedule("02:30", "Europe/Prague");
        let first = at("2026-10-25T00:30:00Z");
        assert_eq!(prague.due(day("2026-10-25")), Some(first));
        assert_eq!(prague.next(first, Some(day("2026-10-25"))), at("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn a_day_that_the_zone_skipped_has_no_run() {
        let apia = schedule("00:00", "Pacific/Apia");
        assert_eq!(apia.due(day("2011-12-30")), None);
        assert_eq!(apia.next(at("2011-12-29T10:00:00Z"), Some(day("2011-12-29"))), at("2011-12-30T10:00:00Z"));
        assert_eq!(apia.latest_due_day(at("2011-12-30T09:59:00Z")), day("2011-12-29"));
    }

    #[test]
    fn the_next_run_skips_a_day_that_had_its_run() {
        let tokyo = schedule("15:00", "Asia/Tokyo");
        assert_eq!(tokyo.next(at("2026-11-24T00:00:00Z"), None), at("2026-11-24T06:00:00Z"));
        assert_eq!(tokyo.next(at("2026-11-24T00:00:00Z"), Some(day("2026-11-24"))), at("2026-11-25T06:00:00Z"));
        assert_eq!(tokyo.next(at("2026-11-24T06:00:00Z"), None), at("2026-11-25T06:00:00Z"));
        assert_eq!(tokyo.latest_due_day(at("2026-11-24T05:59:59Z")), day("2026-11-23"));
        assert_eq!(tokyo.latest_due_day(at("2026-11-24T06:00:00Z")), day("2026-11-24"));
    }

    #[test]
    fn wrong_settings_name_their_field() {
        for (time, zone, pointer) in
            [("24:00", "Asia/Tokyo", "/execute_timing"), ("00:00", "Asia/Nowhere", "/time_zone")]
        {
            let Err(Error::Invalid(problems)) = Schedule::parse(time, zone) else { panic!("{time} {zone}") };
            assert_eq!(problems[0].pointer, pointer);
        }
    }
}
