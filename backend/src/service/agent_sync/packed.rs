//! Long lists as agents are sent them, read from the database and compressed once for all who want the same: after a
//! publication that is every mail server, at the same moment.
//!
//! A list lies in a file without a name, which goes with the last agent that reads it, and with the process. Without
//! such a file each agent's list comes straight from the database.

use super::{Connections, Plan, prepared::PreparedSets};
use crate::service::{Error, Result};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn_blocking},
    time::Instant,
};
use zstd::{bulk::Compressor, zstd_safe::compress_bound};

/// Fewer lines than this are not worth a file.
pub(super) const LONG: i64 = 5_000;
/// Zstandard's fastest: an agent unpacks it in a fifth of what gzip takes, and it is no longer.
const LEVEL: i32 = 1;
/// How much of a file an agent is sent at a time.
const PIECE: u64 = 256 << 10;
/// How long the disk is left alone after it refused.
const REST: Duration = Duration::from_secs(60);

/// The lists that are being sent.
#[derive(Debug, Default)]
pub struct PackedLists {
    known: Mutex<Known>,
    /// Which read them.
    pub(super) connections: Connections,
    /// What of them is packed before it is published.
    pub prepared: PreparedSets,
}

/// A part of a list.
#[derive(Debug)]
pub enum Piece {
    /// Lines, to be compressed.
    Lines(Bytes),
    /// Octets of what is compressed already: from one piece of lines to the next they are whole frames.
    Packed(Bytes),
}

