//! How much work one search may be.

use crate::store::search::COUNT_LIMIT;
use std::time::Duration;

/// How far a search goes.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rows that are looked at to learn how frequent matches are: a few milliseconds.
    pub probe: u64,
    /// Rows that one search walks at most: a few tenths of a second where the database has them in memory.
    pub walk: u64,
    /// How long one search walks, where it has not.
    pub time: Duration,
    /// Rows that an index may name before the search rather walks the list.
    pub candidates: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { probe: 20_000, walk: 400_000, time: Duration::from_secs(1), candidates: COUNT_LIMIT }
    }
}
