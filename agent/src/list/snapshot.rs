//! A snapshot of the list on disk: a sealed [`Acknowledgement`], then one key a line.

use super::{
    disk::ListError,
    seal::{sealed, unsealed},
};
use crate::files::NextVersion;
use shared::{ListChecksum, agent_sync::Acknowledgement, checksum::key_hash};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// A snapshot being written.
pub struct SnapshotWriter {
    header: Acknowledgement,
    keys: BufWriter<NextVersion>,
    hashes: BufWriter<File>,
    count: i64,
    checksum: ListChecksum,
}

impl SnapshotWriter {
    /// Starts the next version of the snapshot at `path`.
    pub(super) fn create(path: &Path, header: &Acknowledgement) -> io::Result<Self> {
        let mut keys = BufWriter::with_capacity(1 << 18, NextVersion::create(path)?);
        keys.write_all(sealed(header)?.as_bytes())?;
        let hashes_path = path.with_extension("hashes");
        let hashes = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&hashes_path)?;
        // Only the open file is needed: it disappears with the process.
        std::fs::remove_file(hashes_path)?;
        Ok(Self {
            header: header.clone(),
            keys,
            hashes: BufWriter::with_capacity(1 << 18, hashes),
            count: 0,
            checksum: ListChecksum::EMPTY,
        })
    }

    /// Puts it in the old one's place, if it is what its header says.
    pub(super) fn finish(self) -> Result<(Acknowledgement, Hashes), ListError> {
        let Self { header, keys, hashes, count, checksum } = self;
        if (count, checksum) != (header.count, header.checksum) {
            return Err(ListError::Mismatch { count, checksum });
        }
        let keys = keys.into_inner().map_err(io::IntoInnerError::into_error)?;
        let hashes = hashes.into_inner().map_err(io::IntoInnerError::into_error)?;
        keys.replace()?;
        let hashes = Hashes { file: hashes, count: header.count };
        Ok((header, hashes))
    }

    /// Makes what is written durable, so that [`Self::finish`] has little left to do.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.keys.flush()?;
        self.keys.get_ref().file().sync_all()
    }

    /// What the snapshot says it is.
    pub fn position(&self) -> &Acknowledgement {
        &self.header
    }

    /// Adds a key.
    ///
    /// # Errors
    /// When there are more than the header says, or the disk refuses.
    pub fn push(&mut self, key: &str) -> Result<(), ListError> {
        let hash = key_hash(key);
        self.count += 1;
        self.checksum.add_hash(hash);
        if self.count > self.header.count {
            return Err(ListError::Mismatch { count: self.count, checksum: self.checksum });
        }
        self.keys.write_all(key.as_bytes())?;
        self.keys.write_all(b"\n")?;
        Ok(self.hashes.write_all(&hash.to_be_bytes())?)
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

/// Which list a snapshot is.
pub(super) fn read_position(file: &File) -> Result<Acknowledgement, ListError> {
    position_in(&mut BufReader::new(file))
}

fn position_in(reader: &mut impl BufRead) -> Result<Acknowledgement, ListError> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    unsealed(&line).ok_or(ListError::Damaged("list.snapshot"))
}

/// Reads the lines of a snapshot; a damaged key is found by the caller's checksum.
pub(super) fn read_keys(
    file: &File,
    mut each: impl FnMut(&Acknowledgement, &str),
) -> Result<Acknowledgement, ListError> {
    let damaged = || ListError::Damaged("list.snapshot");
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let header = position_in(&mut reader)?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(header);
        }
        let key = line.strip_suffix(b"\n").and_then(|key| std::str::from_utf8(key).ok()).ok_or_else(damaged)?;
        each(&header, key);
    }
}
