//! Changes of the list on their way into it.

use super::memory::{SHARDS, shard_of};
use shared::checksum::key_hash;

/// By part of the list: the hash of each key, and whether the key is on the list afterwards.
#[derive(Debug, Default)]
pub struct Changes([Vec<(u128, bool)>; SHARDS]);

impl Changes {
    /// What whole lines change; `None` when one is neither `+key` nor `-key`.
    pub fn parse(lines: &str) -> Option<Self> {
        let mut changes = Self::default();
        changes.push_lines(lines)?;
        Some(changes.settled())
    }

    /// Adds whole lines; `None` when one is neither `+key` nor `-key`.
    pub fn push_lines(&mut self, lines: &str) -> Option<()> {
        for line in lines.lines() {
            let (key, on) = parse_change(line)?;
            self.push(key_hash(key), on);
        }
        Some(())
    }

    /// Adds a change, which counts more than those before it.
    pub fn push(&mut self, hash: u128, on: bool) {
        self.0[shard_of(hash)].push((hash, on));
    }

    /// Each key once, as its last change leaves it, in the order in which the list is kept.
    pub fn settled(mut self) -> Self {
        for part in &mut self.0 {
            part.sort_by_key(|(hash, _)| *hash);
            part.dedup_by(|later, earlier| {
                let is_same = later.0 == earlier.0;
                if is_same {
                    *earlier = *later;
                }
                is_same
            });
        }
        self
    }

    /// The changes of each part.
    pub(super) fn parts(&self) -> &[Vec<(u128, bool)>; SHARDS] {
        &self.0
    }

    /// The same, given away.
    pub(super) fn into_parts(self) -> [Vec<(u128, bool)>; SHARDS] {
        self.0
    }
}

/// One line of a list of changes.
pub(super) fn parse_change(line: &str) -> Option<(&str, bool)> {
    match line.split_at_checked(1)? {
        ("+", key) if !key.is_empty() => Some((key, true)),
        ("-", key) if !key.is_empty() => Some((key, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_a_key_counts() {
        let settled = |lines: &str| -> Vec<bool> {
            let changes = Changes::parse(lines).expect("changes");
            changes.parts().iter().flatten().map(|(_, on)| *on).collect()
        };
        assert_eq!(settled("+a@x\n-a@x\n"), [false]);
        assert_eq!(settled("-a@x\n+a@x\n-a@x\n+a@x\n"), [true]);
        assert_eq!(settled("+a@x\n+b@x\n+c@x\n"), [true; 3]);
        assert_eq!(settled(""), [true; 0]);
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for lines in ["a@x\n", "+\n", "+a@x\n\n+b@x\n", " +a@x\n"] {
            assert!(Changes::parse(lines).is_none(), "{lines:?}");
        }
    }
}
