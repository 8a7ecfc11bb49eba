//! Constant databases (cr.yp.to/cdb/cdb.txt), which Postfix reads as `cdb:` tables.
//!
//! 256 pairs (position, slots), the records, then 256 hash tables. Every number is 32 bits, little-endian, so a file
//! ends at 4 GiB.

use crate::files::NextVersion;
use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

const TABLES: usize = 256;
const HEADER_OCTETS: u64 = 8 * TABLES as u64;
/// How many index entries, of 8 octets, are sorted into tables at a time.
const ENTRIES_IN_MEMORY: u64 = 500_000;
/// About how many records are looked up after writing.
const LOOK_UPS: u64 = 1_000;

fn cdb_hash(key: &[u8]) -> u32 {
    key.iter().fold(5_381, |hash: u32, &octet| (hash << 5).wrapping_add(hash) ^ u32::from(octet))
}

fn too_large() -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        "a cdb file ends at 4 GiB, about 45 million addresses: the list no longer fits; the file before it stays",
    )
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the file that was just written reads back differently; is the disk sound?",
    )
}

/// Writes a cdb beside the old one. Its index waits on disk, not in memory.
pub struct Writer {
    file: BufWriter<NextVersion>,
    index: BufWriter<File>,
    at: u64,
    records: u64,
    sizes: [u32; TABLES],
}

impl Writer {
    /// Starts the next version of the file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(path: &Path) -> io::Result<Self> {
        let index_path = path.with_extension("index");
        let index = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&index_path)?;
        // Only the open file is needed: it disappears with the process.
        std::fs::remove_file(index_path)?;
        let mut file = NextVersion::create(path)?;
        file.write_all(&[0; HEADER_OCTETS as usize])?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, file),
            index: BufWriter::with_capacity(1 << 16, index),
            at: HEADER_OCTETS,
            records: 0,
            sizes: [0; TABLES],
        })
    }

    /// Adds a record. The first of two with the same key is found.
    ///
    /// # Errors
    /// When the file would pass 4 GiB or the disk refuses.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let position = u32::try_from(self.at).map_err(|_| too_large())?;
        let hash = cdb_hash(key);
        self.index.write_all(&pair(hash, position))?;
        let length = |octets: &[u8]| u32::try_from(octets.len()).map_err(|_| too_large());
        self.file.write_all(&pair(length(key)?, length(value)?))?;
        self.file.write_all(key)?;
        self.file.write_all(value)?;
        self.at += 8 + key.len() as u64 + value.len() as u64;
        self.sizes[hash as usize % TABLES] += 1;
        self.records += 1;
        Ok(())
    }

    /// Writes the tables, reads the file back and puts it in the old one's place. Answers what it is then.
    ///
    /// # Errors
    /// When the file passes 4 GiB, reads back differently or the disk refuses. The old file then stays.
    pub fn finish(mut self) -> io::Result<Metadata> {
        let end = self.at + 16 * self.records;
        u32::try_from(end).map_err(|_| too_large())?;
        let records_end = self.at;
        let index = self.index.into_inner().map_err(io::IntoInnerError::into_error)?;
        let passes = self.records.div_ceil(ENTRIES_IN_MEMORY).clamp(1, TABLES as u64);
        let per_pass = TABLES.div_ceil(passes as usize);
        let mut header = Vec::with_capacity(HEADER_OCTETS as usize);
        for first in (0..TABLES).step_by(per_pass) {
            let numbers = first..(first + per_pass).min(TABLES);
            let mut tables: Vec<Vec<(u32, u32)>> =
                numbers.clone().map(|number| vec![(0, 0); 2 * self.sizes[number] as usize]).collect();
            (&index).seek(SeekFrom::Start(0))?;
            let mut entries = BufReader::with_capacity(1 << 18, &index);
            for _ in 0..self.records {
                let (hash, position) = read_pair(&mut entries)?;
                if numbers.contains(&(hash as usize % TABLES)) {
                    let table = &mut tables[hash as usize % TABLES - first];
                    let mut slot = (hash >> 8) as usize % table.len();
                    while table[slot].1 != 0 {
                        slot = (slot + 1) % table.len();
                    }
                    table[slot] = (hash, position);
                }
            }
            for table in tables {
                let at = u32::try_from(self.at).map_err(|_| too_large())?;
                let slots = u32::try_from(table.len()).map_err(|_| too_large())?;
                header.extend_from_slice(&pair(at, slots));
                for (hash, position) in &table {
                    self.file.write_all(&pair(*hash, *position))?;
                }
                self.at += 8 * table.len() as u64;
            }
        }
        let mut next = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        next.file().seek(SeekFrom::Start(0))?;
        next.write_all(&header)?;
        verify(next.file(), self.records, records_end, end)?;
        let written = next.file().metadata()?;
        next.replace()?;
        Ok(written)
    }
}

