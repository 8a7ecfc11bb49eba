//! The body of a list for agents, as it is read from the database.

use super::{
    Plan,
    packed::{PackedList, PackedLists, Piece},
};
use crate::{
    service::{Error, Result},
    store::{
        ConnectionTrait, Db,
        agent_lists::{self, At, Keys, Part},
        change_sets::{self, ChangeSet},
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use shared::agent_sync::{ListBody, ListHeader};
use std::{collections::HashMap, iter, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Keys in one statement and one piece of the body.
const BATCH: usize = 20_000;
/// Where a stretch of several pieces is cut: the names of people begin so that the ranges between are about alike. Other
/// keys take longer, at worst as long as if nothing was cut.
const CUTS: [&str; 4] = ["d", "j", "m", "s"];

/// How many connections read lists as fast as they come: of all lists together, because half of those that SQLite has are
/// for everybody else.
const CONNECTIONS: usize = 4;

/// How a body is read.
#[derive(Debug, Clone)]
pub enum Pace {
    /// As somebody takes it, who may be slow: a connection is held for one piece at a time.
    AsTaken,
    /// As fast as it comes: two ranges at a time, each by a connection of these that is held for all of it. Neither the
    /// database nor we wait for the other, and a connection has at hand what it has read before.
    AtOnce(Connections),
}

/// The connections that may be held.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Semaphore>);

impl Default for Connections {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(CONNECTIONS)))
    }
}

impl Connections {
    /// A connection, when one is free: who asks first gets it first.
    async fn hold(&self, db: &Db) -> Result<(OwnedSemaphorePermit, impl ConnectionTrait + use<>)> {
        let permit = self.0.clone().acquire_owned().await.map_err(|error| Error::Internal(error.into()))?;
        Ok((permit, db.snapshot().await?))
    }
}

impl Pace {
    fn ranges_at_a_time(&self) -> usize {
        match self {
            Self::AsTaken => 1,
            Self::AtOnce(_) => 2,
        }
    }
}

/// The body: a header line, then a line for each key, in pieces.
pub fn body(db: Db, plan: Plan, pace: Pace) -> impl Stream<Item = Result<Bytes>> {
    pieces(db, plan, pace, None).map(|piece| piece.map(Piece::into_octets))
}

/// The body in pieces, of which those of `prepared` sets are compressed already.
pub fn pieces(db: Db, plan: Plan, pace: Pace, prepared: Option<Arc<PackedLists>>) -> impl Stream<Item = Result<Piece>> {
    async_stream::try_stream! {
        let header = ListHeader {
            body: if plan.from.is_some() { ListBody::Changes } else { ListBody::Snapshot },
            epoch: plan.head.epoch,
            version: plan.head.version,
            count: plan.head.sum.count,
            checksum: plan.head.sum.checksum,
        };
        let mut line = serde_json::to_vec(&header).map_err(|error| Error::Internal(error.into()))?;
        line.push(b'\n');
        yield Piece::Lines(Bytes::from(line));
        for (after, up_to) in plan.versions() {
            let sets =
                change_sets::published_between(db.connection(), plan.server_configuration_id, after, up_to).await?;
            let known: HashMap<_, _> =
                sets.iter().filter_map(|set| Some((set.id, prepared_lines(&plan, set, prepared.as_ref()?)?))).collect();
            for stretch in stretches(&plan, &sets, |set| known.contains_key(&set.id)) {
                for await piece in of_stretch(db.clone(), stretch, pace.clone()) {
                    yield Piece::Lines(piece?);
                }
            }
            for (id, list) in known {
                for await piece in list.read() {
                    if let (Err(_), Some(lists)) = (&piece, &prepared) {
                        lists.prepared.forget(id);
                    }
                    yield Piece::Packed(piece?);
                }
            }
        }
    }
}

/// What a set adds, if that was prepared and nothing later takes anything of it off.
fn prepared_lines(plan: &Plan, set: &ChangeSet, lists: &PackedLists) -> Option<Arc<PackedList>> {
    let is_last = plan.from.is_some() && set.version == Some(plan.head.version);
    if is_last { lists.prepared.lines(set) } else { None }
}

/// The lines of what a pending set adds, in pieces.
pub(super) fn pending(db: Db, set: &ChangeSet) -> impl Stream<Item = Result<Piece>> + use<> {
    let what = What::Added { at: At::Pending, sign: "+" };
    let stretch = Stretch { sets: vec![set.id], keys: set.added.count, what };
    of_stretch(db, stretch, Pace::AsTaken).map(|piece| piece.map(Piece::Lines))
}

