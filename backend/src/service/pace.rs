//! How many rows long work handles in one transaction: it is done in many, so that nobody waits long for a lock.

use std::time::Duration;

/// Rows of the first step, and the fewest: on a busy machine still smaller steps would only be more of them.
pub const FIRST_ROWS: usize = 1_000;
/// Rows of a step, at most: their addresses are held in memory.
const MAX_ROWS: usize = 10_000;

/// As many rows as a step may have, after one with `rows` took so long, for each to take as long as `aim`. Neither the wait
/// for its turn nor the commit is to count: smaller steps would have more of both.
pub fn next_rows(rows: usize, took: Duration, aim: Duration) -> usize {
    let share = aim.as_secs_f64() / took.as_secs_f64().max(0.001);
    ((rows as f64 * share.clamp(0.25, 4.0)) as usize).clamp(FIRST_ROWS, MAX_ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_step_is_followed_by_a_smaller_one() {
        let aim = Duration::from_millis(80);
        assert_eq!(next_rows(4_000, aim, aim), 4_000);
        assert_eq!(next_rows(4_000, aim * 2, aim), 2_000);
        assert_eq!(next_rows(2_000, aim / 10, aim), 8_000);
        assert_eq!(next_rows(8_000, aim * 100, aim), 2_000);
        assert_eq!(next_rows(1_000, aim * 2, aim), FIRST_ROWS);
        assert_eq!(next_rows(9_000, Duration::ZERO, aim), MAX_ROWS);
    }
}
