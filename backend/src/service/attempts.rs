//! Slows down guessing of passwords.

use super::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Wrong passwords that are free in one [`WINDOW`].
const FREE: u32 = 10;
/// How long a wrong password counts.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// How many pairs are remembered; beyond it the expired ones are forgotten, then all.
const MAX_REMEMBERED: usize = 10_000;

/// Wrong passwords for each pair of user and client, so that nobody can lock out a user from elsewhere.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<(String, String), Failures>>);

struct Failures {
    since: DateTime<Utc>,
    count: u32,
}

impl Attempts {
    /// Whether a client may try a password of a user.
    ///
    /// # Errors
    /// [`Error::TooMany`] until the oldest wrong password no longer counts.
    pub fn check(&self, user: &str, client: &str, now: DateTime<Utc>) -> Result<()> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.get(&key(user, client)) {
            Some(failed) if failed.count >= FREE && now < failed.since + WINDOW => {
                let seconds = (failed.since + WINDOW - now).num_seconds() + 1;
                Err(Error::TooMany { retry_after: u32::try_from(seconds).unwrap_or(u32::MAX) })
            }
            _ => Ok(()),
        }
    }

    /// Remembers a wrong password.
    pub fn failed(&self, user: &str, client: &str, now: DateTime<Utc>) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_REMEMBERED {
            failures.retain(|_, failed| now < failed.since + WINDOW);
        }
        if failures.len() >= MAX_REMEMBERED {
            failures.clear();
        }
        let failed = failures.entry(key(user, client)).or_insert(Failures { since: now, count: 0 });
        if now >= failed.since + WINDOW {
            *failed = Failures { since: now, count: 0 };
        }
        failed.count += 1;
    }

    /// Forgets the wrong passwords before a right one.
    pub fn succeeded(&self, user: &str, client: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(user, client));
    }
}

fn key(user: &str, client: &str) -> (String, String) {
    (user.to_owned(), client.to_owned())
}
