//! When the watch period of a block is over (PRODUCT section 4).

use crate::{
    service::{Result, schedule::Schedule},
    store::{ConnectionTrait, runs},
};
use chrono::{DateTime, Days, NaiveDate, SubsecRound, TimeDelta, Timelike, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A watch period in local days: what the run of a day blocked is ended by the run so many days later. By the hour, two
/// days' blocks would end together where a clock change makes a day shorter, or where a run begins late.
#[derive(Debug)]
pub struct WatchPeriod {
    schedule: Schedule,
    days: Days,
    /// When the scheduled runs of these days were done.
    done: BTreeMap<NaiveDate, DateTime<Utc>>,
}

impl WatchPeriod {
    /// Reads what it takes to judge the runs of a local day and of later ones.
    ///
    /// # Errors
    /// The database refused.
    pub async fn read<C: ConnectionTrait>(
        connection: &C,
        server_configuration_id: Uuid,
        schedule: Schedule,
        days: i64,
        first_day: NaiveDate,
    ) -> Result<Self> {
        let days = Days::new(days.unsigned_abs());
        let done = runs::done_since(connection, server_configuration_id, first_day - days).await?;
        Ok(Self { schedule, days, done })
    }

    /// Blocks made up to this time are ended by a run at `at`. Whole minutes count, because the run that made them may
    /// have taken some seconds to begin. A scheduled run ends all that was there when the run of the day so many days
    /// before was done, however late that was.
    pub fn over(&self, at: DateTime<Utc>, scheduled_for: Option<NaiveDate>) -> DateTime<Utc> {
        let minute = at.trunc_subsecs(0) - TimeDelta::seconds(i64::from(at.second()));
        let until = self.schedule.days_before(minute, self.days) + TimeDelta::minutes(1) - TimeDelta::milliseconds(1);
        let done_at = scheduled_for.and_then(|day| self.done.get(&(day - self.days)));
        done_at.map_or(until, |done_at| until.max(*done_at))
    }

    /// The local day whose scheduled run ends a block that was made at this time.
    pub fn ends_on(&self, made_at: DateTime<Utc>) -> NaiveDate {
        // One day early: shortly after midnight it may be the work of yesterday's run.
        let first_day = self.schedule.day(made_at) + self.days - Days::new(1);
        let ends = |day: &NaiveDate| self.schedule.due(*day).is_some_and(|due| self.over(due, Some(*day)) >= made_at);
        first_day.iter_days().find(ends).unwrap_or(first_day)
    }
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

    fn period(time: &str, zone: &str, days: u64) -> WatchPeriod {
        let schedule = Schedule::parse(time, zone).unwrap();
        WatchPeriod { schedule, days: Days::new(days), done: BTreeMap::new() }
    }

    #[test]
    fn a_clock_change_makes_no_block_stay_a_day_longer() {
        // In 2027 the 28th of March has 23 hours and the 31st of October 25.
        for (time, made_at, ended_at, last_day) in [
            ("00:00", "2027-03-27T23:00:05Z", "2027-03-28T22:00:00Z", "2027-03-29"),
            ("00:00", "2027-10-30T22:00:05Z", "2027-10-31T23:00:00Z", "2027-11-01"),
            // Made at 02:30, ended at 03:00 because there is no 02:30; made at 03:00, ended at 02:30.
            ("02:30", "2027-03-27T01:30:05Z", "2027-03-28T01:00:00Z", "2027-03-28"),
            ("02:30", "2027-03-28T01:00:05Z", "2027-03-29T00:30:00Z", "2027-03-29"),
            // The first 02:30 of two.
            ("02:30", "2027-10-30T00:30:05Z", "2027-10-31T00:30:00Z", "2027-10-31"),
            ("02:30", "2027-10-31T00:30:05Z", "2027-11-01T01:30:00Z", "2027-11-01"),
        ] {
            let period = period(time, "Europe/Prague", 1);
            let over = period.over(at(ended_at), None);
            assert!((at(made_at)..at(made_at) + TimeDelta::hours(1)).contains(&over), "{made_at}: {over}");
            assert_eq!(period.ends_on(at(made_at)), day(last_day), "{made_at}");
        }
    }

    #[test]
    fn what_a_late_run_left_ends_with_the_run_of_its_day() {
        let mut period = period("00:00", "UTC", 10);
        period.done.insert(day("2026-11-25"), at("2026-11-25T09:31:00Z"));
        let due = at("2026-12-05T00:00:00Z");
        assert_eq!(period.over(due, Some(day("2026-12-05"))), at("2026-11-25T09:31:00Z"));
        assert_eq!(period.over(due, None), at("2026-11-25T00:00:59.999Z"), "not of a run that somebody asked for");
        assert_eq!(period.ends_on(at("2026-11-25T09:30:00Z")), day("2026-12-05"));
        assert_eq!(period.ends_on(at("2026-11-25T09:32:00Z")), day("2026-12-06"));
    }
}
