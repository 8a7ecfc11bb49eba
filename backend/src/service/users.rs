//! Users.

use super::{Actor, Error, Result};
use crate::{
    state::AppState,
    store::{
        self, ConnectionTrait,
        audit::{self, NewAuditEntry},
        users::User,
    },
};
use chrono::{DateTime, Utc};
use shared::{
    Address,
    session::{MAX_PASSWORD, MIN_PASSWORD, Role},
};
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

/// Adds a provider, from the command line.
///
/// # Errors
/// [`Error::Invalid`]: the address or password cannot be used. [`Error::Conflict`]: the address signs in already.
pub async fn create_provider(state: &AppState, email_text: &str, password: String) -> Result<User> {
    let email = email(email_text, "/email")?;
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.chars().count()) {
        return Err(Error::field(
            "/password",
            format!("the password must have {MIN_PASSWORD} to {MAX_PASSWORD} characters"),
        ));
    }
    let password_hash = state.keys.hash(password).await?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let user = insert(&tx, None, &email, password_hash, Role::Provider, now).await?;
    let entry = NewAuditEntry {
        account_id: None,
        at: now,
        actor_kind: Actor::System.kind(),
        actor_id: None,
        actor_name: Actor::System.name().to_owned(),
        action: "provider.create",
        object: user.id.to_string(),
        before: None,
        after: Some(serde_json::json!({ "email": user.email })),
        comment: None,
        request_id: None,
        client_address: None,
    };
    audit::record(&tx, entry).await?;
    tx.commit().await?;
    Ok(user)
}
