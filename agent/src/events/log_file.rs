//! Reads a log line by line, through rotation (rename and create, or copy and truncate), truncation and restarts of
//! the agent, no line twice and none left out.
//!
//! A file is recognised by what it starts with, not by its inode: a copy has another inode, a new file may get an old
//! one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

/// How much of a file's start identifies it.
const HEAD_OCTETS: u64 = 1_024;
/// How much is read at a time.
const CHUNK_OCTETS: usize = 256 << 10;
/// No line of a mail log is nearly as long; what is, is binary rubbish.
const MAX_LINE_OCTETS: usize = 64 << 10;
/// How long a file is still read after its writer moved on to the next one: others may write to it a little longer.
const GRACE: Duration = Duration::from_secs(60);
/// Rotated files that can no longer be read as text.
const COMPRESSED: [&str; 5] = ["gz", "xz", "bz2", "zst", "lz4"];

/// How far a log was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogPosition {
    /// The octets read of the file.
    pub octets: u64,
    /// How many octets of its start `head` covers.
    head_octets: u64,
    /// The SHA-256 of its start.
    head: String,
}

fn head_of(file: &File, octets: u64) -> io::Result<Option<String>> {
    let mut start = Vec::new();
    let mut reader = file;
    reader.seek(SeekFrom::Start(0))?;
    reader.take(octets).read_to_end(&mut start)?;
    Ok((start.len() as u64 == octets)
        .then(|| Sha256::digest(&start).iter().map(|octet| format!("{octet:02x}")).collect()))
}

impl LogPosition {
    /// Whether this is (still) the file that was read.
    fn is_in(&self, file: &File) -> io::Result<bool> {
        // A file of which nothing was read could be any.
        Ok(self.octets == 0
            || (file.metadata()?.len() >= self.octets
                && head_of(file, self.head_octets)?.is_some_and(|head| head == self.head)))
    }
}

/// The file before the open one.
struct Retired {
    file: File,
    position: LogPosition,
    since: Instant,
}

/// A log that is followed.
pub struct LogFile {
    path: PathBuf,
    open: Option<File>,
    position: LogPosition,
    retired: Option<Retired>,
    /// Files that come after the open one, oldest first.
    later: VecDeque<PathBuf>,
    /// The start of a line whose end was not there yet is read again.
    lines: Vec<String>,
}

impl LogFile {
    /// Follows the log at `path` from where it was read to; a new position starts with the file's first line.
    pub fn new(path: PathBuf, position: LogPosition) -> Self {
        Self { path, open: None, position, retired: None, later: VecDeque::new(), lines: Vec::new() }
    }

    /// Behind the last line that was given.
    pub fn position(&self) -> &LogPosition {
        &self.position
    }

    /// Whether there is a log to read.
    pub fn is_there(&self) -> bool {
        self.open.is_some()
    }

