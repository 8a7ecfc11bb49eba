//! Long change sets that wait for their publication, read and compressed before it: what every mail server wants at that
//! moment is only copied then. It is a shortcut alone. A set that was changed since is read from the database, and so is
//! every set after a restart, until it is prepared again.

use super::{
    body,
    packed::{PackedList, Piece},
};
use crate::{
    service::{Error, Result, wake::What},
    state::AppState,
    store::change_sets::{self, ChangeSet, Sum},
};
use futures::{Stream, StreamExt};
use shared::checksum::key_hash;
use std::{
    collections::{HashMap, HashSet},
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
/// How long a change waits for more changes.
const SETTLE: Duration = Duration::from_secs(1);
/// Preparing may take this part of the time at most: a set that changes again and again is read again and again.
const REST_PER_TIME: u32 = 10;

/// The change sets that are prepared, by their ids.
#[derive(Debug, Default)]
pub struct PreparedSets(Mutex<HashMap<Uuid, Prepared>>);

#[derive(Debug, Clone)]
struct Prepared {
    server_configuration_id: Uuid,
    /// What the set added when it was read.
    added: Sum,
    /// Its `+` lines. `None`: they were not what the set said, because it was changed meanwhile.
    lines: Option<Arc<PackedList>>,
}

impl PreparedSets {
    /// The lines of what a set adds, if they were prepared and the set is still the same.
    pub fn lines(&self, set: &ChangeSet) -> Option<Arc<PackedList>> {
        let known = self.known();
        known.get(&set.id).filter(|prepared| prepared.added == set.added).and_then(|prepared| prepared.lines.clone())
    }

    fn knows(&self, set: &ChangeSet) -> bool {
        self.known().get(&set.id).is_some_and(|prepared| prepared.added == set.added)
    }

    /// Forgets a set: who asks next gets it from the database.
    pub(super) fn forget(&self, id: Uuid) {
        self.known().remove(&id);
    }

    /// Forgets the sets of a configuration that are not among these.
    fn keep(&self, server_configuration_id: Uuid, sets: &[ChangeSet]) {
        self.known().retain(|id, prepared| {
            prepared.server_configuration_id != server_configuration_id
                || sets.iter().any(|set| set.id == *id && set.added == prepared.added)
        });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Uuid, Prepared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prepares the long pending sets of every list, again after each change, until `shutdown`.
pub async fn follow(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    // Listen before looking: what becomes pending in between is heard.
    let mut signals = state.wake.listen();
    let mut changed = with_long_sets(&state).await;
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            signal = signals.recv() => {
                if changed.is_empty() {
                    next = next.max(Instant::now() + SETTLE);
                }
                match signal {
                    Ok(signal) if matches!(signal.what, What::List | What::Rows) => drop(changed.insert(signal.of)),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => changed.extend(with_long_sets(&state).await),
                    Err(RecvError::Closed) => return Ok(()),
                }
            }
            () = sleep_until(next), if !changed.is_empty() => {
                let started = Instant::now();
                for id in std::mem::take(&mut changed) {
                    let prepared = shutdown.run_until_cancelled(prepare(&state, id, LEAST)).await;
                    if let Some(Err(error)) = prepared {
                        tracing::warn!(%error, "cannot prepare a list before its publication; it is read after it");
                    }
                }
                next = Instant::now() + started.elapsed() * REST_PER_TIME;
            }
        }
    }
}

/// The configurations that have something to prepare; none when the database refuses: a change tells of them again.
async fn with_long_sets(state: &AppState) -> HashSet<Uuid> {
    let found = change_sets::with_long_pending(state.db.connection(), LEAST).await;
    found.map(HashSet::from_iter).unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot look for lists that wait for their publication");
        HashSet::new()
    })
}

/// Prepares the pending sets of a configuration that add at least `least` addresses, and forgets those that are not pending
/// any more: the mail servers that listen have asked at once.
///
/// # Errors
/// The database or the disk refused; nothing depends on it.
pub async fn prepare(state: &AppState, server_configuration_id: Uuid, least: i64) -> Result<()> {
    let prepared = &state.packed_lists.prepared;
    let pending = change_sets::pending(state.db.connection(), server_configuration_id).await?;
    prepared.keep(server_configuration_id, &pending);
    for set in pending.iter().filter(|set| set.added.count >= least) {
        if !prepared.knows(set) && state.db.check_room().is_ok() {
            let lines = read(state, set).await?;
            prepared.known().insert(set.id, Prepared { server_configuration_id, added: set.added, lines });
        }
    }
    Ok(())
}

/// Reads what a set adds; `None` when that is not what the set says.
async fn read(state: &AppState, set: &ChangeSet) -> Result<Option<Arc<PackedList>>> {
    let started = Instant::now();
    let sum = Arc::new(Mutex::new(Sum::default()));
    let lines = summed(body::pending(state.db.clone(), set), sum.clone());
    let list = PackedList::start(&state.settings.data_dir, lines, |_| {});
    let list = list.map_err(|error| Error::Internal(error.into()))?;
    if !list.whole().await {
        return Err(Error::Internal(anyhow::anyhow!("it broke off")));
    }
    let is_it = *sum.lock().unwrap_or_else(PoisonError::into_inner) == set.added;
    let milliseconds = started.elapsed().as_millis() as u64;
    tracing::info!(addresses = set.added.count, milliseconds, is_it, "prepared a list before its publication");
    Ok(is_it.then_some(list))
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
