//! Taking in the bytes of an upload: any number at once, in constant memory, and what came stays.

use super::{complete, get, kept_until};
use crate::{
    service::{
        Access, Actor, Error, Result,
        authentication::{Origin, Permission, identify, identify_session},
        wake::What,
    },
    state::AppState,
    store::uploads::pieces::{self, MAX_PIECE},
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use shared::{
    RefusalCode,
    upload::{Upload, UploadState},
};
use std::{fmt::Display, pin::pin, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// Bytes a second. Whoever sends fewer for as long as the settings are patient is taken for gone: what came stays, and who
/// is there goes on from it.
const LOWEST_SPEED: u64 = 1024;
/// How often it is looked whether who sends bytes still may.
const CHECK: Duration = Duration::from_secs(3);

/// Who sends the bytes of a request.
pub struct Sender {
    /// Their right to it when it began.
    pub access: Access,
    /// The token that it came with.
    pub token: String,
}

impl Sender {
    /// That they still may. The access token of a person may expire meanwhile, as long as the session goes on.
    async fn expect_right(&self, state: &AppState) -> Result<()> {
        let identity = match self.access.actor {
            Actor::User { id, session_id, .. } => {
                identify_session(state, id, session_id, Some(self.access.account_id), Origin::default()).await?
            }
            _ => identify(state, &self.token, Origin::default()).await?,
        };
        identity.require(Permission::Operate)
    }
}

/// How a checksum is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1, which tus asks every server to know.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What the bytes of one request must add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How it is made.
    pub algorithm: Algorithm,
    /// What it must be.
    pub expected: Vec<u8>,
}

/// What a request says of the bytes that it brings.
#[derive(Debug, Clone)]
pub struct Announced {
    /// Where they belong.
    pub offset: i64,
    /// How many they are, when that is known.
    pub length: Option<u64>,
    /// What they must add up to.
    pub checksum: Option<Checksum>,
}

/// Adds the bytes of `body` to an upload. The newest caller wins: an older one that still sends is refused at its next
/// piece, and one whose right to it ended within seconds. What came before the body broke off stays, unless it has a
/// checksum: then all of it counts or nothing.
///
/// # Errors
/// [`Error::Conflict`]: the upload does not wait for this offset, or another caller took over. [`Error::TooLarge`]: more
/// bytes than the file has. [`Error::ChecksumMismatch`]. [`Error::Malformed`]: the body broke off. [`Error::TooSlow`].
/// [`Error::Unauthorized`], [`Error::Forbidden`], [`Error::Suspended`]: the caller may not go on.
pub async fn receive<E: Display>(
    state: &AppState,
    sender: &Sender,
    server_configuration_id: Uuid,
    id: Uuid,
    announced: Announced,
    body: impl Stream<Item = std::result::Result<Bytes, E>>,
) -> Result<Upload> {
    let (upload, _) = get(state, server_configuration_id, id).await?;
    let Announced { offset, length, checksum } = announced;
    let missing = u64::try_from(upload.size - upload.received).unwrap_or(0);
    let waits = upload.state == UploadState::Uploading && upload.received == offset;
    if waits && length.is_some_and(|length| length > missing) {
        return Err(Error::TooLarge(format!("{missing} bytes of the file are missing, and more were announced")));
    }
    if upload.state != UploadState::Uploading && offset == upload.size && length == Some(0) {
        // Whoever missed the answer to the last bytes sends what is left: nothing.
        return Ok(upload);
    }
    let now = state.clock.now();
    let writer = Uuid::now_v7();
    let expires_at = kept_until(UploadState::Uploading, now);
    let transaction = state.db.begin().await?;
    if !pieces::take_over(&transaction, id, writer, offset, now, expires_at).await? {
        drop(transaction);
        return Err(refusal(state, server_configuration_id, id, offset).await);
    }
    transaction.commit().await?;
    let mut intake = Intake {
        state,
        sender,
        checked: Instant::now(),
        server_configuration_id,
        id,
        writer,
        size: upload.size,
        counted: offset,
        written: offset,
        buffer: Vec::new(),
        sum: checksum.map(Sum::new),
    };
    // A request with a checksum that was cut off left pieces that do not count.
    intake.drop_uncounted().await?;
    let taken = intake.take(body).await;
    let ended = intake.end(taken.is_ok()).await;
    taken.and(ended)?;
    Ok(get(state, server_configuration_id, id).await?.0)
}

/// Why the upload does not take bytes at this offset.
async fn refusal(state: &AppState, server_configuration_id: Uuid, id: Uuid, offset: i64) -> Error {
    match get(state, server_configuration_id, id).await {
        Ok((upload, _)) if upload.state != UploadState::Uploading => {
            Error::conflict(RefusalCode::DoneAlready, "every byte of this upload is here already")
        }
        Ok((upload, _)) => Error::conflict(
            RefusalCode::WrongPosition,
            format!(
                "Upload-Offset is {offset}, but {} bytes are here: ask with HEAD and go on from there",
                upload.received
            ),
        ),
        Err(error) => error,
    }
}

/// The checksum of a request, as far as its bytes have come.
enum Sum {
    Sha1(Sha1, Vec<u8>),
    Sha256(Sha256, Vec<u8>),
}

impl Sum {
    fn new(checksum: Checksum) -> Self {
        match checksum.algorithm {
            Algorithm::Sha1 => Self::Sha1(Sha1::new(), checksum.expected),
            Algorithm::Sha256 => Self::Sha256(Sha256::new(), checksum.expected),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sum, _) => sum.update(bytes),
            Self::Sha256(sum, _) => sum.update(bytes),
        }
    }

    fn agrees(self) -> bool {
        match self {
            Self::Sha1(sum, expected) => sum.finalize().as_slice() == expected,
            Self::Sha256(sum, expected) => sum.finalize().as_slice() == expected,
        }
    }
}

