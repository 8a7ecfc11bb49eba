//! The blocked list that this agent holds: in memory for answers, on disk for restarts.

mod changes;
pub mod disk;
pub mod memory;
mod reader;
mod received;
mod seal;
mod snapshot;

pub use changes::Changes;
pub use disk::ListError;
pub use memory::Memory;
pub use reader::DiskReader;
pub use received::Received;
pub use snapshot::SnapshotWriter;

use disk::Disk;
use memory::{SHARDS, shard_of};
use shared::{
    Address,
    agent_sync::{Acknowledgement, ListHeader},
    checksum::key_hash,
};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use uuid::Uuid;

/// The list. Every method may be called from any thread; the ones that say so block on the disk.
pub struct List {
    memory: Memory,
    disk: Mutex<Disk>,
    /// What is enforced now.
    position: watch::Sender<Option<Acknowledgement>>,
    /// What is on disk.
    durable: watch::Sender<Option<Acknowledgement>>,
    /// What is on disk was found to be no sound list since it was put there.
    damaged: watch::Sender<bool>,
}

impl List {
    /// An empty place for a list in this folder, not loaded yet.
    pub fn new(folder: &Path) -> Arc<Self> {
        Arc::new(Self {
            memory: Memory::default(),
            disk: Mutex::new(Disk::new(folder)),
            position: watch::Sender::new(None),
            durable: watch::Sender::new(None),
            damaged: watch::Sender::new(false),
        })
    }

    /// Whether there is a list to answer from.
    pub fn is_loaded(&self) -> bool {
        self.memory.is_loaded()
    }

    /// Whether mail to this recipient is refused, also to one that is malformed: such addresses are blocked as they are
    /// written.
    pub fn blocks(&self, recipient: &str) -> bool {
        Address::parse_malformed(recipient).is_ok_and(|address| self.holds(&address))
    }

    /// Whether this is an address, and mail to it is refused. For who also asks for whole domains, which are none.
    pub fn blocks_address(&self, text: &str) -> bool {
        Address::parse(text).is_ok_and(|address| self.holds(&address))
    }

    fn holds(&self, address: &Address) -> bool {
        self.memory.contains(key_hash(address.key().as_str()))
    }

    /// What is enforced now; `None` before a list was loaded.
    pub fn position(&self) -> Option<Acknowledgement> {
        self.position.borrow().clone()
    }

    /// Tells each change of what is on disk: behind [`Self::position`] while the disk refuses.
    pub fn watch_durable(&self) -> watch::Receiver<Option<Acknowledgement>> {
        self.durable.subscribe()
    }

    /// Reads the list from disk into memory. Blocks.
    ///
    /// # Errors
    /// When there is no sound list on disk; then nothing is loaded and a snapshot must be fetched.
    pub fn load(&self) -> Result<Acknowledgement, ListError> {
        let mut disk = self.disk();
        let mut shards: [Vec<u128>; SHARDS] = Default::default();
        let mut first = true;
        let mut position = disk.load_snapshot(|header, hash| {
            if std::mem::take(&mut first) {
                // Hashes spread evenly: a little slack saves each part from growing to double its size.
                let expected = usize::try_from(header.count).unwrap_or(0).min(1 << 28) / SHARDS;
                shards.iter_mut().for_each(|shard| shard.reserve_exact(expected + expected / 100 + 16));
            }
            shards[shard_of(hash)].push(hash);
        })?;
        for (index, shard) in shards.into_iter().enumerate() {
            self.memory.replace_shard(index, shard);
        }
        disk.load_journal(&position.clone(), |after, lines| {
            let Some(changes) = Changes::parse(lines) else { return false };
            let sound = self.after(&position, &changes, after.epoch, after.version) == *after;
            if sound {
                self.memory.apply(changes);
                position = after.clone();
            }
            sound
        })?;
        self.memory.set_loaded(true);
        self.position.send_replace(Some(position.clone()));
        self.durable.send_replace(Some(position.clone()));
        Ok(position)
    }

    /// Takes changes into effect, if the list is then what the header says, and writes them to disk as they came. They are in
    /// effect first: a release must not wait for the disk. Blocks.
    ///
    /// # Errors
    /// [`ListError::Mismatch`] or [`ListError::Missing`]: nothing changed and a snapshot is needed.
    /// [`ListError::Behind`]: nothing changed. [`ListError::Disk`]: in effect but not durable yet, must not be acknowledged; [`Self::save`] tries again.
    pub fn apply(&self, header: &ListHeader, changes: Changes, received: &Received) -> Result<(), ListError> {
        let mut disk = self.disk();
        let held = self.position().ok_or(ListError::Missing)?;
        let changes = changes.settled();
        let after = self.after(&held, &changes, header.epoch, header.version);
        if held.epoch != header.epoch || after != position_of(header) {
            return Err(ListError::Mismatch { count: after.count, checksum: after.checksum });
        }
        if !disk.has_room_for(received.octets.len()) {
            return Err(ListError::Behind);
        }
        self.memory.apply(changes);
        self.position.send_replace(Some(after.clone()));
        disk.append(&after, received)?;
        self.durable.send_replace(Some(after));
        Ok(())
    }

    /// Writes to disk what it refused before. Blocks.
    ///
    /// # Errors
    /// When the disk still refuses, or has something else than what was written.
    pub fn save(&self) -> Result<(), ListError> {
        let mut disk = self.disk();
        disk.flush()?;
        let position = self.position();
        self.durable.send_if_modified(|durable| std::mem::replace(durable, position.clone()) != position);
        Ok(())
    }

