//! Wakes those who wait for a change: long-polling agents, live streams, the queue's workers.

use super::Result;
use crate::store::{ConnectionTrait, DatabaseTransaction, Db, notifications};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A new version of the list was published.
    List,
    /// The blocked list or the stop cancellation list changed.
    Rows,
    /// A run changed.
    Run(Uuid),
    /// A distribution changed.
    Distribution(Uuid),
    /// A list operation changed.
    ListOperation(Uuid),
    /// An upload changed.
    Upload(Uuid),
    /// The run settings changed.
    RunSettings,
    /// A mail server was changed, or changed its state.
    MailServers,
    /// An inquiry was made, written to, read or closed.
    Inquiries,
    /// There is a job to do.
    Job,
}

/// A change of a server configuration, or of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The server configuration; for [`What::Inquiries`] the account.
    pub of: Uuid,
    /// What changed.
    pub what: What,
}

/// Carries [`Signal`]s to everybody in this process and, through PostgreSQL, in the other nodes. A signal may be lost
/// (a slow listener, a broken connection): listeners read the database after it, and once in a while without it.
#[derive(Debug, Clone)]
pub struct Wake {
    node: Uuid,
    sender: broadcast::Sender<Signal>,
    closed: CancellationToken,
}

/// A signal on its way between nodes.
#[derive(Serialize, Deserialize)]
struct Letter {
    node: Uuid,
    signals: Vec<Signal>,
}

/// Signals in one notification: PostgreSQL carries 8,000 bytes.
const LETTER: usize = 40;

impl Default for Wake {
    fn default() -> Self {
        Self { node: Uuid::now_v7(), sender: broadcast::channel(1024).0, closed: CancellationToken::new() }
    }
}

impl Wake {
    /// Tells everybody in this process. Call it after the transaction.
    pub fn send(&self, signal: Signal) {
        // Nobody listening is not an error.
        let _ = self.sender.send(signal);
    }

    /// Commits, and tells every node what changed.
    ///
    /// # Errors
    /// The database refused; then nothing changed and nobody is told.
    pub async fn commit(&self, transaction: DatabaseTransaction, id: Uuid, changes: &[What]) -> Result<()> {
        let signals = self.post(&transaction, id, changes).await?;
        transaction.commit().await?;
        for signal in signals {
            self.send(signal);
        }
        Ok(())
    }

    /// Tells every node of a change that was committed before: progress, which may be lost.
    ///
    /// # Errors
    /// The database refused.
    pub async fn tell(&self, db: &Db, id: Uuid, changes: &[What]) -> Result<()> {
        for signal in self.post(db.connection(), id, changes).await? {
            self.send(signal);
        }
        Ok(())
    }

    /// Tells the other nodes.
    async fn post<C: ConnectionTrait>(&self, connection: &C, id: Uuid, changes: &[What]) -> Result<Vec<Signal>> {
        let signals: Vec<Signal> = changes.iter().map(|what| Signal { of: id, what: *what }).collect();
        for part in signals.chunks(LETTER) {
            let letter = Letter { node: self.node, signals: part.to_vec() };
            let letter = serde_json::to_string(&letter).map_err(|error| super::Error::Internal(error.into()))?;
            notifications::notify(connection, &letter).await?;
        }
        Ok(signals)
    }

    /// Says that the service stops: whoever waits for a change gives up.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// Waits for [`Wake::close`].
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Hears every signal from now on.
    pub fn listen(&self) -> broadcast::Receiver<Signal> {
        self.sender.subscribe()
    }

    /// Passes on what other nodes tell, until `shutdown`. Returns at once with SQLite: there is one process.
    pub async fn relay(&self, db: &Db, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let heard = tokio::select! {
                heard = self.relay_once(db) => heard,
                () = shutdown.cancelled() => return,
            };
            match heard {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "cannot hear other nodes; trying again"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn relay_once(&self, db: &Db) -> Result<()> {
        let Some(mut listener) = notifications::Listener::connect(db).await? else { return Ok(()) };
        loop {
            // After a broken connection something may have been missed: those who wait look again by themselves.
            let Some(payload) = listener.next().await? else { continue };
            match serde_json::from_str::<Letter>(&payload) {
                Ok(letter) if letter.node == self.node => {}
                Ok(letter) => letter.signals.into_iter().for_each(|signal| self.send(signal)),
                Err(error) => tracing::warn!(%error, "a node of another version tells something unknown"),
            }
        }
    }
}