fn pair(first: u32, second: u32) -> [u8; 8] {
    let mut octets = [0; 8];
    octets[..4].copy_from_slice(&first.to_le_bytes());
    octets[4..].copy_from_slice(&second.to_le_bytes());
    octets
}

fn read_pair(reader: &mut impl Read) -> io::Result<(u32, u32)> {
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    let first = u32::from_le_bytes(word);
    reader.read_exact(&mut word)?;
    Ok((first, u32::from_le_bytes(word)))
}

/// Walks all records and looks some of them up: a truncated cdb makes Postfix's smtpd stop answering.
fn verify(file: &File, records: u64, records_end: u64, end: u64) -> io::Result<()> {
    if file.metadata()?.len() != end {
        return Err(damaged());
    }
    let mut reader = BufReader::with_capacity(1 << 18, file);
    reader.seek(SeekFrom::Start(HEADER_OCTETS))?;
    let every = (records / LOOK_UPS).max(1);
    let (mut at, mut seen, mut probes, mut content) = (HEADER_OCTETS, 0, Vec::new(), Vec::new());
    while at < records_end {
        let (key, value) = read_pair(&mut reader)?;
        let octets = u64::from(key) + u64::from(value);
        if at + 8 + octets > records_end {
            return Err(damaged());
        }
        content.resize(octets as usize, 0);
        reader.read_exact(&mut content)?;
        if seen % every == 0 {
            probes.push(content[..key as usize].to_vec());
        }
        at += 8 + octets;
        seen += 1;
    }
    if seen != records {
        return Err(damaged());
    }
    for key in probes {
        look_up(file, &key)?.ok_or_else(damaged)?;
    }
    Ok(())
}

/// Whether a file ends where its tables do: one that was cut off, or is no cdb, does not.
///
/// # Errors
/// When the file cannot be read.
pub fn is_whole(file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    if length < HEADER_OCTETS {
        return Ok(false);
    }
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let mut end = HEADER_OCTETS;
    for _ in 0..TABLES {
        let (at, slots) = read_pair(&mut reader)?;
        end = end.max(u64::from(at) + 8 * u64::from(slots));
    }
    Ok(end == length)
}

/// The value of a key in an open cdb.
///
/// # Errors
/// When the file ends too early or cannot be read.
pub fn look_up(file: &File, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut reader = BufReader::with_capacity(256, file);
    let hash = cdb_hash(key);
    reader.seek(SeekFrom::Start(8 * u64::from(hash % TABLES as u32)))?;
    let (table, slots) = read_pair(&mut reader)?;
    for probe in 0..slots {
        let slot = ((hash >> 8) % slots + probe) % slots;
        reader.seek(SeekFrom::Start(u64::from(table) + 8 * u64::from(slot)))?;
        let (found, position) = read_pair(&mut reader)?;
        if position == 0 {
            return Ok(None);
        }
        if found == hash {
            reader.seek(SeekFrom::Start(u64::from(position)))?;
            let (key_octets, value_octets) = read_pair(&mut reader)?;
            if key_octets as usize == key.len() {
                let mut content = vec![0; key.len()];
                reader.read_exact(&mut content)?;
                if content == key {
                    content.resize(value_octets as usize, 0);
                    reader.read_exact(&mut content)?;
                    return Ok(Some(content));
                }
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_record_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.cdb");
        let mut writer = Writer::create(&path).unwrap();
        for n in 0..20_000 {
            writer.push(format!("user{n}@example.com").as_bytes(), format!("value {n}").as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        let file = File::open(&path).unwrap();
        for n in 0..20_000 {
            let found = look_up(&file, format!("user{n}@example.com").as_bytes()).unwrap();
            assert_eq!(found, Some(format!("value {n}").into_bytes()));
        }
        assert_eq!(look_up(&file, b"user20000@example.com").unwrap(), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_damaged_file_is_not_put_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.cdb");
        let mut writer = Writer::create(&path).unwrap();
        writer.push(b"a@example.com", b"old").unwrap();
        writer.finish().unwrap();
        let mut writer = Writer::create(&path).unwrap();
        for n in 0..100_000 {
            writer.push(format!("user{n}@example.com").as_bytes(), b"new").unwrap();
        }
        // Somebody overwrites a part that has left the buffer.
        let mut other = OpenOptions::new().write(true).open(crate::files::next_version_of(&path)).unwrap();
        other.seek(SeekFrom::Start(HEADER_OCTETS)).unwrap();
        other.write_all(&[0xff; 64]).unwrap();
        assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        assert_eq!(look_up(&File::open(&path).unwrap(), b"a@example.com").unwrap(), Some(b"old".to_vec()));
    }
}
