//! The list as agents follow it (DESIGN section 4): snapshot, changes, waiting, acknowledgements.

mod body;
mod packed;
mod prepared;

pub use body::{Connections, Pace, body, pieces};
pub use packed::{PackedLists, Piece};
pub use prepared::{follow, prepare};

use super::{
    Error, Result,
    wake::{Signal, What},
};
use crate::{
    state::AppState,
    store::{
        agent_lists,
        change_sets::{self, Head},
        distributions,
    },
};
use bytes::Bytes;
use futures::Stream;
use shared::{
    ListChecksum, RefusalCode,
    agent_sync::{Acknowledgement, AcknowledgementResult, AgentIdentity},
};
use std::time::Duration;
use tokio::{sync::broadcast, time::Instant};
use uuid::Uuid;

/// Versions whose change sets are in memory together while a snapshot is read.
const VERSIONS: usize = 5_000;
/// Someone who waits looks by himself this often, in case a wake-up was lost.
const LOOK: Duration = Duration::from_secs(3);
/// Changes are kept while they are fewer than twice the list and this many more: a snapshot is shorter then.
const KEPT_CHANGES: i64 = 100_000;
/// An agent's call is noted unless one was this many milliseconds ago: half of what makes it silent would be too late.
const SEEN_FOR: i64 = 20_000;

/// What an agent holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The history that the version counts in.
    pub epoch: Uuid,
    /// The version.
    pub version: i64,
    /// Its checksum, if the agent tells it.
    pub checksum: Option<ListChecksum>,
}

/// A list to send: where from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    server_configuration_id: Uuid,
    head: Head,
    /// Changes since this version; `None`: a snapshot.
    from: Option<i64>,
    /// How many lines the body has at most.
    lines: i64,
}

impl Plan {
    /// Which versions are read together, each after one up to another: changes all at once, because what is taken off
    /// comes first; a snapshot not, because its list may have had any number of change sets.
    fn versions(&self) -> Vec<(i64, i64)> {
        let last = self.head.version;
        match self.from {
            Some(from) => vec![(from, last)],
            None => (0..last).step_by(VERSIONS).map(|after| (after, last.min(after + VERSIONS as i64))).collect(),
        }
    }
}

/// Who an agent is.
///
/// # Errors
/// The database refused.
pub async fn identity(
    state: &AppState,
    mail_server_id: Uuid,
    mail_server_name: String,
    server_configuration_id: Uuid,
) -> Result<AgentIdentity> {
    seen(state, mail_server_id, server_configuration_id).await;
    let head = change_sets::head(state.db.connection(), server_configuration_id).await?.ok_or(Error::NotFound)?;
    Ok(AgentIdentity {
        mail_server_id,
        mail_server_name,
        server_configuration_id,
        epoch: head.epoch,
        version: head.version,
    })
}

/// Notes that an agent called. On a full disk it cannot be noted, and the agent gets its list all the same.
async fn seen(state: &AppState, mail_server_id: Uuid, server_configuration_id: Uuid) {
    match agent_lists::seen(state.db.connection(), mail_server_id, state.clock.now(), SEEN_FOR).await {
        Ok(true) => state.wake.send(Signal { of: server_configuration_id, what: What::MailServers }),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "cannot note that an agent called"),
    }
}