    /// Whether the journal has become so long that [`Self::fold`] has something to do.
    pub fn wants_fold(&self) -> bool {
        self.disk().wants_compaction()
    }

    /// Folds a long journal into the snapshot, while changes go on taking effect. Not while another snapshot is written.
    /// Blocks.
    ///
    /// # Errors
    /// When the disk has something else than what was written.
    pub fn fold(&self) -> Result<(), ListError> {
        if !self.wants_fold() {
            return Ok(());
        }
        match self.fold_now() {
            // A shorter journal only makes the next start faster.
            Err(ListError::Disk(error)) => {
                tracing::warn!(%error, "cannot fold the journal into the snapshot; it goes on growing");
                self.disk().put_off_compaction();
                Ok(())
            }
            other => other,
        }
    }

    fn fold_now(&self) -> Result<(), ListError> {
        let (open, journal) = {
            let disk = self.disk();
            (disk.open()?, disk.journal())
        };
        let reader = open.read()?;
        if reader.journal.octets < journal.octets {
            return Err(ListError::Damaged("list.journal"));
        }
        let mut writer = self.disk().start_snapshot(&reader.position)?;
        let mut failed = Ok(());
        reader.for_each_key(|key| {
            if failed.is_ok() {
                failed = writer.push(key);
            }
        })?;
        failed?;
        writer.sync()?;
        self.disk().finish_fold(writer, reader.journal)
    }

    /// Starts to write a new snapshot, beside the list in effect.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn start_snapshot(&self, header: &ListHeader) -> io::Result<SnapshotWriter> {
        self.disk().start_snapshot(&position_of(header))
    }

    /// Takes a snapshot into effect, if it is what its header says. Blocks.
    ///
    /// # Errors
    /// [`ListError::Mismatch`]: the old list stays. [`ListError::Disk`]: the disk refused.
    pub fn finish_snapshot(&self, writer: SnapshotWriter) -> Result<(), ListError> {
        let mut disk = self.disk();
        let position = writer.position().clone();
        let hashes = disk.finish_snapshot(writer)?;
        self.damaged.send_replace(false);
        self.durable.send_replace(Some(position.clone()));
        // A part at a time: between two parts an address that is on both lists stays refused, and no second list is
        // in memory. Several parts a pass, so that a short list is read once.
        let per_pass = (SHARDS * 1_000_000 / usize::try_from(hashes.count).unwrap_or(0).max(1)).clamp(1, SHARDS);
        for first in (0..SHARDS).step_by(per_pass) {
            let last = (first + per_pass).min(SHARDS);
            let mut parts = vec![Vec::new(); last - first];
            let expected = usize::try_from(hashes.count).unwrap_or(0) / SHARDS;
            parts.iter_mut().for_each(|part| part.reserve_exact(expected + expected / 100 + 16));
            let read = hashes.for_each(|hash| {
                if (first..last).contains(&shard_of(hash)) {
                    parts[shard_of(hash) - first].push(hash);
                }
            });
            if let Err(error) = read {
                // Half of one list and half of another answers wrongly: let the file answer until the next snapshot.
                self.memory.set_loaded(false);
                self.position.send_replace(None);
                return Err(error.into());
            }
            for (index, part) in (first..last).zip(parts) {
                self.memory.replace_shard(index, part);
            }
        }
        self.memory.set_loaded(true);
        self.position.send_replace(Some(position));
        Ok(())
    }

    /// Gives each key of the durable list, while it goes on changing, and says which one it is. Blocks.
    ///
    /// # Errors
    /// When there is no sound list on disk: whoever waits for [`Self::is_damaged`] learns of it.
    pub fn for_each_durable_key(&self, each: impl FnMut(&str)) -> Result<Acknowledgement, ListError> {
        let read = self.reader().and_then(|reader| {
            reader.for_each_key(each)?;
            Ok(reader.position)
        });
        if read.as_ref().is_err_and(|error| !matches!(error, ListError::Disk(_))) {
            self.damaged.send_replace(true);
        }
        read
    }

    /// Waits until the list on disk is found to be no sound one; a snapshot mends it.
    pub async fn is_damaged(&self) {
        // The sender lives as long as this list.
        let _ = self.damaged.subscribe().wait_for(|damaged| *damaged).await;
    }

    /// The durable list, to read while it goes on changing.
    ///
    /// # Errors
    /// When there is no sound list on disk.
    pub fn reader(&self) -> Result<DiskReader, ListError> {
        // The changes are read without holding up who writes more of them.
        let open = self.disk().open()?;
        open.read()
    }

    /// What the list is after these changes.
    fn after(&self, held: &Acknowledgement, changes: &Changes, epoch: Uuid, version: i64) -> Acknowledgement {
        let Acknowledgement { mut count, mut checksum, .. } = *held;
        self.memory.compare(changes, |hash, was, on| match (was, on) {
            (false, true) => {
                count += 1;
                checksum.add_hash(hash);
            }
            (true, false) => {
                count -= 1;
                checksum.remove_hash(hash);
            }
            _ => {}
        });
        Acknowledgement { epoch, version, count, checksum }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn position_of(header: &ListHeader) -> Acknowledgement {
    Acknowledgement { epoch: header.epoch, version: header.version, count: header.count, checksum: header.checksum }
}
