//! Wakes those who wait for a change: long-polling agents, live streams, job pollers.

use tokio::sync::broadcast;
use uuid::Uuid;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A new version of the list was published.
    List,
}

/// A change of a server configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Where.
    pub server_configuration_id: Uuid,
    /// What changed.
    pub what: What,
}

/// Carries [`Signal`]s to everybody in this process. A signal may be lost (a slow listener): listeners read the
/// database after it, and once in a while without it.
#[derive(Debug, Clone)]
pub struct Wake(broadcast::Sender<Signal>);

impl Default for Wake {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl Wake {
    /// Tells everybody.
    pub fn send(&self, signal: Signal) {
        // Nobody listening is not an error.
        let _ = self.0.send(signal);
    }

    /// Hears every signal from now on.
    pub fn listen(&self) -> broadcast::Receiver<Signal> {
        self.0.subscribe()
    }
}
