//! Delivery events on their way to the service: on disk until the service has them.
//!
//! Segment files with one event as JSON a line, and a small file that says how far the service has them. An event may
//! be sent twice (its id makes that harmless), but never lost.

use crate::files;
use serde::{Deserialize, Serialize};
use shared::delivery_event::NewDeliveryEvent;
use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// A segment that is longer is followed by a new one; what was sent is deleted a segment at a time.
const SEGMENT_OCTETS: u64 = 4 << 20;
/// A segment of which everything was sent is deleted from this size on.
const SENT_OCTETS: u64 = 64 << 10;
/// `rejected.ndjson` that is longer becomes `rejected.old.ndjson`.
const REJECTED_OCTETS: u64 = 4 << 20;

/// How far the service has the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpoolPosition {
    segment: u64,
    octet: u64,
}

/// Some events and where the ones behind them start.
#[derive(Debug)]
pub struct Batch {
    /// The events, oldest first.
    pub events: Vec<NewDeliveryEvent>,
    next: SpoolPosition,
    lines: u64,
}

impl Batch {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }
}

struct Inner {
    segments: BTreeSet<u64>,
    /// The segment that is written to and its sound length.
    last: File,
    last_octets: u64,
    sent: SpoolPosition,
    /// How many events wait.
    backlog: u64,
}

/// The spool of one agent.
pub struct Spool {
    folder: PathBuf,
    max_octets: u64,
    inner: Mutex<Inner>,
    added: Notify,
}

