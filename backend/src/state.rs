//! What handlers and jobs share.

use crate::{
    clock::Clock,
    config::Settings,
    service::{Wake, attempts::Attempts, keys::Keys, metrics::Metrics},
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
    /// Signs access tokens and checks passwords.
    pub keys: Arc<Keys>,
    /// Slows down guessing of passwords.
    pub attempts: Arc<Attempts>,
    /// What monitoring is told.
    pub metrics: Arc<Metrics>,
    /// Wakes those who wait for a change.
    pub wake: Wake,
}
