//! SQLite's one write lock, taken in turns.
//!
//! SQLite lets writers try again and again, at most every 100 ms and in no order: while batches of events follow each
//! other without a gap, a release, or the queue's own statement, could find the lock taken every time until it gives up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The lock is left free for so long that everybody who tries by himself finds it free.
const GAP: Duration = Duration::from_millis(110);
/// Without a gap the turns go on for so long.
const LONGEST: Duration = Duration::from_secs(2);

/// Hands out turns in the order in which they were asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Past>>);

#[derive(Debug, Default)]
struct Past {
    /// How long the lock was held since the last gap.
    busy: Duration,
    /// When the last turn ended.
    ended: Option<Instant>,
}

/// The right to hold the write lock, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    past: OwnedMutexGuard<Past>,
    begun: Instant,
}

impl Turns {
    /// Waits for a turn.
    pub(super) async fn wait(&self) -> Turn {
        let mut past = self.0.clone().lock_owned().await;
        let free = past.ended.map_or(GAP, |ended| ended.elapsed());
        if free >= GAP {
            past.busy = Duration::ZERO;
        } else if past.busy > LONGEST {
            tokio::time::sleep(GAP - free).await;
            past.busy = Duration::ZERO;
        }
        Turn { past, begun: Instant::now() }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.past.busy += self.begun.elapsed();
        self.past.ended = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_one_at_a_time_in_order() {
        let (turns, order) = (Turns::default(), Arc::new(std::sync::Mutex::new(vec![])));
        let first = turns.wait().await;
        let mut others = vec![];
        for n in 0..5 {
            let (turns, order) = (turns.clone(), order.clone());
            others.push(tokio::spawn(async move {
                let _turn = turns.wait().await;
                order.lock().unwrap().push(n);
            }));
            tokio::task::yield_now().await;
        }
        assert!(order.lock().unwrap().is_empty());
        drop(first);
        for other in others {
            other.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn long_turns_are_followed_by_a_gap() {
        let turns = Turns::default();
        let mut turn = turns.wait().await;
        turn.begun -= LONGEST * 2;
        drop(turn);
        let begun = Instant::now();
        drop(turns.wait().await);
        assert!(begun.elapsed() >= GAP / 2);
        let begun = Instant::now();
        drop(turns.wait().await);
        assert!(begun.elapsed() < GAP, "one gap is enough");
    }
}
