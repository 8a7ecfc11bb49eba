//! Keeps the list at what the service publishes. The list in effect is never given up for a worse one.

mod body;

use crate::{
    clock::Clock,
    list::{List, ListError},
    service::{Service, ServiceError, WAIT_SECONDS},
};
use body::Body;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use shared::agent_sync::{Acknowledgement, ListBody, ListHeader};
use std::{
    future,
    hash::{BuildHasher, RandomState},
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::task::{JoinHandle, spawn_blocking};

/// The first pause after a failure, and the longest: a release must show within 10 s of the service's return.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long to wait for changes while the disk refuses what is in effect: then the disk is tried again.
const DISK_WAIT_SECONDS: u32 = 5;
/// How long a fold waits: what it needs of the processor and the disk is then not missing where a list is taken in.
const FOLD_DELAY: Duration = Duration::from_secs(1);

/// Why a round of syncing failed.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error("the service's answer is no list: {0}")]
    NoList(&'static str),
    #[error("what answers is not Stoplist, a proxy perhaps")]
    NotStoplist,
}

impl From<reqwest::Error> for SyncError {
    fn from(error: reqwest::Error) -> Self {
        Self::Service(error.into())
    }
}

impl From<io::Error> for SyncError {
    fn from(error: io::Error) -> Self {
        Self::List(error.into())
    }
}

impl SyncError {
    /// Whether only a snapshot helps.
    fn needs_snapshot(&self) -> bool {
        match self {
            Self::Service(_) => self.is_gone(),
            Self::List(ListError::Disk(_) | ListError::Behind) | Self::NotStoplist => false,
            Self::List(_) | Self::NoList(_) => true,
        }
    }

    /// Whether the service says that there are no changes since the version that is held.
    fn is_gone(&self) -> bool {
        matches!(self, Self::Service(ServiceError::Refused { status: StatusCode::GONE, is_problem: true, .. }))
    }

    /// How long the service asks to wait.
    fn retry_after(&self) -> Duration {
        match self {
            Self::Service(error) => error.retry_after(),
            _ => Duration::ZERO,
        }
    }
}

/// What `status` shows of the syncing.
#[derive(Debug, Clone, Default)]
pub struct SyncStatus {
    /// When the service last answered.
    pub last_contact: Option<DateTime<Utc>>,
    /// What the service agreed to last.
    pub acknowledged: Option<Acknowledgement>,
    /// What went wrong last, if nothing has gone right since.
    pub problem: Option<String>,
}

/// The syncing of one agent.
pub struct Sync {
    service: Service,
    list: Arc<List>,
    clock: Clock,
    status: Arc<Mutex<SyncStatus>>,
    needs_snapshot: bool,
    /// The folding of the journal goes on beside the syncing: a release must not wait for it.
    folding: Option<JoinHandle<Result<(), ListError>>>,
}

impl Sync {
    /// Syncing of this list with this service.
    pub fn new(service: Service, list: Arc<List>, clock: Clock, status: Arc<Mutex<SyncStatus>>) -> Self {
        let needs_snapshot = list.position().is_none();
        Self { service, list, clock, status, needs_snapshot, folding: None }
    }

    /// Syncs for ever.
    pub async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.round().await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    let repeated = self.needs_snapshot;
                    self.needs_snapshot |= error.needs_snapshot();
                    let (reason, retry_after) = (error.to_string(), error.retry_after());
                    if error.is_gone() && !repeated {
                        tracing::info!(reason, "fetching a snapshot");
                        continue;
                    }
                    tracing::warn!(reason, snapshot = self.needs_snapshot, "syncing failed; the list in effect stays");
                    self.note(|status| status.problem = Some(reason));
                    tokio::time::sleep(jittered(pause).max(retry_after)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// One answer of the service: fetched, verified, in effect, durable, acknowledged.
    async fn round(&mut self) -> Result<(), SyncError> {
        let is_durable = self.settle().await?;
        let held = if self.needs_snapshot { None } else { self.list.position() };
        let wait = if is_durable { WAIT_SECONDS } else { DISK_WAIT_SECONDS };
        let is_damaged =
            async { if self.needs_snapshot { future::pending().await } else { self.list.is_damaged().await } };
        let response = tokio::select! {
            response = self.service.list(held.as_ref(), wait) => response?,
            () = is_damaged => return Err(ListError::Damaged("the list on disk").into()),
        };
        let now = self.clock.now();
        self.note(|status| {
            status.last_contact = Some(now);
            if is_durable {
                status.problem = None;
            }
        });
        let Some(response) = response else { return Ok(()) };
        let mut body = Body::new(response)?;
        let header = body.header().await?;
        match header.body {
            ListBody::Snapshot => {
                self.take_snapshot(&header, body).await?;
                self.needs_snapshot = false;
                tracing::info!(version = header.version, count = header.count, "a snapshot is in effect");
            }
            ListBody::Changes => {
                let (changes, received) = body.changes().await?;
                let (list, version, count) = (self.list.clone(), header.version, header.count);
                let applied = blocking(move || list.apply(&header, changes, &received)).await;
                let is_in_effect = self.list.position().is_some_and(|position| position.version == version);
                match applied {
                    Err(error) if !(is_in_effect && matches!(error, ListError::Disk(_))) => return Err(error.into()),
                    // `settle` tries the disk again.
                    _ => tracing::info!(version, count, "changes are in effect"),
                }
            }
        }
        self.settle().await.map(drop)
    }

    /// Makes durable what is in effect, acknowledges it, and tidies up behind it. False: the disk refuses, which holds
    /// back nothing else.
    async fn settle(&mut self) -> Result<bool, SyncError> {
        if self.needs_snapshot {
            return Ok(true);
        }
        let list = self.list.clone();
        match blocking(move || list.save()).await {
            Ok(()) => {
                self.acknowledge().await?;
                self.tidy().await?;
                Ok(true)
            }
            Err(error @ ListError::Disk(_)) => {
                let reason = format!("the list in effect is not on disk: {error}");
                tracing::warn!(reason, "it goes on taking changes and is not acknowledged");
                self.note(|status| status.problem = Some(reason));
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sees to it that a long journal is folded into the snapshot.
    async fn tidy(&mut self) -> Result<(), SyncError> {
        if self.folding.as_ref().is_some_and(|folding| !folding.is_finished()) {
            return Ok(());
        }
        let done = self.folding.take();
        if self.list.wants_fold() {
            let list = self.list.clone();
            self.folding = Some(tokio::spawn(async move {
                tokio::time::sleep(FOLD_DELAY).await;
                blocking(move || list.fold()).await
            }));
        }
        match done {
            Some(done) => Ok(finished(done).await?),
            None => Ok(()),
        }
    }

    async fn take_snapshot(&mut self, header: &ListHeader, mut body: Body) -> Result<(), SyncError> {
        if let Some(folding) = self.folding.take() {
            // Whether the list that is replaced could be folded does not matter any more.
            let _ = folding.await;
        }
        let mut writer = self.list.start_snapshot(header)?;
        while let Some(lines) = body.lines().await? {
            for line in lines.lines() {
                writer.push(line)?;
            }
        }
        let list = self.list.clone();
        Ok(blocking(move || list.finish_snapshot(writer)).await?)
    }

    /// Acknowledges what is enforced and durable, if the service has not agreed to it yet.
    async fn acknowledge(&mut self) -> Result<(), SyncError> {
        let Some(position) = self.list.position() else { return Ok(()) };
        if self.note(|status| status.acknowledged.as_ref() == Some(&position)) {
            return Ok(());
        }
        let result = self.service.acknowledge(&position).await?;
        let now = self.clock.now();
        self.note(|status| {
            status.last_contact = Some(now);
            status.acknowledged = result.matches.then_some(position);
        });
        if !result.matches {
            self.needs_snapshot = true;
            tracing::warn!("the service disagrees with what is held here; fetching a snapshot");
        }
        Ok(())
    }

    fn note<T>(&self, change: impl FnOnce(&mut SyncStatus) -> T) -> T {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ListError> + Send + 'static,
) -> Result<T, ListError> {
    finished(spawn_blocking(work)).await
}

async fn finished<T>(work: JoinHandle<Result<T, ListError>>) -> Result<T, ListError> {
    work.await.unwrap_or_else(|error| Err(ListError::Disk(io::Error::other(error))))
}

/// Between half and the whole of a pause, so that agents do not call a returning service all at once.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) as u32;
    pause / 2 + (pause / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