    /// The next lines; empty when there are none yet.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn next_lines(&mut self) -> io::Result<Vec<String>> {
        if self.open.is_none() && !self.locate()? {
            return Ok(Vec::new());
        }
        self.read_retired()?;
        self.read()?;
        if self.lines.is_empty() && self.has_moved_on()? {
            // What was written before the next file was started.
            self.read()?;
            if self.lines.is_empty() {
                self.open_later()?;
                self.read()?;
            }
        }
        Ok(std::mem::take(&mut self.lines))
    }

    /// Reads what still came into the file before; at the end of its time also a last line that has no end.
    fn read_retired(&mut self) -> io::Result<()> {
        let Some(Retired { file, position, since }) = &mut self.retired else { return Ok(()) };
        let is_over = since.elapsed() >= GRACE;
        read_lines(file, position, is_over, &mut self.lines)?;
        if is_over && self.lines.is_empty() {
            self.retired = None;
        }
        Ok(())
    }

    /// Whether the open file has ended for good. If it was renamed, copied or truncated, finds what comes after it.
    fn has_moved_on(&mut self) -> io::Result<bool> {
        if !self.later.is_empty() {
            return Ok(true);
        }
        // Between the rename and the creation there is none. One that may not be read is not passed over: nothing would
        // be reported any more, and nobody told.
        let (Some(open), Some(current)) = (&self.open, open_if_there(&self.path)?) else { return Ok(false) };
        if is_same(open, &current)? {
            if !self.position.is_in(open)? {
                self.locate()?;
                self.read()?;
            }
            return Ok(!self.later.is_empty());
        }
        if current.metadata()?.len() == 0 {
            return Ok(false);
        }
        self.later = self.files_after(open)?;
        Ok(true)
    }

    /// Rotated files that are younger than this one and not copies of it, then the current one.
    fn files_after(&self, ours: &File) -> io::Result<VecDeque<PathBuf>> {
        let since = ours.metadata()?.modified()?;
        let mut after = VecDeque::new();
        for (modified, path) in self.rotated()? {
            let Some(file) = open_if_there(&path)? else { continue };
            let same = self.position.octets > 0 && self.position.is_in(&file)?;
            let retired = self.retired.as_ref().map(|retired| is_same(&retired.file, &file)).transpose()?;
            if modified >= since && !same && !is_same(ours, &file)? && retired != Some(true) {
                after.push_back(path);
            }
        }
        after.push_back(self.path.clone());
        Ok(after)
    }

    /// Finds the file that was read last, under whatever name, and the ones after it. False: there is no log yet.
    fn locate(&mut self) -> io::Result<bool> {
        self.later.clear();
        self.open = None;
        let current = open_if_there(&self.path)?;
        if let Some(current) = &current
            && (self.position.octets == 0 || self.position.is_in(current)?)
        {
            self.open = Some(current.try_clone()?);
            return Ok(true);
        }
        if self.position.octets > 0 {
            for (_, path) in self.rotated()? {
                let Some(file) = open_if_there(&path)? else { continue };
                if self.position.is_in(&file)? {
                    self.later = self.files_after(&file)?;
                    self.open = Some(file);
                    return Ok(true);
                }
            }
            if current.is_some() {
                tracing::warn!(log = %self.path.display(), "the part of the log that was read last is gone; lines may be missing");
                self.position = LogPosition::default();
            }
        }
        let found = current.is_some();
        self.open = current;
        Ok(found)
    }

    /// The rotated files beside the log, such as `mail.log.1` and `mail.log-20261124`, by the time of their last line.
    fn rotated(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let other = entry.file_name().to_string_lossy().into_owned();
            let is_rotated = other
                .strip_prefix(&*name)
                .and_then(|rest| rest.strip_prefix(['.', '-']))
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            let is_text = !COMPRESSED.iter().any(|extension| other.ends_with(&format!(".{extension}")));
            if is_rotated && is_text && entry.file_type()?.is_file() {
                found.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        found.sort();
        Ok(found)
    }

    fn open_later(&mut self) -> io::Result<()> {
        let Some(path) = self.later.front() else { return Ok(()) };
        // It stays the next one until it can be read.
        let next = open_if_there(path)?;
        self.later.pop_front();
        let position = std::mem::take(&mut self.position);
        let before = std::mem::replace(&mut self.open, next);
        if let Some(Retired { file, mut position, .. }) = self.retired.take() {
            read_lines(&file, &mut position, true, &mut self.lines)?;
        }
        self.retired = before.map(|file| Retired { file, position, since: Instant::now() });
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        let Some(file) = &self.open else { return Ok(()) };
        read_lines(file, &mut self.position, false, &mut self.lines)
    }
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // The log and the rotated ones need not have the same mode.
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

fn is_same(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Reads whole lines from a position on; with `to_end`, also a last one that has no end.
fn read_lines(file: &File, position: &mut LogPosition, to_end: bool, lines: &mut Vec<String>) -> io::Result<()> {
    if file.metadata()?.len() <= position.octets || !position.is_in(file)? {
        return Ok(());
    }
    let mut reader = file;
    reader.seek(SeekFrom::Start(position.octets))?;
    let mut chunk = Vec::with_capacity(CHUNK_OCTETS);
    reader.take(CHUNK_OCTETS as u64).read_to_end(&mut chunk)?;
    let end = match chunk.iter().rposition(|octet| *octet == b'\n') {
        Some(end) => end + 1,
        None if to_end || chunk.len() > MAX_LINE_OCTETS => chunk.len(),
        None => return Ok(()),
    };
    lines.extend(
        chunk[..end]
            .split_inclusive(|octet| *octet == b'\n')
            .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned()),
    );
    position.octets += end as u64;
    let head_octets = position.octets.min(HEAD_OCTETS);
    if head_octets > position.head_octets
        && let Some(head) = head_of(file, head_octets)?
    {
        position.head_octets = head_octets;
        position.head = head;
    }
    Ok(())
}
