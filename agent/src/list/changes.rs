//! Changes of the list on their way into it.

use super::memory::{SHARDS, shard_of};
use shared::checksum::key_hash;

/// The hashes of keys, by part of the list.
type Parts = [Vec<u128>; SHARDS];

/// The keys that come off the list, and those that are on it afterwards: a key that is both is on it.
#[derive(Debug, Default)]
pub struct Changes {
    off: Parts,
    on: Parts,
    /// Whether a line has put a key on.
    puts_on: bool,
}

impl Changes {
    /// What whole lines change; `None` as in [`Self::push_lines`].
    pub fn parse(lines: &str) -> Option<Self> {
        let mut changes = Self::default();
        changes.push_lines(lines)?;
        Some(changes.settled())
    }

    /// Adds whole lines; `None` when one is neither `+key` nor `-key`, or takes a key off after another has put one on.
    pub fn push_lines(&mut self, lines: &str) -> Option<()> {
        for line in lines.lines() {
            let (key, on) = parse_change(line)?;
            if self.puts_on && !on {
                return None;
            }
            self.puts_on = on;
            self.push(key_hash(key), on);
        }
        Some(())
    }

    /// Adds a change.
    pub(super) fn push(&mut self, hash: u128, on: bool) {
        let parts = if on { &mut self.on } else { &mut self.off };
        parts[shard_of(hash)].push(hash);
    }

    /// Each key once, in the order in which the list is kept.
    pub fn settled(mut self) -> Self {
        for (off, on) in self.off.iter_mut().zip(&mut self.on) {
            for part in [&mut *off, on] {
                part.sort_unstable();
                part.dedup();
            }
            off.retain(|hash| on.binary_search(hash).is_err());
        }
        self
    }

    /// What comes off each part, and what is on it.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&[u128], &[u128])> {
        self.off.iter().zip(&self.on).map(|(off, on)| (off.as_slice(), on.as_slice()))
    }

    /// The same, given away.
    pub(super) fn into_parts(self) -> impl Iterator<Item = (Vec<u128>, Vec<u128>)> {
        self.off.into_iter().zip(self.on)
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
    fn a_key_that_is_taken_off_and_put_on_is_on() {
        let settled = |lines: &str| {
            let changes = Changes::parse(lines).expect("changes");
            let (off, on): (Vec<_>, Vec<_>) = changes.into_parts().unzip();
            (off.concat().len(), on.concat().len())
        };
        assert_eq!(settled("-a@x\n+a@x\n"), (0, 1));
        assert_eq!(settled("-a@x\n-b@x\n-a@x\n+c@x\n+b@x\n+c@x\n"), (1, 2));
        assert_eq!(settled("+a@x\n+b@x\n+c@x\n"), (0, 3));
        assert_eq!(settled(""), (0, 0));
    }

    #[test]
    fn what_comes_off_comes_first() {
        let mut changes = Changes::default();
        for (lines, expected) in [("-a@x\n", Some(())), ("-b@x\n+a@x\n", Some(())), ("-c@x\n", None)] {
            assert_eq!(changes.push_lines(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for lines in ["a@x\n", "+\n", "+a@x\n\n+b@x\n", " +a@x\n"] {
            assert!(Changes::parse(lines).is_none(), "{lines:?}");
        }
    }
}
