//! Slows down guessing of passwords and codes.

use super::{Error, Result, devices::Place};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many wrong tries are free, and how long they count.
#[derive(Clone, Copy)]
struct Limit {
    free: u32,
    window: TimeDelta,
}

/// From one place.
const ONE_PLACE: Limit = Limit { free: 10, window: TimeDelta::minutes(15) };
/// From all networks together, which guess no faster then than three of them. Who is held up by it with a new browser waits
/// for an hour at most, or sets a new password by a link.
const ALL_NETWORKS: Limit = Limit { free: 100, window: TimeDelta::hours(1) };
/// What stands for them in the place of one.
const ANYWHERE: &str = "anywhere";
/// How many pairs are remembered; beyond it the expired ones are forgotten, then those that were wrong least often, the oldest first.
const MAX_REMEMBERED: usize = 10_000;

/// Wrong tries for each pair of whom they are for and where they come from, so that nobody can lock out a user from elsewhere.
/// A browser that is known is a place of its own.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<Pair, Failures>>);

/// For whom, and from where.
type Pair = (String, String);

struct Failures {
    until: DateTime<Utc>,
    count: u32,
}

/// One try. Until it is known how it ended it counts as a wrong one, so that many at the same moment are no more than many
/// one after the other; what ended otherwise, because the database was away for example, does not count.
#[must_use]
pub struct Attempt<'a> {
    attempts: &'a Attempts,
    pairs: Vec<Pair>,
    is_decided: bool,
}

impl Attempts {
    /// Begins a try for `user` from a client or session.
    ///
    /// # Errors
    /// [`Error::TooMany`] until the oldest wrong try no longer counts.
    pub fn begin(&self, user: &str, from: &str, now: DateTime<Utc>) -> Result<Attempt<'_>> {
        let mut attempt = Attempt { attempts: self, pairs: vec![], is_decided: false };
        self.count(&mut attempt, user, from, ONE_PLACE, now)?;
        Ok(attempt)
    }

    /// Begins a try of a password: one of a network counts with those of all others as well.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn begin_at(&self, user: &str, place: &Place, now: DateTime<Utc>) -> Result<Attempt<'_>> {
        let mut attempt = self.begin(user, place.as_str(), now)?;
        if let Place::Network(_) = place {
            self.count(&mut attempt, user, ANYWHERE, ALL_NETWORKS, now)?;
        }
        Ok(attempt)
    }

    fn count(&self, attempt: &mut Attempt<'_>, user: &str, from: &str, limit: Limit, now: DateTime<Utc>) -> Result<()> {
        let pair = (user.to_owned(), from.to_owned());
        let mut failures = self.failures();
        if failures.len() >= MAX_REMEMBERED {
            failures.retain(|_, failed| now < failed.until);
        }
        if failures.len() >= MAX_REMEMBERED {
            forget_some(&mut failures);
        }
        let none = || Failures { until: now + limit.window, count: 0 };
        let failed = failures.entry(pair.clone()).or_insert_with(none);
        if now >= failed.until {
            *failed = none();
        }
        if failed.count >= limit.free {
            let seconds = (failed.until - now).num_seconds() + 1;
            return Err(Error::TooMany { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) });
        }
        failed.count += 1;
        attempt.pairs.push(pair);
        Ok(())
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<Pair, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a tenth, so that a flood of pairs is not looked through for each of them. Whoever has used up the free tries is
/// the last to be forgotten: a flood of others is no way to new ones.
fn forget_some(failures: &mut HashMap<Pair, Failures>) {
    let weight = |failed: &Failures| (failed.count, failed.until);
    let mut weights: Vec<_> = failures.values().map(weight).collect();
    let (_, last, _) = weights.select_nth_unstable(MAX_REMEMBERED / 10);
    let last = *last;
    failures.retain(|_, failed| weight(failed) > last);
}

