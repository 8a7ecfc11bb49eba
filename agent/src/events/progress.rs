//! What the tasks that read the mail log and take over bounces show of themselves.

use crate::status::Problem;
use std::sync::atomic::{AtomicBool, AtomicU64};

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
