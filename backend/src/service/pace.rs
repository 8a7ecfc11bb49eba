//! How many rows long work handles in one transaction: it is done in many, so that nobody waits long for a lock.

use std::time::Duration;

/// How long the work of a step should take in its transaction. Neither the wait for its turn nor the commit count: smaller
/// steps would have more of both.
const STEP: Duration = Duration::from_millis(80);
/// Rows of the first step, and the fewest: on a busy machine still smaller steps would only be more of them. Then as many
/// as [`STEP`] allows.
pub const FIRST_ROWS: usize = 1_000;
/// Rows of a step, at most: their addresses are held in memory.
const MAX_ROWS: usize = 10_000;

/// As many rows as a step may have, after one with `rows` took so long.
pub fn next_rows(rows: usize, took: Duration) -> usize {
    let share = STEP.as_secs_f64() / took.as_secs_f64().max(0.001);
    ((rows as f64 * share.clamp(0.25, 2.0)) as usize).clamp(FIRST_ROWS, MAX_ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_step_is_followed_by_a_smaller_one() {
        assert_eq!(next_rows(4_000, STEP), 4_000);
        assert_eq!(next_rows(4_000, STEP * 2), 2_000);
        assert_eq!(next_rows(4_000, STEP / 10), 8_000);
        assert_eq!(next_rows(8_000, STEP * 100), 2_000);
        assert_eq!(next_rows(1_000, STEP * 2), FIRST_ROWS);
        assert_eq!(next_rows(9_000, Duration::ZERO), MAX_ROWS);
    }
}