/// What to send to an agent. Waits up to `wait` for something new; `None`: nothing new came.
///
/// # Errors
/// [`Error::Gone`] when the agent must fetch a snapshot; the database refused.
pub async fn plan(
    state: &AppState,
    mail_server_id: Uuid,
    server_configuration_id: Uuid,
    holding: Option<Holding>,
    wait: Duration,
) -> Result<Option<Plan>> {
    // Listen before looking: what is published in between is heard.
    let mut signals = state.wake.listen();
    seen(state, mail_server_id, server_configuration_id).await;
    let deadline = Instant::now() + wait;
    loop {
        let head = change_sets::head(state.db.connection(), server_configuration_id).await?.ok_or(Error::NotFound)?;
        let Some(holding) = holding else {
            return Ok(Some(Plan { server_configuration_id, head, from: None, lines: head.sum.count }));
        };
        if holding.epoch != head.epoch {
            return Err(gone("the service's list has another history"));
        }
        if holding.version > head.version || holding.version < 0 {
            return Err(gone("the service does not know this version"));
        }
        if holding.version < head.version {
            let sets = change_sets::published_between(
                state.db.connection(),
                server_configuration_id,
                holding.version,
                head.version,
            )
            .await?;
            let changes: i64 = sets.iter().map(|set| set.added.count + set.removed.count).sum();
            if changes > 2 * head.sum.count + KEPT_CHANGES {
                return Err(gone("the changes since this version are longer than the list"));
            }
            return Ok(Some(Plan { server_configuration_id, head, from: Some(holding.version), lines: changes }));
        }
        // A service that was restored from a backup may have come to the same version by other changes. At a later one the
        // agent finds out by itself.
        if holding.checksum.is_some_and(|checksum| checksum != head.sum.checksum) {
            return Err(gone("this version has another checksum"));
        }
        let now = Instant::now();
        if now >= deadline {
            return Ok(None);
        }
        tokio::select! {
            () = published(&mut signals, server_configuration_id, deadline.min(now + LOOK)) => {}
            () = state.wake.closed() => return Ok(None),
        }
    }
}

fn gone(why: &str) -> Error {
    Error::gone(RefusalCode::WrongPosition, format!("{why}: fetch a snapshot by leaving out epoch and version"))
}

/// Waits for a publication, at most until `until`.
async fn published(signals: &mut broadcast::Receiver<Signal>, server_configuration_id: Uuid, until: Instant) {
    let wanted = Signal { of: server_configuration_id, what: What::List };
    loop {
        match tokio::time::timeout_at(until, signals.recv()).await {
            Ok(Ok(signal)) if signal != wanted => {}
            // Something may have been missed: look.
            Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => return,
            Ok(Err(broadcast::error::RecvError::Closed)) => return tokio::time::sleep_until(until).await,
        }
    }
}

/// The body compressed by Zstandard, if it is so long that agents share it, and the disk has room.
pub fn packed_body(state: &AppState, plan: Plan) -> Option<impl Stream<Item = Result<Bytes>> + use<>> {
    if plan.lines < packed::LONG || state.db.check_room().is_err() {
        return None;
    }
    let lists = &state.packed_lists;
    let pace = Pace::AtOnce(lists.connections.clone());
    let parts = || pieces(state.db.clone(), plan, pace, Some(lists.clone()));
    let list = lists.get(&plan, &state.settings.data_dir, parts)?;
    Some(list.read())
}

/// Stores what an agent says that it holds, and completes the distributions that waited for it.
///
/// # Errors
/// The database refused.
pub async fn acknowledge(
    state: &AppState,
    mail_server_id: Uuid,
    server_configuration_id: Uuid,
    acknowledgement: &Acknowledgement,
) -> Result<AcknowledgementResult> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let head = change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let known = if acknowledgement.epoch != head.epoch || acknowledgement.version > head.version {
        None
    } else if acknowledgement.version == head.version {
        Some(head.sum)
    } else {
        distributions::sum_at(&transaction, server_configuration_id, acknowledgement.version).await?
    };
    let matches =
        known.is_some_and(|sum| sum.count == acknowledgement.count && sum.checksum == acknowledgement.checksum);
    agent_lists::acknowledge(&transaction, mail_server_id, acknowledgement, matches, now).await?;
    let settled = distributions::settle(&transaction, server_configuration_id, now).await?;
    let mut changes: Vec<What> = settled.changed.into_iter().map(What::Distribution).collect();
    changes.extend([What::MailServers, What::Rows]);
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    for (kind, asked_for_at) in settled.completed {
        state.metrics.distribution_acknowledged(kind, now - asked_for_at);
    }
    if !matches {
        state.metrics.mismatch();
    }
    Ok(AcknowledgementResult { matches })
}
