//! Users.

use super::{Error, Result};
use crate::store::ConnectionTrait;
use crate::store::{self, users::User};
use chrono::{DateTime, Utc};
use shared::{Address, session::Role};
use uuid::Uuid;

/// Reads the address that somebody signs in with; two spellings of one address are the same user.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub fn email(text: &str, pointer: &str) -> Result<Address> {
    Address::parse(text).map_err(|error| Error::field(pointer, error.to_string()))
}

/// Adds a user.
///
/// # Errors
/// [`Error::Conflict`]: the address signs in already.
pub async fn insert(
    tx: &impl ConnectionTrait,
    account_id: Option<Uuid>,
    email: &Address,
    password_hash: String,
    role: Role,
    now: DateTime<Utc>,
) -> Result<User> {
    let user = User { id: Uuid::now_v7(), account_id, email: email.spelling().to_owned(), password_hash, role };
    store::users::insert(tx, &user, email.key().as_str(), now).await.map_err(|error| {
        if error.is_duplicate() {
            Error::Conflict("this address signs in already: choose another one".to_owned())
        } else {
            error.into()
        }
    })?;
    Ok(user)
}
