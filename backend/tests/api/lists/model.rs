//! A plain model of the rules that lists follow.

use super::*;
use chrono::{DateTime, TimeDelta, Utc};
use shared::list::AdditionStatus;
use shared::list_operation::ListOperationKind;
use std::collections::BTreeMap;

/// Days after which a block is cancelled.
pub(super) const WATCH_DAYS: i64 = 5;

/// A small generator with a fixed seed, so that a failure can be repeated.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    pub(super) fn key(&mut self) -> String {
        format!("a{}@example.com", self.roll(12))
    }
}

/// A live block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Live {
    pub(super) made: DateTime<Utc>,
    /// The registration that made it.
    pub(super) by: Option<Uuid>,
}

/// A list operation at work.
pub(super) struct Work {
    pub(super) id: Uuid,
    /// Whether it releases, registers or undoes what.
    pub(super) kind: Kind,
    /// What it is asked to look at.
    pub(super) wanted: BTreeSet<String>,
    /// Addresses whose state something else changed meanwhile: it may have come before or after that.
    pub(super) touched: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Register { block_exempt: bool },
    Release,
    UndoRegistration(Uuid),
    UndoRelease(Uuid),
}

/// What a run does.
pub(super) struct OfRun {
    pub(super) blocked: BTreeSet<String>,
    pub(super) ended: BTreeSet<String>,
}

/// What the rules say.
#[derive(Default)]
pub(super) struct Model {
    /// Addresses with errors counted.
    pub(super) tallies: BTreeSet<String>,
    /// Exempt addresses, and the bulk release that their exemption is from.
    pub(super) exempt: BTreeMap<String, Option<Uuid>>,
    pub(super) live: BTreeMap<String, Live>,
    /// What the published list holds.
    pub(super) published: BTreeSet<String>,
    /// The published list at each version.
    pub(super) history: Vec<BTreeSet<String>>,
    /// The exemptions that a registration ended.
    pub(super) ended: BTreeMap<(Uuid, String), Option<Uuid>>,
    /// The blocks that a bulk release ended.
    pub(super) released: BTreeMap<(Uuid, String), Live>,
    /// Registrations that were undone.
    pub(super) undone: BTreeSet<Uuid>,
    /// Operations that are done and can be undone.
    pub(super) done: Vec<(Uuid, ListOperationKind)>,
    pub(super) work: Option<Work>,
}

impl Model {
    /// What a run is to do. `held`: an operation takes them off. `claimed`: one is about to block or exempt them. A run
    /// leaves both alone.
    pub(super) fn expect_of_run(
        &self,
        at: DateTime<Utc>,
        held: &BTreeSet<String>,
        claimed: &BTreeSet<String>,
    ) -> OfRun {
        let over =
            |(key, block): &(&String, &Live)| block.made + TimeDelta::days(WATCH_DAYS) <= at && !held.contains(*key);
        let ended: BTreeSet<String> = self.live.iter().filter(over).map(|(key, _)| key.clone()).collect();
        let free =
            |key: &&String| !self.live.contains_key(*key) && !self.exempt.contains_key(*key) && !claimed.contains(*key);
        OfRun { blocked: self.tallies.iter().filter(free).cloned().collect(), ended }
    }

    /// Takes in what a run has done.
    pub(super) fn ran(&mut self, at: DateTime<Utc>, blocked: &BTreeSet<String>, ended: &BTreeSet<String>) {
        for key in ended {
            assert!(self.live.remove(key).is_some(), "{key} was not blocked");
            self.tallies.remove(key);
        }
        for key in blocked {
            let before = self.live.insert(key.clone(), Live { made: at, by: None });
            assert!(before.is_none() && !self.exempt.contains_key(key), "{key} was blocked, or exempt");
        }
    }

    pub(super) fn publish(&mut self) {
        self.published = self.live.keys().cloned().collect();
    }

    pub(super) fn release(&mut self, key: &str) {
        let was_live = self.live.remove(key).is_some();
        let was_published = self.published.remove(key);
        if was_live || was_published {
            self.exempt.insert(key.to_owned(), None);
            self.tallies.remove(key);
        }
    }

    pub(super) fn add(&mut self, key: &str, block_exempt: bool, now: DateTime<Utc>) -> AdditionStatus {
        if self.live.contains_key(key) {
            return AdditionStatus::AlreadyBlocked;
        }
        if self.exempt.contains_key(key) {
            if !block_exempt {
                return AdditionStatus::Exempt;
            }
            self.exempt.remove(key);
        }
        self.live.insert(key.to_owned(), Live { made: now, by: None });
        AdditionStatus::Added
    }

    /// Whether an operation that sees an address as it is now is about it.
    pub(super) fn is_about(&self, kind: Kind, key: &str) -> bool {
        match kind {
            Kind::Register { block_exempt } => {
                !self.live.contains_key(key) && (block_exempt || !self.exempt.contains_key(key))
            }
            Kind::Release => self.live.contains_key(key),
            Kind::UndoRegistration(of) => self.live.get(key).is_some_and(|block| block.by == Some(of)),
            Kind::UndoRelease(of) => {
                let by = self.released.get(&(of, key.to_owned())).and_then(|block| block.by);
                self.exempt.get(key) == Some(&Some(of)) && !by.is_some_and(|by| self.undone.contains(&by))
            }
        }
    }

    /// Does to `key` what an operation does.
    pub(super) fn apply(&mut self, id: Uuid, kind: Kind, key: &str, at: DateTime<Utc>) {
        match kind {
            Kind::Register { .. } => {
                if let Some(from) = self.exempt.remove(key) {
                    self.ended.insert((id, key.to_owned()), from);
                }
                self.live.insert(key.to_owned(), Live { made: at, by: Some(id) });
            }
            Kind::Release => {
                let block = self.live.remove(key).expect("a live block");
                self.published.remove(key);
                self.released.insert((id, key.to_owned()), block);
                self.exempt.insert(key.to_owned(), Some(id));
            }
            Kind::UndoRegistration(_) => {
                self.live.remove(key);
                self.published.remove(key);
            }
            Kind::UndoRelease(of) => {
                self.exempt.remove(key);
                self.live.insert(key.to_owned(), self.released[&(of, key.to_owned())]);
                self.published.insert(key.to_owned());
            }
        }
    }

    /// What lists say of each address.
    pub(super) fn states(&self) -> BTreeMap<String, (bool, bool)> {
        let keys = self.live.keys().chain(self.exempt.keys());
        keys.map(|key| (key.clone(), (self.live.contains_key(key), self.exempt.contains_key(key)))).collect()
    }
}
