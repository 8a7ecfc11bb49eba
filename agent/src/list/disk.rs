//! The list on disk: a snapshot with the keys, and a journal of what changed since.
//!
//! Both are lines of text. A snapshot starts with a sealed [`Acknowledgement`] and goes on with one key a line; count
//! and checksum of the keys must be what the first line says. The journal starts with the sealed position of the
//! snapshot that it continues; then come batches, each a sealed [`BatchHeader`] and its `-key` and `+key` lines, compressed
//! where they came so. A snapshot at the position after one of them is continued by those that follow it.

use super::{
    reader::{OpenList, open_journal},
    received::Received,
    seal::sealed,
    snapshot::{Hashes, SnapshotWriter, read_keys, read_position},
};
use crate::files;
use serde::{Deserialize, Serialize};
use shared::{ListChecksum, agent_sync::Acknowledgement, checksum::key_hash};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    iter,
    path::{Path, PathBuf},
};

/// Folding the journal into the snapshot starts when its lines have this length, about 300,000 changes; it bounds what a
/// fold holds in memory.
const COMPACT_AT_BYTES: u64 = 8 << 20;
/// How much of what the disk refuses is kept in memory, at least two million changes.
const MAX_UNSAVED_OCTETS: usize = 64 << 20;

/// Why a list on disk or a download cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// There is no list yet.
    #[error("there is no list on disk")]
    Missing,
    /// The file is damaged.
    #[error("{0} is damaged")]
    Damaged(&'static str),
    /// What came has another count or checksum than it says.
    #[error("the list has {count} addresses and checksum {checksum}, its header says otherwise")]
    Mismatch {
        /// How many addresses there are.
        count: i64,
        /// Their checksum.
        checksum: ListChecksum,
    },
    /// Too much waits for a disk that refuses; nothing changed.
    #[error("the disk has refused so many changes that no more are taken until it has room")]
    Behind,
    /// The disk refused.
    #[error("the disk refused: {0}")]
    Disk(#[from] io::Error),
}

/// The first line of a batch in the journal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BatchHeader {
    /// What the list is after the batch.
    pub(super) position: Acknowledgement,
    /// How many octets follow.
    pub(super) octets: u64,
    /// They are compressed as in [`Received::unpacked`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unpacked: Option<u64>,
}

impl BatchHeader {
    /// How long the lines are, in octets.
    pub(super) fn lines(&self) -> u64 {
        self.unpacked.unwrap_or(self.octets)
    }
}

/// How long a journal is, or a part of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// On disk, in octets.
    pub(super) octets: u64,
    /// What its batches change, in octets of lines.
    pub(super) lines: u64,
}

/// Where the list is on disk.
#[derive(Debug)]
pub struct Disk {
    snapshot: PathBuf,
    journal: PathBuf,
    /// The sound part of the journal; what is behind it is of a batch that failed.
    extent: Extent,
    /// The first line of the journal to start, while the one on disk belongs to another snapshot.
    new_journal: Option<String>,
    /// Batches that the disk refused so far, in order.
    unsaved: Vec<u8>,
    /// How long the lines of the journal get before it is folded into the snapshot, in octets.
    compact_at: u64,
}

impl Disk {
    /// The list in a folder; touches nothing.
    pub fn new(folder: &Path) -> Self {
        Self {
            snapshot: folder.join("list.snapshot"),
            journal: folder.join("list.journal"),
            extent: Extent::default(),
            new_journal: None,
            unsaved: Vec::new(),
            compact_at: COMPACT_AT_BYTES,
        }
    }

    /// Reads the snapshot and gives the hash of each key, with the first line.
    ///
    /// # Errors
    /// When there is no sound snapshot. What `each` was given is then worthless.
    pub fn load_snapshot(&self, mut each: impl FnMut(&Acknowledgement, u128)) -> Result<Acknowledgement, ListError> {
        let (mut count, mut checksum) = (0, ListChecksum::EMPTY);
        let header = read_keys(&File::open(&self.snapshot).map_err(missing_or_disk)?, |header, key| {
            let hash = key_hash(key);
            count += 1;
            checksum.add_hash(hash);
            each(header, hash);
        })?;
        if (count, checksum) != (header.count, header.checksum) {
            return Err(ListError::Damaged("list.snapshot"));
        }
        Ok(header)
    }

