//! The list on disk as others read it while it goes on changing.

use super::{
    changes::parse_change,
    disk::{BatchHeader, Extent, ListError},
    memory::ByHash,
    received::unpack,
    seal::unsealed,
    snapshot::read_keys,
};
use shared::{ListChecksum, agent_sync::Acknowledgement, checksum::key_hash};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

/// The durable list of one moment, opened.
pub struct OpenList {
    pub(super) snapshot: File,
    /// Of the snapshot.
    pub(super) position: Acknowledgement,
    pub(super) journal: Option<Journal>,
}

impl OpenList {
    /// Reads what the journal changes.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn read(self) -> Result<DiskReader, ListError> {
        let Self { snapshot, mut position, journal } = self;
        let mut changed = Changed::default();
        let mut extent = Extent::default();
        if let Some(mut journal) = journal {
            let mut lines = String::new();
            while let Some(after) = journal.next_batch(&mut lines)? {
                for (key, on) in lines.lines().filter_map(parse_change) {
                    changed.insert(key, on);
                }
                position = after;
            }
            extent = journal.extent;
        }
        Ok(DiskReader { snapshot, changed, position, journal: extent })
    }
}

/// What the journal changes: the last that it says of each key.
#[derive(Default)]
struct Changed {
    /// The keys that were put on the list, each with a line feed behind it: a long journal has a million.
    keys: String,
    /// Where the key with this hash begins; `None`: it was taken off.
    by_hash: ByHash<Option<usize>>,
}

impl Changed {
    fn insert(&mut self, key: &str, on: bool) {
        let place = on.then(|| {
            let begin = self.keys.len();
            self.keys.extend([key, "\n"]);
            begin
        });
        self.by_hash.insert(key_hash(key), place);
    }

    /// Those that are on the list, with their hashes.
    fn on(&self) -> impl Iterator<Item = (u128, &str)> {
        self.by_hash.iter().filter_map(|(hash, place)| Some((*hash, self.keys[(*place)?..].lines().next()?)))
    }
}

/// The durable list of one moment.
pub struct DiskReader {
    snapshot: File,
    changed: Changed,
    /// Which list it is.
    pub position: Acknowledgement,
    /// How much of the journal is in it.
    pub(super) journal: Extent,
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
            if !self.changed.by_hash.contains_key(&hash) {
                give(hash, key);
            }
        })?;
        for (hash, key) in self.changed.on() {
            give(hash, key);
        }
        if (count, checksum) != (self.position.count, self.position.checksum) {
            return Err(ListError::Mismatch { count, checksum });
        }
        Ok(())
    }
}

/// The journal while it is read.
pub(super) struct Journal {
    reader: BufReader<File>,
    /// Up to where the last sound batch ends.
    pub(super) extent: Extent,
}

/// The journal from where it continues the snapshot at `position`: from its beginning, or behind the batch that led there.
/// `None`: it does not.
pub(super) fn open_journal(path: &Path, position: &Acknowledgement) -> io::Result<Option<Journal>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let octets = reader.read_until(b'\n', &mut line)? as u64;
    let mut at = unsealed::<Acknowledgement>(&line);
    let mut journal = Journal { reader, extent: Extent { octets, lines: 0 } };
    while at.as_ref().is_some_and(|at| at != position) {
        at = journal.skip_batch()?;
    }
    Ok(at.map(|_| journal))
}

impl Journal {
    /// The header of the next batch, and how long it is itself.
    fn next_header(&mut self) -> io::Result<Option<(BatchHeader, u64)>> {
        let mut line = Vec::new();
        let octets = self.reader.read_until(b'\n', &mut line)? as u64;
        Ok(unsealed(&line).map(|header| (header, octets)))
    }

    /// The next sound batch: its lines and the position after it. A torn one is the end.
    pub(super) fn next_batch(&mut self, lines: &mut String) -> io::Result<Option<Acknowledgement>> {
        let Some((header, header_octets)) = self.next_header()? else { return Ok(None) };
        let mut text = Vec::new();
        let octets = self.reader.by_ref().take(header.octets).read_to_end(&mut text)? as u64;
        if octets != header.octets {
            return Ok(None);
        }
        let text = match header.unpacked {
            Some(unpacked) => unpack(&text, unpacked),
            None => String::from_utf8(text).ok(),
        };
        let Some(text) = text else { return Ok(None) };
        *lines = text;
        self.extent.octets += header_octets + octets;
        self.extent.lines += header.lines();
        Ok(Some(header.position))
    }

    /// Leaves out the next batch, and gives the position after it. Behind a torn one there is no other.
    fn skip_batch(&mut self) -> io::Result<Option<Acknowledgement>> {
        let Some((header, header_octets)) = self.next_header()? else { return Ok(None) };
        let octets = i64::try_from(header.octets).map_err(io::Error::other)?;
        self.reader.seek_relative(octets)?;
        self.extent.octets += header_octets + header.octets;
        self.extent.lines += header.lines();
        Ok(Some(header.position))
    }
}
