//! The job that reads an uploaded file: one thread turns bytes into rows while the database takes those before.

use super::{
    file::{self, Row, Rows},
    kept_until,
};
use crate::{
    service::{Error, Result, wake::What},
    state::AppState,
    store::uploads::{
        self as rows, StoredUpload,
        contents::{self, Batch, InvalidRow, Outcome, ValidRow},
        pieces,
    },
};
use shared::upload::{Analysis, Failure, Reading, RecordCounts, UploadState};
use std::time::Duration;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    time::{Instant, MissedTickBehavior},
};
use uuid::Uuid;

/// Rows that are written in one transaction.
const BATCH: usize = 20_000;
/// So many octets of addresses are sorted at a time. Lists take addresses in the order of these parts: sorted, because
/// each of a thousand addresses at random changes another page of every index on a long list.
const PART: usize = 32 << 20;
/// What a row holds besides the octets of its two texts.
const ROW: usize = size_of::<ValidRow>();
/// Invalid rows that are kept to be looked at; the others are read from the file again.
const KEPT_INVALID: i64 = 100_000;
/// How often the job says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often followers hear of the progress.
const PROGRESS: Duration = Duration::from_millis(250);
/// The part of the progress that reading is; the rest is counting.
const READING: f64 = 0.9;

/// Analyses an upload. When another job began the same after this one, this one ends and changes nothing more.
///
/// # Errors
/// The database refused; the analysis begins anew.
pub(super) async fn perform(state: &AppState, stored: &StoredUpload) -> Result<()> {
    let job = Job {
        state,
        id: stored.upload.id,
        server_configuration_id: stored.server_configuration_id,
        reader: Uuid::now_v7(),
    };
    if !contents::claim(state.db.connection(), job.id, job.reader, state.clock.now()).await? {
        return Ok(());
    }
    // Both are driven all the time: the work may hold SQLite's write lock, which a heartbeat waits for.
    tokio::select! {
        done = job.work(stored) => done,
        taken_over = job.live() => taken_over,
    }
}

/// Ends the analysis of an upload whose file cannot be read; nothing of it stays but the bytes.
///
/// # Errors
/// The database refused.
pub(super) async fn fail(state: &AppState, id: Uuid, failure: Failure) -> Result<()> {
    let Some(stored) = rows::find(state.db.connection(), id).await? else { return Ok(()) };
    let reader = Uuid::now_v7();
    if !contents::claim(state.db.connection(), id, reader, state.clock.now()).await? {
        return Ok(());
    }
    let job = Job { state, id, server_configuration_id: stored.server_configuration_id, reader };
    job.end(None, Some(failure)).await
}

/// One attempt.
struct Job<'a> {
    state: &'a AppState,
    id: Uuid,
    server_configuration_id: Uuid,
    reader: Uuid,
}

