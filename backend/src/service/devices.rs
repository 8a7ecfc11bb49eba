//! Browsers in which somebody has signed in before. Their tries of a password count apart from all others, so that nobody
//! else's wrong ones keep them out, also not from the same address (OWASP, "Slow Down Online Guessing Attacks with Device
//! Cookies").

use super::{Result, authentication::Origin, keys};
use crate::state::AppState;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a browser is known after signing in.
pub const LIFETIME: TimeDelta = TimeDelta::days(90);
/// What its token is sealed for.
const PURPOSE: &str = "known device";

/// A browser that is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Device {
    /// Made anew with each signing in.
    pub id: Uuid,
    user_id: Uuid,
    /// The hash of the password's hash: after a change, nobody is known by the password before.
    password: String,
    /// Unix seconds.
    expires_at: i64,
}

/// Makes the token of a browser in which a user has proven who they are.
///
/// # Errors
/// It cannot be sealed.
pub fn issue(state: &AppState, user_id: Uuid, password_hash: &str, now: DateTime<Utc>) -> Result<String> {
    let password = keys::token_hash(password_hash);
    let device = Device { id: Uuid::new_v4(), user_id, password, expires_at: (now + LIFETIME).timestamp() };
    state.keys.seal_json(PURPOSE, &device)
}

/// The browser of a token; `None`: the token is not ours, or too old.
pub fn open(state: &AppState, token: &str) -> Option<Device> {
    let device: Device = state.keys.unseal_json(PURPOSE, token)?;
    (state.clock.now().timestamp() < device.expires_at).then_some(device)
}

/// From where a password or code is tried.
pub enum Place {
    /// A browser that the user is known by.
    Device(String),
    /// A network, with any other browser or program.
    Network(String),
}

impl Place {
    /// Where a try comes from that is for a user, if there is one, the hash of whose password's hash is this.
    pub fn of(device: Option<Device>, origin: &Origin, user: Option<(Uuid, &str)>) -> Self {
        let is_theirs = |device: &Device| user == Some((device.user_id, &device.password));
        match device.filter(is_theirs) {
            Some(device) => Self::Device(format!("device {}", device.id)),
            None => Self::Network(origin.network()),
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Device(name) | Self::Network(name) => name,
        }
    }
}
