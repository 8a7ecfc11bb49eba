//! What the tasks that read the mail log and take over bounces show of themselves.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64},
};

/// The tasks, seen from outside.
#[derive(Debug, Default)]
pub struct Progress {
    /// Set to end them.
    pub stop: AtomicBool,
    /// How many octets of the current mail log were read.
    pub octets: AtomicU64,
    /// Why the mail log is not read, if so.
    pub mail_log: Problem,
    /// Why bounces are not taken over, if so.
    pub incoming: Problem,
}

/// What is wrong, if anything is.
#[derive(Debug, Default)]
pub struct Problem(Mutex<Option<String>>);

impl Problem {
    /// What is wrong now.
    pub fn now(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes it, and logs it once; when it is over, `well` is logged.
    pub fn note(&self, problem: Option<String>, well: &str) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *noted == problem {
            return;
        }
        match &problem {
            Some(problem) => tracing::warn!("{problem}"),
            None => tracing::info!("{well}"),
        }
        *noted = problem;
    }
}
