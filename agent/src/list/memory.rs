//! The list in memory: 16 bytes an address.

use super::changes::Changes;
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::{
        RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// What changes, by the hashes of keys.
pub type ByHash<T> = HashMap<u128, T, BuildHasherDefault<AsItIs>>;

/// The hash of a key is as good as any other made of it, which would cost more than all else that is done with changes.
#[derive(Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The list is kept in parts, so that merging and replacing need the memory of a part, not of a second list.
pub const SHARDS: usize = 16;
/// How many changes a part collects before they are merged into its sorted keys.
const MERGE_AT: usize = 4_096;

/// Which part a hash is in.
pub fn shard_of(hash: u128) -> usize {
    (hash >> 124) as usize
}

#[derive(Default)]
struct Shard {
    /// Sorted, without duplicates.
    keys: Vec<u128>,
    /// What changed since: true is on the list.
    changes: ByHash<bool>,
}

impl Shard {
    fn contains(&self, hash: u128) -> bool {
        self.changes.get(&hash).copied().unwrap_or_else(|| self.keys.binary_search(&hash).is_ok())
    }

    /// Takes some off and puts others on; both are sorted.
    fn change(&mut self, mut off: Vec<u128>, mut on: Vec<u128>) {
        if off.len() + on.len() < MERGE_AT || !self.changes.is_empty() {
            self.changes.extend(off.into_iter().map(|hash| (hash, false)));
            self.changes.extend(on.into_iter().map(|hash| (hash, true)));
            if self.changes.len() < MERGE_AT {
                return;
            }
            (off, on) = (Vec::new(), Vec::new());
            for (hash, is_on) in std::mem::take(&mut self.changes) {
                if is_on { on.push(hash) } else { off.push(hash) }
            }
            off.sort_unstable();
            on.sort_unstable();
        }
        self.merge(&off, on);
    }

    fn merge(&mut self, off: &[u128], mut on: Vec<u128>) {
        let mut off = off.iter().peekable();
        self.keys.retain(|key| {
            while off.next_if(|hash| *hash < key).is_some() {}
            off.next_if_eq(&key).is_none()
        });
        // The longer one is not copied: of a first list that is all of it.
        if on.len() > self.keys.len() {
            std::mem::swap(&mut self.keys, &mut on);
        }
        self.keys.extend(on);
        // The stable sort merges two sorted runs, it does not sort them anew.
        self.keys.sort();
        self.keys.dedup();
        self.keys.shrink_to_fit();
    }
}

/// The hashes of all keys on the list. Lookups and changes may run at the same time.
#[derive(Default)]
pub struct Memory {
    shards: [RwLock<Shard>; SHARDS],
    loaded: AtomicBool,
}

impl Memory {
    /// Whether there is a list to answer from. Without one, "not blocked" would be a guess.
    pub fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Says whether there is a list to answer from.
    pub fn set_loaded(&self, loaded: bool) {
        self.loaded.store(loaded, Ordering::Release);
    }

    /// Whether the key with this hash is on the list.
    pub fn contains(&self, hash: u128) -> bool {
        self.read(shard_of(hash), |shard| shard.contains(hash))
    }

    /// Gives each change with whether its key is on the list before it.
    pub fn compare(&self, changes: &Changes, mut each: impl FnMut(u128, bool, bool)) {
        for (index, (off, on)) in changes.parts().enumerate() {
            self.read(index, |shard| {
                off.iter().for_each(|hash| each(*hash, shard.contains(*hash), false));
                on.iter().for_each(|hash| each(*hash, shard.contains(*hash), true));
            });
        }
    }

    /// Takes keys off the list and puts others on it.
    pub fn apply(&self, changes: Changes) {
        for (index, (off, on)) in changes.into_parts().enumerate() {
            if !off.is_empty() || !on.is_empty() {
                self.write(index, |shard| shard.change(off, on));
            }
        }
    }

    /// Replaces one part of the list; the hashes in any order.
    pub fn replace_shard(&self, index: usize, mut keys: Vec<u128>) {
        keys.sort_unstable();
        keys.dedup();
        keys.shrink_to_fit();
        self.write(index, |shard| *shard = Shard { keys, changes: ByHash::default() });
    }

    // A panic while a lock is held leaves at worst an unmerged part; lookups must go on, so poison is passed over.
    fn read<T>(&self, index: usize, look: impl FnOnce(&Shard) -> T) -> T {
        look(&self.shards[index].read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn write(&self, index: usize, change: impl FnOnce(&mut Shard)) {
        change(&mut self.shards[index].write().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::checksum::key_hash;
    use std::collections::HashSet;

    #[test]
    fn agrees_with_a_plain_set_through_merges_and_replacement() {
        let memory = Memory::default();
        let hash = |n: u32| key_hash(&format!("user{n}@example.com"));
        let mut expected = HashSet::new();
        for round in 0..40u32 {
            // Few at a time, which are collected, and so many that they are merged at once.
            let mut changes = Changes::default();
            for n in 0..if round % 8 == 7 { 100_000 } else { 5_000 } {
                let (number, on) = ((n * 7 + round * 3_001) % 150_000, (n + round) % 3 != 0);
                changes.push(hash(number), on);
                if on {
                    expected.insert(hash(number))
                } else {
                    expected.remove(&hash(number))
                };
            }
            memory.apply(changes.settled());
        }
        for n in 0..150_000 {
            assert_eq!(memory.contains(hash(n)), expected.contains(&hash(n)), "{n}");
        }
        for index in 0..SHARDS {
            memory.replace_shard(index, Vec::new());
        }
        assert!((0..150_000).all(|n| !memory.contains(hash(n))));
    }
}