    /// Gives the batches of the journal that continues the snapshot, each with the position after it. The journal ends
    /// before the first batch that is torn or that `batch` refuses; [`Self::flush`] cuts off what is behind.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn load_journal(
        &mut self,
        snapshot: &Acknowledgement,
        mut batch: impl FnMut(&Acknowledgement, &str) -> bool,
    ) -> Result<(), ListError> {
        self.start_journal(snapshot)?;
        let Some(mut journal) = open_journal(&self.journal, snapshot)? else { return Ok(()) };
        self.new_journal = None;
        self.extent = journal.extent;
        let mut lines = String::new();
        while let Some(after) = journal.next_batch(&mut lines)? {
            if !batch(&after, &lines) {
                break;
            }
            self.extent = journal.extent;
        }
        Ok(())
    }

    /// Appends a batch durably. What the disk refuses is kept and tried again with the next batch and by
    /// [`Self::flush`].
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn append(&mut self, position: &Acknowledgement, batch: &Received) -> Result<(), ListError> {
        let header =
            BatchHeader { position: position.clone(), octets: batch.octets.len() as u64, unpacked: batch.unpacked };
        self.extent.lines += header.lines();
        let header = sealed(&header)?;
        let batch = [header.as_bytes(), &batch.octets];
        let written = self.write(&batch);
        if written.is_err() {
            batch.iter().for_each(|part| self.unsaved.extend_from_slice(part));
        }
        written
    }

    /// Whether so many octets can be kept if the disk refuses them.
    pub fn has_room_for(&self, octets: usize) -> bool {
        self.unsaved.len() + octets <= MAX_UNSAVED_OCTETS
    }

    /// Writes what the disk refused before.
    ///
    /// # Errors
    /// When the disk still refuses, or somebody took away what was written.
    pub fn flush(&mut self) -> Result<(), ListError> {
        self.write(&[])
    }

    /// Writes what the disk refused before, and a batch behind it.
    fn write(&mut self, batch: &[&[u8]]) -> Result<(), ListError> {
        let parts = || iter::once(self.unsaved.as_slice()).chain(batch.iter().copied());
        if let Some(first) = &self.new_journal {
            let whole = iter::once(first.as_bytes()).chain(parts()).collect::<Vec<_>>().concat();
            files::write(&self.journal, &whole)?;
            self.extent.octets = whole.len() as u64;
            self.new_journal = None;
        } else {
            let mut journal = OpenOptions::new().write(true).open(&self.journal)?;
            let octets = journal.metadata()?.len();
            if octets < self.extent.octets {
                return Err(ListError::Damaged("list.journal"));
            }
            if octets > self.extent.octets {
                journal.set_len(self.extent.octets)?;
            }
            journal.seek(SeekFrom::End(0))?;
            parts().try_for_each(|part| journal.write_all(part))?;
            journal.sync_data()?;
            self.extent.octets += parts().map(|part| part.len() as u64).sum::<u64>();
        }
        self.unsaved = Vec::new();
        Ok(())
    }

    /// Starts writing a new snapshot beside the old one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn start_snapshot(&self, header: &Acknowledgement) -> io::Result<SnapshotWriter> {
        SnapshotWriter::create(&self.snapshot, header)
    }

    /// Makes a finished snapshot the list and starts a new journal.
    ///
    /// # Errors
    /// When its count or checksum is not what its header says, or the disk refuses; the old list then stays.
    pub fn finish_snapshot(&mut self, writer: SnapshotWriter) -> Result<Hashes, ListError> {
        let (header, hashes) = writer.finish()?;
        // The old journal does not continue this snapshot: whether a new one can be written yet does not matter.
        self.start_journal(&header)?;
        if let Err(error) = self.flush() {
            tracing::warn!(%error, "cannot start the journal yet");
        }
        Ok(hashes)
    }

    /// Forgets the journal, whose batches belong to another snapshot or are in this one.
    fn start_journal(&mut self, position: &Acknowledgement) -> io::Result<()> {
        self.new_journal = Some(sealed(position)?);
        self.unsaved.clear();
        self.extent.lines = 0;
        self.compact_at = COMPACT_AT_BYTES;
        Ok(())
    }

    /// Whether the journal should be folded into the snapshot.
    pub fn wants_compaction(&self) -> bool {
        self.extent.lines > self.compact_at && self.unsaved.is_empty()
    }

    /// How much of the journal is sound.
    pub(super) fn journal(&self) -> Extent {
        self.extent
    }

    /// Lets the journal grow by as much again: there is no room for a second snapshot.
    pub fn put_off_compaction(&mut self) {
        self.compact_at = self.extent.lines + COMPACT_AT_BYTES;
    }

    /// Makes a snapshot the list that has the journal folded into it up to `folded`; what came after that stays in the
    /// journal. The old journal continues the new snapshot as well: wherever this ends, nothing is lost.
    ///
    /// # Errors
    /// When its count or checksum is not what it should be, or the disk refuses; the old snapshot or the old journal then
    /// stays.
    pub(super) fn finish_fold(&mut self, writer: SnapshotWriter, folded: Extent) -> Result<(), ListError> {
        let (position, _) = writer.finish()?;
        let mut journal = sealed(&position)?.into_bytes();
        let mut old = File::open(&self.journal)?;
        old.seek(SeekFrom::Start(folded.octets))?;
        old.take(self.extent.octets.saturating_sub(folded.octets)).read_to_end(&mut journal)?;
        files::write(&self.journal, &journal)?;
        self.extent = Extent { octets: journal.len() as u64, lines: self.extent.lines.saturating_sub(folded.lines) };
        self.compact_at = COMPACT_AT_BYTES;
        Ok(())
    }

    /// The durable list as it is now, opened: to be read while it goes on changing.
    ///
    /// # Errors
    /// When there is no list on disk.
    pub fn open(&self) -> Result<OpenList, ListError> {
        let snapshot = File::open(&self.snapshot).map_err(missing_or_disk)?;
        let position = read_position(&snapshot)?;
        let journal = open_journal(&self.journal, &position)?;
        Ok(OpenList { snapshot, position, journal })
    }
}

fn missing_or_disk(error: io::Error) -> ListError {
    if error.kind() == io::ErrorKind::NotFound { ListError::Missing } else { ListError::Disk(error) }
}