impl Piece {
    /// What it consists of.
    pub(super) fn into_octets(self) -> Bytes {
        match self {
            Self::Lines(octets) | Self::Packed(octets) => octets,
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    lists: Vec<(Plan, Weak<PackedList>)>,
    /// When the disk refused last.
    refused: Option<Instant>,
}

impl Known {
    fn refuse(&mut self, error: &io::Error) {
        tracing::warn!(%error, "the disk refuses a list that agents share; each gets its own from the database");
        self.refused = Some(Instant::now());
    }
}

impl PackedLists {
    /// The list of a plan: one that is being sent already, or a new one of `parts`, in a file in `folder`. `None`: the
    /// disk refuses.
    pub(super) fn get<S: Stream<Item = Result<Piece>> + Send + 'static>(
        self: &Arc<Self>,
        plan: &Plan,
        folder: &Path,
        parts: impl FnOnce() -> S,
    ) -> Option<Arc<PackedList>> {
        let mut known = self.lock();
        known.lists.retain(|(_, list)| list.upgrade().is_some_and(|list| !list.is_torn()));
        if let Some(list) = known.lists.iter().find(|(of, _)| of == plan).and_then(|(_, list)| list.upgrade()) {
            return Some(list);
        }
        if known.refused.is_some_and(|at| at.elapsed() < REST) {
            return None;
        }
        let lists = self.clone();
        let refused = move |error: &io::Error| lists.lock().refuse(error);
        match PackedList::start(folder, parts(), refused) {
            Ok(list) => {
                known.lists.push((*plan, Arc::downgrade(&list)));
                Some(list)
            }
            Err(error) => {
                known.refuse(&error);
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a list has come.
#[derive(Debug, Clone, Copy)]
struct Progress {
    octets: u64,
    is_whole: bool,
}

/// One list, compressed by Zstandard.
#[derive(Debug)]
pub struct PackedList {
    file: File,
    /// Without a sender it does not get longer any more.
    progress: watch::Receiver<Progress>,
    packing: AbortHandle,
}

impl PackedList {
    /// Of these parts.
    pub(super) fn start(
        folder: &Path,
        parts: impl Stream<Item = Result<Piece>> + Send + 'static,
        refused: impl FnOnce(&io::Error) + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let file = tempfile::tempfile_in(folder)?;
        let packed = file.try_clone()?;
        let (sender, progress) = watch::channel(Progress { octets: 0, is_whole: false });
        let packing = tokio::spawn(async move {
            match pack(parts, packed, &sender).await {
                Ok(()) => {}
                Err(PackError::Disk(error)) => refused(&error),
                Err(PackError::Parts(error)) => tracing::warn!(%error, "a list for agents broke off"),
            }
        });
        Ok(Arc::new(Self { file, progress, packing: packing.abort_handle() }))
    }

    fn is_torn(&self) -> bool {
        self.progress.has_changed().is_err() && !self.progress.borrow().is_whole
    }

    /// Waits for its end; false when it broke off.
    pub(super) async fn whole(&self) -> bool {
        self.progress.clone().wait_for(|progress| progress.is_whole).await.is_ok()
    }

    /// Its octets from the first to the last, as they come.
    pub(super) fn read(self: Arc<Self>) -> impl Stream<Item = Result<Bytes>> {
        async_stream::try_stream! {
            let mut progress = self.progress.clone();
            let mut at = 0;
            loop {
                let Progress { octets, is_whole } = *progress.borrow_and_update();
                while at < octets {
                    let list = self.clone();
                    let mut piece = vec![0; PIECE.min(octets - at) as usize];
                    let reading = spawn_blocking(move || list.file.read_exact_at(&mut piece, at).map(|()| piece));
                    let piece = reading.await.map_err(io::Error::other).flatten();
                    let piece = piece.map_err(|error| Error::Internal(error.into()))?;
                    at += piece.len() as u64;
                    yield Bytes::from(piece);
                }
                if is_whole {
                    break;
                }
                // The agent asks again.
                progress.changed().await.map_err(|_| Error::Internal(anyhow::anyhow!("the list broke off")))?;
            }
        }
    }
}

impl Drop for PackedList {
    fn drop(&mut self) {
        self.packing.abort();
    }
}

enum PackError {
    Disk(io::Error),
    Parts(Error),
}

/// Each part becomes a frame of its own (RFC 8878, section 3): it lies in memory whole and is compressed where it is, which
/// is faster than a stream that is copied first.
struct Packer {
    compressor: Compressor<'static>,
    frame: Vec<u8>,
    file: File,
    octets: u64,
}

impl Packer {
    fn new(file: File) -> io::Result<Self> {
        Ok(Self { compressor: Compressor::new(LEVEL)?, frame: Vec::new(), file, octets: 0 })
    }

    /// Blocks.
    fn push(&mut self, part: &Piece) -> io::Result<()> {
        let octets: &[u8] = match part {
            Piece::Lines(lines) => {
                self.frame.clear();
                self.frame.reserve(compress_bound(lines.len()));
                self.compressor.compress_to_buffer(lines, &mut self.frame)?;
                &self.frame
            }
            Piece::Packed(octets) => octets,
        };
        self.file.write_all(octets)?;
        self.octets += octets.len() as u64;
        Ok(())
    }
}

async fn pack(
    parts: impl Stream<Item = Result<Piece>>,
    file: File,
    progress: &watch::Sender<Progress>,
) -> std::result::Result<(), PackError> {
    let mut parts = pin!(parts);
    let mut packer = Packer::new(file).map_err(PackError::Disk)?;
    let mut next = parts.next().await;
    while let Some(part) = next {
        let part = part.map_err(PackError::Parts)?;
        let packing = spawn_blocking(move || packer.push(&part).map(|()| packer));
        // The database reads on meanwhile.
        let (packed, following) = tokio::join!(packing, parts.next());
        packer = packed.map_err(io::Error::other).flatten().map_err(PackError::Disk)?;
        progress.send_replace(Progress { octets: packer.octets, is_whole: false });
        next = following;
    }
    progress.send_replace(Progress { octets: packer.octets, is_whole: true });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::change_sets::{Head, Sum};
    use futures::{
        TryStreamExt,
        channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    };
    use tempfile::TempDir;
    use uuid::Uuid;

    type Parts = UnboundedReceiver<Result<Piece>>;

    fn lines(lines: &'static [u8]) -> Piece {
        Piece::Lines(Bytes::from_static(lines))
    }

    fn plan(version: i64) -> Plan {
        let head = Head { epoch: Uuid::nil(), version, sum: Sum::default() };
        Plan { server_configuration_id: Uuid::nil(), head, from: Some(0), lines: 1 }
    }

    struct Place {
        lists: Arc<PackedLists>,
        folder: TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { lists: Arc::default(), folder: tempfile::tempdir().unwrap() }
        }

        /// A list that is new, and who gives its parts.
        fn new_list(&self, version: i64) -> (Arc<PackedList>, UnboundedSender<Result<Piece>>) {
            let (sender, parts) = unbounded();
            let list = self.lists.get(&plan(version), self.folder.path(), || parts);
            (list.expect("a file"), sender)
        }

        /// A list that somebody is being sent already.
        fn known_list(&self, version: i64) -> Option<Arc<PackedList>> {
            self.lists.get(&plan(version), self.folder.path(), || -> Parts { panic!("it is read again") })
        }
    }

    async fn text(list: Arc<PackedList>) -> Result<String> {
        let octets = list.read().map_ok(|piece| piece.to_vec()).try_concat().await?;
        Ok(String::from_utf8(zstd::decode_all(octets.as_slice()).unwrap()).unwrap())
    }

    #[tokio::test]
    async fn a_list_is_read_once_for_all_who_want_it() {
        let place = Place::new();
        let (first, parts) = place.new_list(1);
        let (other, other_parts) = place.new_list(2);
        let reading = tokio::spawn(text(first.clone()));
        let mut expected = String::new();
        for n in 0..200 {
            let part = format!("+user{n}@example.com\n").repeat(n);
            expected.push_str(&part);
            parts.unbounded_send(Ok(Piece::Lines(part.into()))).unwrap();
            if n == 100 {
                tokio::task::yield_now().await;
            }
        }
        let second = place.known_list(1).expect("the same");
        assert!(Arc::ptr_eq(&first, &second));
        drop(parts);
        assert_eq!(reading.await.unwrap().unwrap(), expected);
        assert_eq!(text(second).await.unwrap(), expected);
        other_parts.unbounded_send(Ok(lines(b"-b@example.com\n"))).unwrap();
        drop(other_parts);
        assert_eq!(text(other).await.unwrap(), "-b@example.com\n");
        assert_eq!(place.folder.path().read_dir().unwrap().count(), 0, "its file has no name");
    }

    #[tokio::test]
    async fn a_list_that_breaks_off_is_no_whole_one_and_is_read_again_for_the_next() {
        let place = Place::new();
        let (list, parts) = place.new_list(1);
        parts.unbounded_send(Ok(lines(b"+a@example.com\n"))).unwrap();
        parts.unbounded_send(Err(Error::NotFound)).unwrap();
        assert!(text(list.clone()).await.is_err());
        let (again, parts) = place.new_list(1);
        assert!(!Arc::ptr_eq(&list, &again));
        parts.unbounded_send(Ok(lines(b"+b@example.com\n"))).unwrap();
        drop(parts);
        assert_eq!(text(again).await.unwrap(), "+b@example.com\n");
    }

    #[tokio::test]
    async fn reading_ends_with_the_last_agent() {
        let place = Place::new();
        let (list, parts) = place.new_list(1);
        parts.unbounded_send(Ok(lines(b"+a@example.com\n"))).unwrap();
        drop(list);
        tokio::time::timeout(Duration::from_secs(10), async {
            while !parts.is_closed() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .expect("nobody reads for nobody");
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_left_alone_for_a_while() {
        let place = Place::new();
        let missing = place.folder.path().join("missing");
        assert!(place.lists.get(&plan(1), &missing, || unbounded().1).is_none());
        assert!(place.known_list(1).is_none());
        place.lists.lock().refused = Instant::now().checked_sub(REST);
        place.new_list(1);
    }
}