impl Attempt<'_> {
    /// It was wrong.
    pub fn wrong(mut self) {
        self.is_decided = true;
    }

    /// It was right: the wrong ones before it are forgotten.
    pub fn right(mut self) {
        self.is_decided = true;
        let mut failures = self.attempts.failures();
        for pair in &self.pairs {
            failures.remove(pair);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_decided {
            return;
        }
        let mut failures = self.attempts.failures();
        for pair in &self.pairs {
            if let Some(failed) = failures.get_mut(pair) {
                failed.count = failed.count.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(attempts: &Attempts, user: &str, from: &str, now: DateTime<Utc>) -> bool {
        attempts.begin(user, from, now).map(Attempt::wrong).is_ok()
    }

    #[test]
    fn wrong_tries_are_free_ten_times_for_each_user_and_place() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        assert_eq!((0..50).take_while(|_| wrong(&attempts, "keiko", "here", now)).count(), 10);
        let Err(Error::TooMany { retry_after }) = attempts.begin("keiko", "here", now) else { panic!("refused") };
        assert_eq!(retry_after, 15 * 60 + 1);
        assert!(wrong(&attempts, "keiko", "elsewhere", now), "nobody locks out a user from elsewhere");
        assert!(wrong(&attempts, "taro", "here", now));
        assert!(wrong(&attempts, "keiko", "here", now + ONE_PLACE.window));
    }

    #[test]
    fn tries_at_the_same_moment_count_together() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        let begun: Vec<_> = (0..50).filter_map(|_| attempts.begin("keiko", "here", now).ok()).collect();
        assert_eq!(begun.len(), 10);
        drop(begun);
        assert!(wrong(&attempts, "keiko", "here", now), "what was never decided does not count");
    }

    #[test]
    fn a_flood_of_others_gives_nobody_new_tries() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        assert!((0..ONE_PLACE.free).all(|_| wrong(&attempts, "keiko", "here", now)));
        let other = |n: usize| wrong(&attempts, "nobody", &n.to_string(), now + TimeDelta::milliseconds(n as i64));
        assert!((0..3 * MAX_REMEMBERED).all(other));
        assert!(attempts.failures().len() <= MAX_REMEMBERED);
        let last = (3 * MAX_REMEMBERED - 1).to_string();
        assert!(attempts.failures().contains_key(&("nobody".to_owned(), last)), "the oldest were forgotten");
        assert!(!wrong(&attempts, "keiko", "here", now + TimeDelta::minutes(1)), "and keiko was not");
    }

    #[test]
    fn wrong_tries_of_all_networks_count_together_and_hold_up_no_known_browser() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        let try_at = |place: Place, now| attempts.begin_at("keiko", &place, now);
        let from = |n: usize| Place::Network((n / 9).to_string());
        assert_eq!((0..200).take_while(|n| try_at(from(*n), now).map(Attempt::wrong).is_ok()).count(), 100);
        let known = || Place::Device("hers".to_owned());
        assert!(try_at(known(), now).map(Attempt::right).is_ok());
        assert!(try_at(Place::Network("new".to_owned()), now).is_err(), "what a known browser does is another matter");
        assert_eq!((0..50).take_while(|_| try_at(known(), now).map(Attempt::wrong).is_ok()).count(), 10);
        assert!(attempts.begin_at("taro", &from(0), now).is_ok());
        assert!(try_at(from(0), now + ALL_NETWORKS.window).is_ok());
    }

    #[test]
    fn what_is_refused_in_one_place_counts_nowhere() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        let here = Place::Network("here".to_owned());
        for _ in 0..500 {
            let _ = attempts.begin_at("keiko", &here, now).map(Attempt::wrong);
        }
        let elsewhere = Place::Network("elsewhere".to_owned());
        assert!(attempts.begin_at("keiko", &elsewhere, now).is_ok());
    }

    #[test]
    fn a_right_one_forgets_the_wrong_ones_before_it() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        assert!((0..9).all(|_| wrong(&attempts, "keiko", "here", now)));
        attempts.begin("keiko", "here", now).map(Attempt::right).unwrap_or_else(|_| panic!("the tenth is free"));
        assert_eq!((0..50).take_while(|_| wrong(&attempts, "keiko", "here", now)).count(), 10);
    }
}
