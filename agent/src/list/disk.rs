//! The list on disk: a snapshot with the keys, and a journal of what changed since.
//!
//! Both are lines of text. A snapshot starts with a sealed [`Acknowledgement`] and goes on with one key a line; count
//! and checksum of the keys must be what the first line says. The journal starts with the sealed position of the
//! snapshot that it continues; then come batches, each a sealed [`BatchHeader`] and its `-key` and `+key` lines.

use super::seal::{sealed, unsealed};
use crate::files;
use serde::{Deserialize, Serialize};
use shared::{ListChecksum, agent_sync::Acknowledgement, checksum::key_hash};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Folding the journal into the snapshot starts at this size, about 300,000 changes; it bounds what a fold holds in
/// memory.
const COMPACT_AT_BYTES: u64 = 8 << 20;

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
    /// The disk refused.
    #[error("the disk refused: {0}")]
    Disk(#[from] io::Error),
}

/// The first line of a batch in the journal.
#[derive(Debug, Serialize, Deserialize)]
struct BatchHeader {
    /// What the list is after the batch.
    position: Acknowledgement,
    /// How many octets its lines have.
    octets: u64,
}

/// One line of a list of changes.
pub fn parse_change(line: &str) -> Option<(&str, bool)> {
    match line.split_at_checked(1)? {
        ("+", key) if !key.is_empty() => Some((key, true)),
        ("-", key) if !key.is_empty() => Some((key, false)),
        _ => None,
    }
}

/// Where the list is on disk.
#[derive(Debug)]
pub struct Disk {
    snapshot: PathBuf,
    journal: PathBuf,
    /// The sound part of the journal, in octets; what is behind it is of a batch that failed.
    journal_octets: u64,
    /// Batches that the disk refused so far, in order.
    unsaved: Vec<u8>,
}

impl Disk {
    /// The list in a folder; touches nothing.
    pub fn new(folder: &Path) -> Self {
        Self {
            snapshot: folder.join("list.snapshot"),
            journal: folder.join("list.journal"),
            journal_octets: 0,
            unsaved: Vec::new(),
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
    /// before the first batch that is torn or that `batch` refuses; what is behind is cut off.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn load_journal(
        &mut self,
        snapshot: &Acknowledgement,
        mut batch: impl FnMut(&Acknowledgement, &str) -> bool,
    ) -> Result<(), ListError> {
        self.unsaved.clear();
        let Some(mut journal) = open_journal(&self.journal, snapshot)? else {
            return Ok(self.start_journal(snapshot)?);
        };
        self.journal_octets = journal.octets;
        let mut lines = String::new();
        while let Some(after) = journal.next_batch(&mut lines)? {
            if !batch(&after, &lines) {
                break;
            }
            self.journal_octets = journal.octets;
        }
        Ok(self.flush()?)
    }

    /// Appends a batch durably. What the disk refuses is kept and tried again with the next batch and by
    /// [`Self::flush`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, position: &Acknowledgement, lines: &str) -> io::Result<()> {
        self.unsaved.extend_from_slice(
            sealed(&BatchHeader { position: position.clone(), octets: lines.len() as u64 })?.as_bytes(),
        );
        self.unsaved.extend_from_slice(lines.as_bytes());
        self.flush()
    }