/// The pieces of a stretch.
fn of_stretch(db: Db, stretch: Stretch, pace: Pace) -> impl Stream<Item = Result<Bytes>> {
    let (stretch, at_a_time) = (Arc::new(stretch), pace.ranges_at_a_time());
    let ranges: Vec<_> = stretch.ranges();
    let ranges = ranges.into_iter().map(move |keys| of_range(db.clone(), stretch.clone(), keys, pace.clone()).boxed());
    stream::iter(ranges).flatten_unordered(at_a_time)
}

/// The pieces of a range of a stretch.
fn of_range(db: Db, stretch: Arc<Stretch>, range: Keys<'static>, pace: Pace) -> impl Stream<Item = Result<Bytes>> {
    async_stream::try_stream! {
        let held = match &pace {
            Pace::AsTaken => None,
            Pace::AtOnce(connections) => Some(connections.hold(&db).await?),
        };
        let mut after = range.after.to_owned();
        loop {
            let keys = Keys { after: &after, ..range };
            let part = match &held {
                Some((_, connection)) => stretch.part(connection, keys).await?,
                None => stretch.part(db.connection(), keys).await?,
            };
            // An empty piece would end the body.
            if !part.lines.is_empty() { yield Bytes::from(part.lines) }
            let Some(next) = part.next else { break };
            after = next;
        }
    }
}

/// What is read in parts of [`BATCH`] keys.
struct Stretch {
    sets: Vec<Uuid>,
    /// How many keys it has at most.
    keys: i64,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// What the change sets took off the list at the version `from`.
    Removed { from: i64 },
    /// What the change sets put on it and is there then.
    Added { at: At, sign: &'static str },
}

impl Stretch {
    async fn part<C: ConnectionTrait>(&self, connection: &C, keys: Keys<'_>) -> Result<Part> {
        let part = match self.what {
            What::Removed { from } => agent_lists::removed_by(connection, &self.sets, from, keys, BATCH).await?,
            What::Added { at, sign } => agent_lists::added_by(connection, &self.sets, at, (sign, keys), BATCH).await?,
        };
        Ok(part)
    }

    /// All its keys, in ranges.
    fn ranges(&self) -> Vec<Keys<'static>> {
        let cuts = if self.keys > BATCH as i64 { CUTS.as_slice() } else { &[] };
        let ends = cuts.iter().copied().map(Some).chain([None]);
        iter::once("").chain(cuts.iter().copied()).zip(ends).map(|(after, up_to)| Keys { after, up_to }).collect()
    }
}

/// What to read of these change sets: without what those add that are `known`.
fn stretches(plan: &Plan, sets: &[ChangeSet], known: impl Fn(&ChangeSet) -> bool) -> Vec<Stretch> {
    let removed = plan.from.map(|from| groups(sets.iter(), What::Removed { from })).unwrap_or_default();
    let sign = if plan.from.is_some() { "+" } else { "" };
    let at = At::Version(plan.head.version);
    let added = groups(sets.iter().filter(|set| !known(set)), What::Added { at, sign });
    removed.into_iter().chain(added).collect()
}

/// Change sets to ask for in one statement: small ones together, a large one alone.
fn groups<'a>(sets: impl Iterator<Item = &'a ChangeSet>, what: What) -> Vec<Stretch> {
    let mut groups: Vec<Stretch> = Vec::new();
    for set in sets {
        let keys = match what {
            What::Removed { .. } => set.removed.count,
            What::Added { .. } => set.added.count,
        };
        if keys == 0 {
            continue;
        }
        match groups.last_mut() {
            Some(group) if group.keys + keys <= BATCH as i64 && group.sets.len() < 500 => {
                group.sets.push(set.id);
                group.keys += keys;
            }
            _ => groups.push(Stretch { sets: vec![set.id], keys, what }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_of_a_stretch_are_all_its_keys_each_once() {
        let ranges = |keys| Stretch { sets: vec![], keys, what: What::Removed { from: 0 } }.ranges();
        assert_eq!(ranges(BATCH as i64), [Keys { after: "", up_to: None }], "one statement reads all");
        let cut = ranges(BATCH as i64 + 1);
        assert_eq!((cut[0].after, cut[cut.len() - 1].up_to), ("", None));
        for pair in cut.windows(2) {
            assert_eq!(pair[0].up_to, Some(pair[1].after), "{cut:?}");
            assert!(pair[0].after < pair[1].after, "{cut:?}");
        }
    }
}