/// How fast bytes come: only the time that is spent waiting for them counts, not that of the database.
struct Pace {
    window: Duration,
    waited: Duration,
    /// Bytes since the window began.
    came: u64,
}

impl Pace {
    fn new(window: Duration) -> Self {
        Self { window, waited: Duration::ZERO, came: 0 }
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// [`Error::TooSlow`]: less came in a whole window than [`LOWEST_SPEED`] makes of it.
    async fn keep<T>(&mut self, next: impl Future<Output = T>) -> Result<T> {
        let mut next = pin!(next);
        loop {
            let begun = Instant::now();
            let next = tokio::time::timeout(self.window.saturating_sub(self.waited), &mut next).await;
            self.waited += begun.elapsed();
            if self.waited >= self.window {
                if u128::from(self.came) * 1000 < u128::from(LOWEST_SPEED) * self.window.as_millis() {
                    let detail = "the bytes come too slowly: ask with HEAD how many are here, and go on from there";
                    return Err(Error::TooSlow(detail.to_owned()));
                }
                (self.waited, self.came) = (Duration::ZERO, 0);
            }
            if let Ok(next) = next {
                return Ok(next);
            }
        }
    }
}

/// One request that adds bytes.
struct Intake<'a> {
    state: &'a AppState,
    sender: &'a Sender,
    /// When it was last looked whether the sender still may.
    checked: Instant,
    server_configuration_id: Uuid,
    id: Uuid,
    writer: Uuid,
    size: i64,
    /// Bytes that count as received.
    counted: i64,
    /// Bytes in the database; more than `counted` while a checksum is awaited.
    written: i64,
    /// Bytes that are not in the database.
    buffer: Vec<u8>,
    sum: Option<Sum>,
}

impl Intake<'_> {
    async fn take<E: Display>(&mut self, body: impl Stream<Item = std::result::Result<Bytes, E>>) -> Result<()> {
        let mut body = pin!(body);
        let mut pace = Pace::new(self.state.settings.patience.upload);
        loop {
            let Some(bytes) = pace.keep(body.next()).await? else { return Ok(()) };
            let mut bytes = bytes.map_err(|error| Error::Malformed(format!("the body broke off: {error}")))?;
            pace.came += bytes.len() as u64;
            if self.checked.elapsed() >= CHECK {
                self.sender.expect_right(self.state).await?;
                self.checked = Instant::now();
            }
            if let Some(sum) = &mut self.sum {
                sum.update(&bytes);
            }
            while !bytes.is_empty() {
                // The last piece is written when the body has ended: only then is it known that nothing follows.
                if self.buffer.len() == MAX_PIECE {
                    self.flush(false).await?;
                }
                let here = self.written + self.buffer.len() as i64;
                if here == self.size {
                    self.buffer.clear();
                    return Err(Error::TooLarge(format!("the file has {} bytes, and more came", self.size)));
                }
                let room = (MAX_PIECE - self.buffer.len()).min(usize::try_from(self.size - here).unwrap_or(usize::MAX));
                let part = bytes.split_to(room.min(bytes.len()));
                self.buffer.extend_from_slice(&part);
            }
        }
    }

    /// Writes what is left, or takes back what does not count.
    async fn end(&mut self, whole: bool) -> Result<()> {
        let counts = self.sum.take().is_none_or(|sum| whole && sum.agrees());
        if counts {
            return self.flush(true).await;
        }
        self.buffer.clear();
        self.drop_uncounted().await?;
        self.state.db.give_back_space().await?;
        if whole { Err(Error::ChecksumMismatch) } else { Ok(()) }
    }

    /// Removes pieces that do not count, unless another request went on: then they are its own.
    async fn drop_uncounted(&mut self) -> Result<()> {
        let mut more = true;
        while more {
            let transaction = self.state.db.begin().await?;
            let now = self.state.clock.now();
            let expires_at = kept_until(UploadState::Uploading, now);
            more = pieces::advance(&transaction, self.id, self.writer, 0, now, expires_at).await?
                && pieces::remove(&transaction, self.id, self.counted).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Writes the buffer; with `last` everything written so far counts.
    async fn flush(&mut self, last: bool) -> Result<()> {
        let length = self.buffer.len() as i64;
        let counted = if last || self.sum.is_none() { self.written + length } else { self.counted };
        if length == 0 && counted == self.counted {
            return Ok(());
        }
        let now = self.state.clock.now();
        let expires_at = kept_until(UploadState::Uploading, now);
        let transaction = self.state.db.begin().await?;
        let more = counted - self.counted;
        if !pieces::advance(&transaction, self.id, self.writer, more, now, expires_at).await? {
            self.buffer.clear();
            let detail = "another request goes on with this upload, or it was deleted";
            return Err(Error::conflict(RefusalCode::InProgress, detail));
        }
        if length > 0 {
            self.state.db.check_room()?;
            let data = std::mem::take(&mut self.buffer);
            pieces::insert(&transaction, self.id, self.written, data).await?;
        }
        let mut changes = Vec::new();
        if counted == self.size {
            complete(&transaction, self.id, now).await?;
            changes.extend([What::Upload(self.id), What::Job]);
        }
        self.state.wake.commit(transaction, self.server_configuration_id, &changes).await?;
        self.written += length;
        self.counted = counted;
        Ok(())
    }
}