    /// Writes what the disk refused before.
    ///
    /// # Errors
    /// When the disk still refuses.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut journal = OpenOptions::new().write(true).create(true).truncate(false).open(&self.journal)?;
        if journal.metadata()?.len() != self.journal_octets {
            journal.set_len(self.journal_octets)?;
        }
        journal.seek(SeekFrom::End(0))?;
        journal.write_all(&self.unsaved)?;
        journal.sync_data()?;
        self.journal_octets += self.unsaved.len() as u64;
        self.unsaved = Vec::new();
        Ok(())
    }

    /// Starts writing a new snapshot beside the old one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn start_snapshot(&self, header: &Acknowledgement) -> io::Result<SnapshotWriter> {
        let mut keys = BufWriter::with_capacity(1 << 18, File::create(files::next_version_of(&self.snapshot))?);
        keys.write_all(sealed(header)?.as_bytes())?;
        let hashes_path = self.snapshot.with_extension("hashes");
        let hashes = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&hashes_path)?;
        // Only the open file is needed: it disappears with the process.
        std::fs::remove_file(hashes_path)?;
        Ok(SnapshotWriter {
            header: header.clone(),
            keys,
            hashes: BufWriter::with_capacity(1 << 18, hashes),
            count: 0,
            checksum: ListChecksum::EMPTY,
        })
    }

    /// Makes a finished snapshot the list and starts a new journal.
    ///
    /// # Errors
    /// When its count or checksum is not what its header says (the old list stays), or the disk refuses.
    pub fn finish_snapshot(&mut self, writer: SnapshotWriter) -> Result<Hashes, ListError> {
        let SnapshotWriter { header, keys, hashes, count, checksum } = writer;
        if (count, checksum) != (header.count, header.checksum) {
            return Err(ListError::Mismatch { count, checksum });
        }
        let keys = keys.into_inner().map_err(io::IntoInnerError::into_error)?;
        let hashes = hashes.into_inner().map_err(io::IntoInnerError::into_error)?;
        files::replace(&self.snapshot, &keys)?;
        self.start_journal(&header)?;
        Ok(Hashes { file: hashes, count: header.count })
    }

    /// Forgets the journal, whose batches belong to another snapshot or are in this one.
    fn start_journal(&mut self, position: &Acknowledgement) -> io::Result<()> {
        let first = sealed(position)?;
        files::write(&self.journal, first.as_bytes())?;
        self.journal_octets = first.len() as u64;
        self.unsaved.clear();
        Ok(())
    }

    /// Whether the journal should be folded into the snapshot by [`Self::compact`].
    pub fn wants_compaction(&self) -> bool {
        self.journal_octets > COMPACT_AT_BYTES && self.unsaved.is_empty()
    }

    /// Folds the journal into the snapshot.
    ///
    /// # Errors
    /// When the disk refuses; snapshot and journal then stay as they were.
    pub fn compact(&mut self) -> Result<(), ListError> {
        let reader = self.reader()?;
        let mut writer = self.start_snapshot(&reader.position)?;
        let mut failed = Ok(());
        reader.for_each_key(|key| {
            if failed.is_ok() {
                failed = writer.push(key);
            }
        })?;
        failed?;
        self.finish_snapshot(writer).map(drop)
    }

    /// The durable list as it is now, to read while it goes on changing.
    ///
    /// # Errors
    /// When there is no sound list on disk.
    pub fn reader(&self) -> Result<DiskReader, ListError> {
        let snapshot = File::open(&self.snapshot).map_err(missing_or_disk)?;
        let mut reader = BufReader::new(&snapshot);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        let mut position: Acknowledgement = unsealed(&line).ok_or(ListError::Damaged("list.snapshot"))?;
        let mut changed: HashMap<u128, Option<Box<str>>> = HashMap::new();
        if let Some(mut journal) = open_journal(&self.journal, &position)? {
            let mut lines = String::new();
            while let Some(after) = journal.next_batch(&mut lines)? {
                for (key, on) in lines.lines().filter_map(parse_change) {
                    changed.insert(key_hash(key), on.then(|| key.into()));
                }
                position = after;
            }
        }
        Ok(DiskReader { snapshot, changed, position })
    }
}

/// The durable list of one moment.
pub struct DiskReader {
    snapshot: File,
    changed: HashMap<u128, Option<Box<str>>>,
    /// Which list it is.
    pub position: Acknowledgement,
}

