//! Long change sets that wait for their publication, read and compressed before it: what every mail server wants at that
//! moment is only copied then. It is a shortcut alone. A set that was changed since is read from the database, and so is
//! every set after a restart, until it is prepared again.

use super::{
    body,
    packed::{PackedList, Piece},
};
use crate::{
    service::{Result, wake::What},
    state::AppState,
    store::change_sets::{self, ChangeSet, Sum},
};
use futures::{Stream, StreamExt};
use shared::checksum::key_hash;
use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Sets that add fewer addresses are read in a few milliseconds.
const LEAST: i64 = 20_000;
/// How many sets are prepared at a time: each is an open file.
const MOST: usize = 64;
/// How long a change waits for more changes.
const SETTLE: Duration = Duration::from_secs(1);
/// Preparing may take this part of the time: a set that changes again and again is read again and again. But the lists of
/// others wait no longer than this.
const REST_PER_TIME: u32 = 10;
const LONGEST_REST: Duration = Duration::from_secs(30);
/// How long a set that was published is still there for the mail servers, which ask at the same moment.
const KEPT: Duration = Duration::from_secs(30);
/// How often is looked without a signal, which may be lost; and when what failed is tried again.
const LOOK: Duration = Duration::from_secs(300);

/// The change sets that are prepared, by their ids.
#[derive(Debug, Default)]
pub struct PreparedSets(Mutex<HashMap<Uuid, Prepared>>);

#[derive(Debug, Clone)]
struct Prepared {
    server_configuration_id: Uuid,
    /// What the set added when it was read.
    added: Sum,
    /// Its `+` lines. `None`: they could not be read, or were not what the set said, because it was changed meanwhile.
    lines: Option<Arc<PackedList>>,
    /// When it is forgotten.
    until: Option<Instant>,
}

impl PreparedSets {
    /// The lines of what a set adds, if they were prepared and the set is still the same.
    pub fn lines(&self, set: &ChangeSet) -> Option<Arc<PackedList>> {
        self.get(set)?.lines
    }

    fn get(&self, set: &ChangeSet) -> Option<Prepared> {
        self.known().get(&set.id).filter(|prepared| prepared.added == set.added).cloned()
    }

    /// Forgets a set: who asks next gets it from the database.
    pub(super) fn forget(&self, id: Uuid) {
        self.known().remove(&id);
    }

    /// Keeps the sets of a configuration that are `pending` and the same; those that are not pending any more for a moment.
    fn keep(&self, server_configuration_id: Uuid, pending: &[ChangeSet], now: Instant) {
        self.known().retain(|id, prepared| {
            if prepared.server_configuration_id != server_configuration_id {
                return true;
            }
            let set = pending.iter().find(|set| set.id == *id);
            if set.is_none() {
                prepared.until.get_or_insert(now + KEPT);
            }
            set.is_none_or(|set| set.added == prepared.added) && prepared.until.is_none_or(|until| now < until)
        });
    }

    fn insert(&self, set: &ChangeSet, server_configuration_id: Uuid, lines: Option<Arc<PackedList>>) {
        let until = lines.is_none().then(|| Instant::now() + LOOK);
        self.known().insert(set.id, Prepared { server_configuration_id, added: set.added, lines, until });
    }

    fn is_full(&self) -> bool {
        self.known().len() >= MOST
    }

    fn configurations(&self) -> Vec<Uuid> {
        self.known().values().map(|prepared| prepared.server_configuration_id).collect()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Uuid, Prepared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prepares the long pending sets of every list, again after each change, until `shutdown`.
pub async fn follow(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    // Listen before looking: what becomes pending in between is heard.
    let mut signals = state.wake.listen();
    let mut looks = tokio::time::interval(LOOK);
    let mut changed = HashSet::new();
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            _ = looks.tick() => changed.extend(all(&state).await),
            signal = signals.recv() => {
                if changed.is_empty() {
                    next = next.max(Instant::now() + SETTLE);
                }
                match signal {
                    Ok(signal) if matches!(signal.what, What::List | What::Rows) => drop(changed.insert(signal.of)),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => changed.extend(all(&state).await),
                    Err(RecvError::Closed) => return Ok(()),
                }
            }
            () = sleep_until(next), if !changed.is_empty() => {
                let started = Instant::now();
                for id in std::mem::take(&mut changed) {
                    let prepared = shutdown.run_until_cancelled(prepare(&state, id, LEAST)).await;
                    if let Some(Err(error)) = prepared {
                        tracing::warn!(%error, "cannot look for lists that wait for their publication");
                    }
                }
                next = Instant::now() + (started.elapsed() * REST_PER_TIME).min(LONGEST_REST);
            }
        }
    }
}