impl Job<'_> {
    async fn work(&self, stored: &StoredUpload) -> Result<()> {
        // Of an attempt before this one, or of another reading.
        self.clear().await?;
        let size = stored.upload.size;
        let sample = self.sample(size).await?;
        let wanted = stored.upload.wanted.clone();
        let whole = sample.len() as i64 == size;
        let plan = tokio::task::spawn_blocking(move || file::plan(&sample, whole, &wanted)).await;
        let plan = plan.map_err(|error| Error::Internal(error.into()))?;
        let mut analysis =
            Analysis { reading: plan.reading, columns: plan.columns, preview: plan.preview, counts: None };
        if let Some(failure) = plan.failure {
            return self.end(Some(analysis), Some(failure)).await;
        }
        let Passed { invalid, ended } = match self.read(size, analysis.reading).await? {
            Some(Ok(passed)) => passed,
            Some(Err(failure)) => return self.end(Some(analysis), Some(failure)).await,
            None => return Ok(()),
        };
        let counts = contents::count(self.state.db.connection(), self.server_configuration_id, self.id).await?;
        analysis.counts = Some(RecordCounts {
            total: counts.total + ended + invalid,
            already_blocked: counts.already_blocked + ended,
            invalid,
            invalid_kept: invalid.min(KEPT_INVALID),
            ..counts
        });
        self.end(Some(analysis), None).await
    }

    /// Says that the job lives, until another one took over.
    async fn live(&self) -> Result<()> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            heartbeat.tick().await;
            let now = self.state.clock.now();
            match contents::alive(self.state.db.connection(), self.id, self.reader, now).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // The work goes on, and finds out by itself whether it can.
                Err(error) => tracing::warn!(id = %self.id, %error, "cannot say that an analysis goes on"),
            }
        }
    }

    /// The first bytes of the file.
    async fn sample(&self, size: i64) -> Result<Vec<u8>> {
        let mut sample = Vec::new();
        while sample.len() < file::SAMPLE && (sample.len() as i64) < size {
            sample.extend(self.piece(sample.len() as i64).await?);
        }
        Ok(sample)
    }

    async fn piece(&self, start: i64) -> Result<Vec<u8>> {
        let piece = pieces::read(self.state.db.connection(), self.id, start).await?;
        piece.ok_or_else(|| Error::Internal(anyhow::anyhow!("the upload {} has no byte {start}", self.id)))
    }

    /// Reads the whole file into the database. Answers which rows were passed over, or why it cannot be read; `None` when
    /// another job took over.
    async fn read(&self, size: i64, reading: Reading) -> Result<Option<std::result::Result<Passed, Failure>>> {
        let (bytes_in, bytes_out) = channel(2);
        let (batches_in, batches_out) = channel(2);
        let reader = tokio::task::spawn_blocking(move || Sorter::new(reading, PART, batches_in).sort(bytes_out));
        // Whichever ends early drops its end of the channel, which ends the thread and so the other.
        let ((), mine) = tokio::try_join!(self.feed(size, bytes_in), self.store(size, batches_out))?;
        let sorted = reader.await.map_err(|error| Error::Internal(error.into()))?;
        Ok(mine.then_some(sorted))
    }

    async fn feed(&self, size: i64, bytes: Sender<(Vec<u8>, i64)>) -> Result<()> {
        let mut start = 0;
        while start < size {
            let piece = self.piece(start).await?;
            start += piece.len() as i64;
            if bytes.send((piece, start)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// False when another job took over.
    async fn store(&self, size: i64, mut batches: Receiver<(Batch, i64)>) -> Result<bool> {
        let mut told = Instant::now();
        while let Some((batch, read)) = batches.recv().await {
            let progress = READING * read as f64 / size as f64;
            if !contents::append(&self.state.db, self.id, self.reader, &batch, progress).await? {
                return Ok(false);
            }
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                self.state.wake.tell(&self.state.db, self.server_configuration_id, &[What::Upload(self.id)]).await?;
            }
        }
        Ok(true)
    }

    /// Removes what was found, in small steps, as long as no other job took over.
    async fn clear(&self) -> Result<()> {
        let mut after = Some(0);
        while let Some(line) = after {
            let transaction = self.state.db.begin().await?;
            if !contents::alive(&transaction, self.id, self.reader, self.state.clock.now()).await? {
                return Ok(());
            }
            after = contents::remove(&transaction, self.id, line).await?;
            transaction.commit().await?;
            self.state.db.give_back_space().await?;
        }
        Ok(())
    }

    /// Ends the analysis, unless another job took over.
    async fn end(&self, analysis: Option<Analysis>, failure: Option<Failure>) -> Result<()> {
        let state = if failure.is_some() { UploadState::Failed } else { UploadState::Ready };
        if failure.is_some()
            && let Err(error) = self.clear().await
        {
            // On a full disk. It goes with the upload, or before the next reading.
            tracing::warn!(id = %self.id, %error, "cannot remove what an analysis found");
        }
        let outcome = Outcome { state, analysis: analysis.as_ref(), failure: failure.as_ref() };
        let now = self.state.clock.now();
        let transaction = self.state.db.begin().await?;
        if contents::finish(&transaction, self.id, self.reader, outcome, now, kept_until(state, now)).await? {
            let changes = [What::Upload(self.id)];
            self.state.wake.commit(transaction, self.server_configuration_id, &changes).await?;
        }
        Ok(())
    }
}

/// How many rows of a file are not among those with a valid address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Passed {
    /// Have no valid address.
    invalid: i64,
    /// Of a downloaded list: blocks that have ended and that mail servers still hold.
    ended: i64,
}