impl DiskReader {
    /// Gives every key of the list once, in no order.
    ///
    /// # Errors
    /// When the list is not what its position says; the keys given are then worthless.
    pub fn for_each_key(&self, mut each: impl FnMut(&str)) -> Result<(), ListError> {
        let mut snapshot = &self.snapshot;
        snapshot.seek(SeekFrom::Start(0))?;
        let (mut count, mut checksum) = (0, ListChecksum::EMPTY);
        let mut give = |hash, key: &str| {
            count += 1;
            checksum.add_hash(hash);
            each(key);
        };
        read_keys(snapshot, |_, key| {
            let hash = key_hash(key);
            if !self.changed.contains_key(&hash) {
                give(hash, key);
            }
        })?;
        for (hash, key) in &self.changed {
            if let Some(key) = key {
                give(*hash, key);
            }
        }
        if (count, checksum) != (self.position.count, self.position.checksum) {
            return Err(ListError::Mismatch { count, checksum });
        }
        Ok(())
    }
}

/// A snapshot being written.
pub struct SnapshotWriter {
    header: Acknowledgement,
    keys: BufWriter<File>,
    hashes: BufWriter<File>,
    count: i64,
    checksum: ListChecksum,
}

impl SnapshotWriter {
    /// What the snapshot says it is.
    pub fn position(&self) -> &Acknowledgement {
        &self.header
    }

    /// Adds a key.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn push(&mut self, key: &str) -> io::Result<()> {
        let hash = key_hash(key);
        self.count += 1;
        self.checksum.add_hash(hash);
        self.keys.write_all(key.as_bytes())?;
        self.keys.write_all(b"\n")?;
        self.hashes.write_all(&hash.to_be_bytes())
    }
}

/// The hashes of a snapshot, still on disk: reading them a part at a time replaces a list in memory without needing
/// the memory of two.
pub struct Hashes {
    file: File,
    /// How many there are.
    pub count: i64,
}

impl Hashes {
    /// Gives every hash.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn for_each(&self, mut each: impl FnMut(u128)) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let mut hash = [0; 16];
        for _ in 0..self.count {
            reader.read_exact(&mut hash)?;
            each(u128::from_be_bytes(hash));
        }
        Ok(())
    }
}

fn missing_or_disk(error: io::Error) -> ListError {
    if error.kind() == io::ErrorKind::NotFound { ListError::Missing } else { ListError::Disk(error) }
}

/// Reads the lines of a snapshot; a damaged key is found by the caller's checksum.
fn read_keys(file: &File, mut each: impl FnMut(&Acknowledgement, &str)) -> Result<Acknowledgement, ListError> {
    let damaged = || ListError::Damaged("list.snapshot");
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    let header: Acknowledgement = unsealed(&line).ok_or_else(damaged)?;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(header);
        }
        let key = line.strip_suffix(b"\n").and_then(|key| std::str::from_utf8(key).ok()).ok_or_else(damaged)?;
        each(&header, key);
    }
}

struct Journal {
    reader: BufReader<File>,
    /// Where the last sound batch ends.
    octets: u64,
}

/// The journal, if it continues the snapshot at `position`.
fn open_journal(path: &Path, position: &Acknowledgement) -> io::Result<Option<Journal>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let octets = reader.read_until(b'\n', &mut line)? as u64;
    Ok((unsealed::<Acknowledgement>(&line).as_ref() == Some(position)).then_some(Journal { reader, octets }))
}

impl Journal {
    /// The next sound batch: its lines and the position after it. A torn one is the end.
    fn next_batch(&mut self, lines: &mut String) -> io::Result<Option<Acknowledgement>> {
        let mut line = Vec::new();
        let header_octets = self.reader.read_until(b'\n', &mut line)? as u64;
        let Some(header) = unsealed::<BatchHeader>(&line) else { return Ok(None) };
        line.clear();
        let octets = self.reader.by_ref().take(header.octets).read_to_end(&mut line)? as u64;
        let Ok(text) = String::from_utf8(line) else { return Ok(None) };
        if octets != header.octets {
            return Ok(None);
        }
        *lines = text;
        self.octets += header_octets + octets;
        Ok(Some(header.position))
    }
}
