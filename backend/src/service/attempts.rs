//! Slows down guessing of passwords and codes.

use super::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Tries that are free in one [`WINDOW`].
const FREE: u32 = 10;
/// How long a wrong one counts.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// How many pairs are remembered; beyond it the expired ones are forgotten, then those that were wrong least often, the oldest first.
const MAX_REMEMBERED: usize = 10_000;

/// Wrong tries for each pair of whom they are for and where they come from, so that nobody can lock out a user from elsewhere.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<Pair, Failures>>);

/// For whom, and from where.
type Pair = (String, String);

struct Failures {
    since: DateTime<Utc>,
    count: u32,
}

/// One try. Until it is known how it ended it counts as a wrong one, so that many at the same moment are no more than many
/// one after the other; what ended otherwise, because the database was away for example, does not count.
#[must_use]
pub struct Attempt<'a> {
    attempts: &'a Attempts,
    pair: Pair,
    is_decided: bool,
}

impl Attempts {
    /// Begins a try for `user` from a client or session.
    ///
    /// # Errors
    /// [`Error::TooMany`] until the oldest wrong try no longer counts.
    pub fn begin(&self, user: &str, from: &str, now: DateTime<Utc>) -> Result<Attempt<'_>> {
        let pair = (user.to_owned(), from.to_owned());
        let mut failures = self.failures();
        if failures.len() >= MAX_REMEMBERED {
            failures.retain(|_, failed| now < failed.since + WINDOW);
        }
        if failures.len() >= MAX_REMEMBERED {
            forget_some(&mut failures);
        }
        let failed = failures.entry(pair.clone()).or_insert(Failures { since: now, count: 0 });
        if now >= failed.since + WINDOW {
            *failed = Failures { since: now, count: 0 };
        }
        if failed.count >= FREE {
            let seconds = (failed.since + WINDOW - now).num_seconds() + 1;
            return Err(Error::TooMany { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) });
        }
        failed.count += 1;
        Ok(Attempt { attempts: self, pair, is_decided: false })
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<Pair, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a tenth, so that a flood of pairs is not looked through for each of them. Whoever has used up the free tries is
/// the last to be forgotten: a flood of others is no way to new ones.
fn forget_some(failures: &mut HashMap<Pair, Failures>) {
    let weight = |failed: &Failures| (failed.count, failed.since);
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
        self.attempts.failures().remove(&self.pair);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.is_decided
            && let Some(failed) = self.attempts.failures().get_mut(&self.pair)
        {
            failed.count = failed.count.saturating_sub(1);
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
        assert!(wrong(&attempts, "keiko", "here", now + WINDOW));
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
        assert!((0..FREE).all(|_| wrong(&attempts, "keiko", "here", now)));
        let other = |n: usize| wrong(&attempts, "nobody", &n.to_string(), now + TimeDelta::milliseconds(n as i64));
        assert!((0..3 * MAX_REMEMBERED).all(other));
        assert!(attempts.failures().len() <= MAX_REMEMBERED);
        let last = (3 * MAX_REMEMBERED - 1).to_string();
        assert!(attempts.failures().contains_key(&("nobody".to_owned(), last)), "the oldest were forgotten");
        assert!(!wrong(&attempts, "keiko", "here", now + TimeDelta::minutes(1)), "and keiko was not");
    }

    #[test]
    fn a_right_one_forgets_the_wrong_ones_before_it() {
        let (attempts, now) = (Attempts::default(), DateTime::UNIX_EPOCH);
        assert!((0..9).all(|_| wrong(&attempts, "keiko", "here", now)));
        attempts.begin("keiko", "here", now).map(Attempt::right).unwrap_or_else(|_| panic!("the tenth is free"));
        assert_eq!((0..50).take_while(|_| wrong(&attempts, "keiko", "here", now)).count(), 10);
    }
}