/// Turns bytes into rows.
struct Sorter {
    reading: Reading,
    batches: Sender<(Batch, i64)>,
    valid: Vec<ValidRow>,
    /// Octets that the valid rows take.
    size: usize,
    /// The place of the first of them.
    first: i64,
    invalid_rows: Vec<InvalidRow>,
    passed: Passed,
    /// How many bytes of the file were read.
    read: i64,
    /// How many of them when rows were handed on last.
    handed_on: i64,
    /// So many octets of addresses are sorted at a time.
    part: usize,
    /// Nobody takes the rows any more.
    closed: bool,
}

impl Sorter {
    fn new(reading: Reading, part: usize, batches: Sender<(Batch, i64)>) -> Self {
        Self {
            reading,
            batches,
            valid: Vec::new(),
            size: 0,
            first: 1,
            invalid_rows: Vec::new(),
            passed: Passed::default(),
            read: 0,
            handed_on: 0,
            part,
            closed: false,
        }
    }

    /// Answers which rows were passed over, or why the file cannot be read.
    fn sort(mut self, mut bytes: Receiver<(Vec<u8>, i64)>) -> std::result::Result<Passed, Failure> {
        let mut rows = Rows::new(self.reading);
        while let Some((piece, read)) = bytes.blocking_recv() {
            self.read = read;
            rows.read(&piece, |row| self.take(row))?;
            if self.closed {
                return Ok(self.passed);
            }
        }
        rows.end(|row| self.take(row))?;
        self.flush();
        Ok(self.passed)
    }

    fn take(&mut self, row: Row) -> bool {
        match row {
            Row::Ended => self.passed.ended += 1,
            Row::Valid(row) => {
                self.size += ROW + row.key.as_str().len() + row.address.len();
                self.valid.push(row);
            }
            Row::Invalid(row) => {
                self.passed.invalid += 1;
                if self.passed.invalid <= KEPT_INVALID {
                    self.invalid_rows.push(row);
                }
            }
        }
        if self.size >= self.part || self.invalid_rows.len() >= BATCH {
            self.flush();
        }
        !self.closed
    }

    fn flush(&mut self) {
        // Of two spellings the first in the file stays the first.
        self.valid.sort_by(|left, right| left.key.cmp(&right.key));
        self.size = 0;
        let mut invalid = std::mem::take(&mut self.invalid_rows);
        let mut valid = std::mem::take(&mut self.valid).into_iter();
        let (rows, begun_at) = (valid.len(), self.handed_on);
        self.handed_on = self.read;
        while !self.closed && (valid.len() > 0 || !invalid.is_empty()) {
            let batch = Batch {
                first: self.first,
                valid: valid.by_ref().take(BATCH).collect(),
                invalid: std::mem::take(&mut invalid),
            };
            self.first += batch.valid.len() as i64;
            let share = 1.0 - valid.len() as f64 / rows.max(1) as f64;
            let read = begun_at + ((self.read - begun_at) as f64 * share) as i64;
            self.closed = self.batches.blocking_send((batch, read)).is_err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::upload::{Delimiter, Encoding};

    #[test]
    fn parts_are_sorted_and_the_first_spelling_stays_first() {
        let reading =
            Reading { encoding: Encoding::Utf8, delimiter: Delimiter::Comma, header: false, column_number: Some(1) };
        let (batches, mut sorted) = channel(10);
        let (bytes_in, bytes) = channel(1);
        let file = b"c@example.com\nB@example.com\nnothing\nb@example.com\na@example.com\nd@example.com\n".to_vec();
        let size = file.len() as i64;
        bytes_in.try_send((file, size)).expect("room");
        drop(bytes_in);
        // Four rows reach this size.
        let part = 4 * (ROW + 2 * "a@example.com".len());
        assert_eq!(Sorter::new(reading, part, batches).sort(bytes), Ok(Passed { invalid: 1, ended: 0 }));
        let mut seen = Vec::new();
        while let Ok((batch, read)) = sorted.try_recv() {
            assert!(read <= size);
            let addresses: Vec<String> = batch.valid.into_iter().map(|row| row.address).collect();
            seen.push((batch.first, addresses.join(" "), batch.invalid.len()));
        }
        let first = "a@example.com B@example.com b@example.com c@example.com".to_owned();
        assert_eq!(seen, [(1, first, 1), (5, "d@example.com".to_owned(), 0)]);
    }
}
