//! What handlers and jobs share.

use crate::{
    clock::Clock,
    config::Settings,
    service::{
        Wake, agent_sync::PackedLists, attempts::Attempts, keys::Keys, limits::Limits, mails::Mailer, metrics::Metrics,
        signing_keys::Signer, slots::Slots,
    },
    store::Db,
};
use std::sync::Arc;

/// Everything a request or job needs; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// Settings in effect.
    pub settings: Arc<Settings>,
    /// Seals secrets and checks passwords.
    pub keys: Arc<Keys>,
    /// Signs access tokens.
    pub signer: Arc<Signer>,
    /// Slows down guessing of passwords.
    pub attempts: Arc<Attempts>,
    /// How often may be asked.
    pub limits: Arc<Limits>,
    /// How much may be open at the same time.
    pub slots: Slots,
    /// Long lists that agents are being sent.
    pub packed_lists: Arc<PackedLists>,
    /// Sends mail, if there are settings for it.
    pub mailer: Option<Arc<Mailer>>,
    /// What monitoring is told.
    pub metrics: Arc<Metrics>,
    /// Wakes those who wait for a change.
    pub wake: Wake,
}
