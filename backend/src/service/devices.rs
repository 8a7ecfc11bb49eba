//! Browsers in which somebody has signed in before. Their tries of a password count apart from all others, so that nobody
//! else's wrong ones keep them out, also not from the same address (OWASP, "Slow Down Online Guessing Attacks with Device
//! Cookies").

use super::{Result, authentication::Origin, keys};
use crate::{
    state::AppState,
    store::{self, users::User},
};
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
    /// Who signed in.
    pub user_id: Uuid,
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

/// The browser of a token; `None`: the token is not ours or too old, or its user has another password by now, or may not
/// sign in any more.
///
/// # Errors
/// The database refused.
pub async fn open(state: &AppState, token: &str) -> Result<Option<Device>> {
    let device: Option<Device> = state.keys.unseal_json(PURPOSE, token);
    let Some(device) = device.filter(|device| state.clock.now().timestamp() < device.expires_at) else {
        return Ok(None);
    };
    let user = store::users::find(state.db.connection(), device.user_id).await?;
    let knows_it = |user: User| user.active && keys::token_hash(&user.password_hash) == device.password;
    Ok(user.is_some_and(knows_it).then_some(device))
}

/// From where a password or code is tried.
pub enum Place {
    /// A browser that the user is known by.
    Device(String),
    /// A network, with any other browser or program.
    Network(String),
}

impl Place {
    /// Where a try comes from that is for a user, if there is one.
    pub fn of(device: Option<Device>, origin: &Origin, user_id: Option<Uuid>) -> Self {
        match device.filter(|device| Some(device.user_id) == user_id) {
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

    /// In which queue a try for this user waits until the password is hashed. All browsers that a user is known by have
    /// one: who has many of them takes no turns from others.
    pub fn queue(&self, user_id: Option<Uuid>) -> String {
        match (self, user_id) {
            (Self::Device(_), Some(user_id)) => format!("user {user_id}"),
            _ => self.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(user_id: u128) -> Device {
        Device { id: Uuid::new_v4(), user_id: Uuid::from_u128(user_id), password: String::new(), expires_at: 0 }
    }

    #[test]
    fn the_browsers_of_a_user_are_apart_and_wait_in_one_queue() {
        let origin = Origin { client_address: Some("192.0.2.1".to_owned()), ..Origin::default() };
        let keiko = Some(Uuid::from_u128(1));
        let [one, two, of_taro] = [1, 1, 2].map(|user_id| Place::of(Some(device(user_id)), &origin, keiko));
        assert_ne!(one.as_str(), two.as_str());
        assert_eq!(one.queue(keiko), two.queue(keiko));
        assert_eq!(of_taro.as_str(), "192.0.2.1", "to keiko it is any browser");
        for (place, user_id) in [(of_taro, keiko), (Place::of(None, &origin, keiko), keiko)] {
            assert_eq!(place.queue(user_id), "192.0.2.1");
        }
        let taro = Some(Uuid::from_u128(2));
        assert_ne!(Place::of(Some(device(2)), &origin, taro).queue(taro), one.queue(keiko));
        assert_eq!(Place::of(Some(device(2)), &origin, None).queue(None), "192.0.2.1");
    }
}