impl Spool {
    /// Opens the spool in a folder, which is made if needed; it holds at most `max_octets`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(folder: &Path, max_octets: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let sent: SpoolPosition = match std::fs::read(folder.join("position.json")) {
            // A damaged position sends again what is there.
            Ok(json) => serde_json::from_slice(&json).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => SpoolPosition::default(),
            Err(error) => return Err(error),
        };
        let mut segments = BTreeSet::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".ndjson")?.parse().ok());
            segments.extend(number);
        }
        let number = segments.last().copied().unwrap_or(sent.segment.max(1));
        segments.insert(number);
        let mut last = open_segment(folder, number)?;
        files::sync_folder(folder)?;
        let last_octets = end_of_last_line(&mut last)?;
        last.set_len(last_octets)?;
        let mut inner = Inner { segments, last, last_octets, sent, backlog: 0 };
        inner.sent = inner.clamp(folder, sent)?;
        for segment in inner.segments.range(inner.sent.segment..) {
            let mut file = File::open(segment_path(folder, *segment))?;
            if *segment == inner.sent.segment {
                file.seek(SeekFrom::Start(inner.sent.octet))?;
            }
            inner.backlog += BufReader::new(file).split(b'\n').count() as u64;
        }
        Ok(Self { folder: folder.to_owned(), max_octets, inner: Mutex::new(inner), added: Notify::new() })
    }

    /// Adds events durably. Blocks.
    ///
    /// # Errors
    /// When the disk is full or refuses: none of them was added.
    pub fn append(&self, events: &[NewDeliveryEvent]) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for event in events {
            serde_json::to_writer(&mut lines, event)?;
            lines.push(b'\n');
        }
        let mut inner = self.inner();
        let held = inner.segments.len() as u64 - 1;
        if held * SEGMENT_OCTETS + inner.last_octets + lines.len() as u64 > self.max_octets {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the spool has reached its greatest size"));
        }
        if inner.last_octets > SEGMENT_OCTETS {
            inner.start_segment(&self.folder)?;
        }
        let sound = inner.last_octets;
        inner.last.seek(SeekFrom::Start(sound))?;
        if let Err(error) = inner.last.write_all(&lines).and_then(|()| inner.last.sync_data()) {
            // Freeing what the failed write took needs no space.
            inner.last.set_len(sound)?;
            return Err(error);
        }
        inner.last_octets += lines.len() as u64;
        inner.backlog += events.len() as u64;
        drop(inner);
        self.added.notify_one();
        Ok(())
    }

    /// The oldest events that the service does not have, at most `limit`; empty when there are none. Blocks.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn next_batch(&self, limit: usize) -> io::Result<Batch> {
        let inner = self.inner();
        let mut batch = Batch { events: Vec::new(), next: inner.sent, lines: 0 };
        for segment in inner.segments.range(inner.sent.segment..) {
            if *segment != batch.next.segment {
                batch.next = SpoolPosition { segment: *segment, octet: 0 };
            }
            let mut file = File::open(segment_path(&self.folder, *segment))?;
            file.seek(SeekFrom::Start(batch.next.octet))?;
            let mut reader = BufReader::new(file);
            let mut line = Vec::new();
            while batch.events.len() < limit && reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
                batch.next.octet += line.len() as u64;
                batch.lines += 1;
                match serde_json::from_slice(&line) {
                    Ok(event) => batch.events.push(event),
                    Err(error) => {
                        // What serde says may quote an address.
                        let what = error.classify();
                        tracing::error!(?what, segment, "an event in the spool is damaged; it goes to rejected.ndjson");
                        self.reject(&String::from_utf8_lossy(&line), &error.to_string())?;
                    }
                }
                line.clear();
            }
            if batch.events.len() >= limit {
                break;
            }
        }
        Ok(batch)
    }

    /// Forgets a batch, which the service has or which was rejected. What the disk refuses of that is only logged:
    /// after a restart the batch may come again. Blocks.
    pub fn done(&self, batch: &Batch) {
        let mut inner = self.inner();
        inner.sent = batch.next;
        inner.backlog = inner.backlog.saturating_sub(batch.lines);
        if let Err(error) = self.tidy(&mut inner, batch.next.segment) {
            tracing::warn!(%error, "cannot write on disk what the service has; after a restart it may be sent again");
        }
    }

    /// Deletes what was sent and writes the position.
    fn tidy(&self, inner: &mut Inner, segment: u64) -> io::Result<()> {
        // First: this makes room on a full disk. A position in a segment that is gone means the one after it.
        while let Some(first) = inner.segments.first().copied().filter(|first| *first < segment) {
            std::fs::remove_file(segment_path(&self.folder, first))?;
            inner.segments.remove(&first);
        }
        if inner.backlog == 0 && inner.last_octets > SENT_OCTETS {
            inner.start_segment(&self.folder)?;
            inner.sent = SpoolPosition { segment: segment + 1, octet: 0 };
            std::fs::remove_file(segment_path(&self.folder, segment))?;
            inner.segments.remove(&segment);
        }
        files::write(&self.folder.join("position.json"), &serde_json::to_vec(&inner.sent)?)
    }

    /// Keeps an event that the service will never take, with the reason, in `rejected.ndjson`. Blocks.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn reject(&self, event: &str, reason: &str) -> io::Result<()> {
        let path = self.folder.join("rejected.ndjson");
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        if file.metadata()?.len() > REJECTED_OCTETS {
            std::fs::rename(&path, self.folder.join("rejected.old.ndjson"))?;
            file = OpenOptions::new().create(true).append(true).open(&path)?;
        }
        let line = serde_json::json!({ "reason": reason, "event": event.trim_end() });
        file.write_all(format!("{line}\n").as_bytes())
    }

    /// How many events wait.
    pub fn backlog(&self) -> u64 {
        self.inner().backlog
    }

    /// Waits until events were added.
    pub async fn added(&self) {
        self.added.notified().await;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn start_segment(&mut self, folder: &Path) -> io::Result<()> {
        let number = self.segments.last().copied().unwrap_or(0) + 1;
        self.last = open_segment(folder, number)?;
        self.last_octets = 0;
        self.segments.insert(number);
        files::sync_folder(folder)
    }

    /// A position that exists: segments may be gone when the position file is older, or be shorter after a damage. What
    /// is sent again is harmless.
    fn clamp(&self, folder: &Path, sent: SpoolPosition) -> io::Result<SpoolPosition> {
        Ok(match self.segments.range(sent.segment..).next() {
            Some(segment) if *segment == sent.segment && is_behind_a_line(folder, sent)? => sent,
            Some(segment) => SpoolPosition { segment: *segment, octet: 0 },
            None => SpoolPosition { segment: self.segments.first().copied().unwrap_or(1), octet: 0 },
        })
    }
}

fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.ndjson"))
}

fn open_segment(folder: &Path, number: u64) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(segment_path(folder, number))
}

/// Whether a line of the segment starts here, or will.
fn is_behind_a_line(folder: &Path, SpoolPosition { segment, octet }: SpoolPosition) -> io::Result<bool> {
    let Some(before) = octet.checked_sub(1) else { return Ok(true) };
    let mut file = File::open(segment_path(folder, segment))?;
    file.seek(SeekFrom::Start(before))?;
    let mut last = Vec::new();
    file.take(1).read_to_end(&mut last)?;
    Ok(last == b"\n")
}

/// A kill may have left half a line, whose event the log still has.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = 0;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
        end += line.len() as u64;
        line.clear();
    }
    Ok(end)
}
