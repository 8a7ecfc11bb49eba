//! Wakes those who wait for a change: long-polling agents, live streams, the queue's workers.

use super::Result;
use crate::store::{Audited, ConnectionTrait, DatabaseTransaction, Db, notifications};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast::{self, error::RecvError};
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
    /// Delivery events were reported.
    DeliveryEvents,
    /// An inquiry was made, written to, read or closed.
    Inquiries,
    /// Users, invitations, tokens, sessions, server configurations, plan or features of an account changed.
    Account,
    /// There is a job to do.
    Job,
}

/// A change of a server configuration, or of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The server configuration; for [`What::Inquiries`] and [`What::Account`] the account, which is nil for the provider.
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
    soon: Arc<Mutex<HashSet<Uuid>>>,
}

/// A signal on its way between nodes.
#[derive(Serialize, Deserialize)]
struct Letter {
    node: Uuid,
    signals: Vec<Signal>,
}

/// How long is waited for more of what happens many times a second.
const SOON: Duration = Duration::from_secs(2);
/// The actions of the audit log that change what [`What::Account`] tells of.
const OF_ACCOUNT: [&str; 9] = [
    "account.",
    "invitation.",
    "password.",
    "password_reset.",
    "second_factor.",
    "server_configuration.",
    "session.",
    "token.",
    "user.",
];

/// Signals in one notification: PostgreSQL carries 8,000 bytes.
const LETTER: usize = 40;

impl Default for Wake {
    fn default() -> Self {
        Self {
            node: Uuid::now_v7(),
            sender: broadcast::channel(1024).0,
            closed: CancellationToken::new(),
            soon: Arc::default(),
        }
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

    /// Tells every node that delivery events were reported to a server configuration: once for all of a moment, because
    /// mail servers may report many batches a second.
    pub fn tell_of_events(&self, db: &Db, server_configuration_id: Uuid) {
        if !self.waiting().insert(server_configuration_id) {
            return;
        }
        let (wake, db) = (self.clone(), db.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(SOON) => {}
                () = wake.closed() => return,
            }
            wake.waiting().remove(&server_configuration_id);
            if let Err(error) = wake.tell(&db, server_configuration_id, &[What::DeliveryEvents]).await {
                tracing::warn!(%error, "cannot tell the other nodes of delivery events");
            }
        });
    }

    fn waiting(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.soon.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Passes on what other nodes tell, and what the audit log says, until `shutdown`.
    pub async fn relay(&self, db: &Db, shutdown: &CancellationToken) {
        tokio::join!(self.relay_nodes(db, shutdown), self.relay_accounts(db, shutdown));
    }

    /// Tells of changes of accounts by what the audit log says of them: nothing that changes one can be left out.
    async fn relay_accounts(&self, db: &Db, shutdown: &CancellationToken) {
        let mut audited = db.audited();
        while let Some(heard) = shutdown.run_until_cancelled(audited.recv()).await {
            let Audited { account_id, action } = match heard {
                Ok(done) => done,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            if !OF_ACCOUNT.iter().any(|kind| action.starts_with(kind)) {
                continue;
            }
            // The provider's staff works with all accounts.
            let staff = action.starts_with("account.").then_some(Uuid::nil()).filter(|_| account_id.is_some());
            for of in staff.into_iter().chain([account_id.unwrap_or_default()]) {
                if let Err(error) = self.tell(db, of, &[What::Account]).await {
                    tracing::warn!(%error, "cannot tell the other nodes what changed in an account");
                }
            }
        }
    }

    /// Returns at once with SQLite: there is one process.
    async fn relay_nodes(&self, db: &Db, shutdown: &CancellationToken) {
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