/// The configurations that have something to prepare, and those of which something is prepared.
async fn all(state: &AppState) -> Vec<Uuid> {
    let mut all = state.packed_lists.prepared.configurations();
    match change_sets::with_long_pending(state.db.connection(), LEAST).await {
        Ok(found) => all.extend(found),
        Err(error) => tracing::warn!(%error, "cannot look for lists that wait for their publication"),
    }
    all
}

/// Prepares the pending sets of a configuration that add at least `least` addresses.
///
/// # Errors
/// The database refused; nothing depends on it.
pub async fn prepare(state: &AppState, server_configuration_id: Uuid, least: i64) -> Result<()> {
    let prepared = &state.packed_lists.prepared;
    let pending = change_sets::pending(state.db.connection(), server_configuration_id).await?;
    prepared.keep(server_configuration_id, &pending, Instant::now());
    for set in pending.iter().filter(|set| set.added.count >= least) {
        if prepared.get(set).is_none() && !prepared.is_full() && state.db.check_room().is_ok() {
            let lines = read(state, set).await;
            prepared.insert(set, server_configuration_id, lines);
        }
    }
    Ok(())
}

/// Reads what a set adds; `None` when that is not what the set says, or cannot be read or stored.
async fn read(state: &AppState, set: &ChangeSet) -> Option<Arc<PackedList>> {
    let started = Instant::now();
    let sum = Arc::new(Mutex::new(Sum::default()));
    let lines = summed(body::pending(state.db.clone(), set), sum.clone());
    let refused = |error: &io::Error| tracing::warn!(%error, "the disk refuses a list before its publication");
    let list = PackedList::start(&state.settings.data_dir, lines, refused).inspect_err(refused).ok()?;
    let is_it = list.whole().await && *sum.lock().unwrap_or_else(PoisonError::into_inner) == set.added;
    let milliseconds = started.elapsed().as_millis() as u64;
    tracing::info!(addresses = set.added.count, milliseconds, is_it, "prepared a list before its publication");
    is_it.then_some(list)
}

/// The pieces, with the sum of their keys.
fn summed(pieces: impl Stream<Item = Result<Piece>>, sum: Arc<Mutex<Sum>>) -> impl Stream<Item = Result<Piece>> {
    pieces.inspect(move |piece| {
        let Ok(Piece::Lines(lines)) = piece else { return };
        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
        for line in std::str::from_utf8(lines).unwrap_or_default().lines() {
            sum.count += 1;
            sum.checksum.add_hash(key_hash(&line[1..]));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use shared::ListChecksum;

    const CONFIGURATION: Uuid = Uuid::from_u128(1);

    fn set(count: i64) -> ChangeSet {
        let added = Sum { count, checksum: ListChecksum::EMPTY };
        ChangeSet { id: Uuid::from_u128(2), version: None, ready: true, added, removed: Sum::default() }
    }

    async fn prepared(lines: bool) -> PreparedSets {
        let folder = tempfile::tempdir().unwrap();
        let list = PackedList::start(folder.path(), stream::empty(), |_| {}).unwrap();
        assert!(list.whole().await);
        let sets = PreparedSets::default();
        sets.insert(&set(1), CONFIGURATION, lines.then_some(list));
        sets
    }

    #[tokio::test]
    async fn what_was_published_is_there_for_a_moment() {
        let (sets, now) = (prepared(true).await, Instant::now());
        sets.keep(CONFIGURATION, &[set(1)], now + 2 * LOOK);
        let published = now + 3 * LOOK;
        sets.keep(CONFIGURATION, &[], published);
        sets.keep(CONFIGURATION, &[], published + KEPT - Duration::from_millis(1));
        sets.keep(Uuid::from_u128(3), &[], published + LOOK);
        assert!(sets.lines(&set(1)).is_some(), "the last was of another list");
        sets.keep(CONFIGURATION, &[], published + KEPT);
        assert!(sets.lines(&set(1)).is_none());
        assert!(sets.configurations().is_empty());
    }

    #[tokio::test]
    async fn what_was_changed_is_forgotten_at_once() {
        let sets = prepared(true).await;
        assert!(sets.lines(&set(2)).is_none());
        sets.keep(CONFIGURATION, &[set(2)], Instant::now());
        assert!(sets.configurations().is_empty());
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_left_alone_for_a_while() {
        let sets = prepared(false).await;
        sets.keep(CONFIGURATION, &[set(1)], Instant::now());
        assert!(sets.get(&set(1)).is_some_and(|prepared| prepared.lines.is_none()));
        sets.keep(CONFIGURATION, &[set(1)], Instant::now() + LOOK);
        assert!(sets.get(&set(1)).is_none());
    }
}
