//! A request that is repeated with the same `Idempotency-Key` is carried out once.

pub use crate::store::idempotency_keys::Answer;

use super::{Error, Result, authentication::Identity};
use crate::{
    state::AppState,
    store::{self, idempotency_keys::Seen},
};
use chrono::TimeDelta;
use ring::hmac::{self, HMAC_SHA256};
use shared::RefusalCode;

/// How long answers are kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// A request without an answer for so long was cut off (the service was killed): it may be tried again.
const ABANDONED: TimeDelta = TimeDelta::minutes(2);

/// What to do with a request.
pub enum Claim {
    /// Carry it out, then [`keep`] its answer or [`forget`] it.
    First,
    /// Answer as the first time.
    Replay {
        /// The status.
        status: u16,
        /// The media type.
        media_type: Option<String>,
        /// The `ETag`.
        etag: Option<String>,
        /// The body.
        body: String,
    },
}

/// Claims a request for the caller that it belongs to; `key` is what they call it, `key_hash` that of all that tells it from
/// others.
///
/// # Errors
/// [`Error::Conflict`]: it is being carried out, its answer held a secret, or was for other rights than the caller's now.
/// [`Error::Invalid`]: the key was used for another body.
pub async fn claim(state: &AppState, caller: &Identity, key_hash: &str, key: &str, body: &[u8]) -> Result<Claim> {
    let now = state.clock.now();
    let connection = state.db.connection();
    forget_old(state).await?;
    let body_hash = body_hash(key, body);
    let rights = rights(state, caller).await?;
    if store::idempotency_keys::claim(connection, key_hash, &body_hash, &rights, now, now - ABANDONED).await? {
        return Ok(Claim::First);
    }
    match store::idempotency_keys::find(connection, key_hash).await? {
        Some(seen) if seen.body_hash != body_hash => {
            let detail = "this key was used for another body: use a new key for a new request";
            Err(Error::field("Idempotency-Key", RefusalCode::NotAccepted, detail))
        }
        Some(seen) if seen.status.is_some() && seen.rights != rights => Err(Error::conflict(
            RefusalCode::DoneAlready,
            "this request was carried out already; its answer is not repeated, because your rights or the account's plan \
             have changed since",
        )),
        Some(Seen { status: Some(status), media_type, etag, body: Some(body), .. }) => {
            let status = u16::try_from(status).map_err(|error| Error::Internal(error.into()))?;
            Ok(Claim::Replay { status, media_type, etag, body })
        }
        Some(Seen { status: Some(_), body: None, .. }) => Err(Error::conflict(
            RefusalCode::DoneAlready,
            "this request was carried out already; its answer held a secret, which is shown only once",
        )),
        _ => Err(Error::conflict(RefusalCode::InProgress, "this request is being carried out: ask again in a moment")),
    }
}

/// The hash of a body, which may be a password and nothing else: keyed by what the caller calls the request, so that who
/// reads the database has to find that before, a random text.
fn body_hash(key: &str, body: &[u8]) -> String {
    let hash = hmac::sign(&hmac::Key::new(HMAC_SHA256, key.as_bytes()), body);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the caller may do now, as one text: an answer is for who may still ask for it.
async fn rights(state: &AppState, caller: &Identity) -> Result<String> {
    let account = match caller.account_id {
        Some(id) => store::accounts::find(state.db.connection(), id).await?,
        None => None,
    };
    let plan = account.map(|account| account.plan.as_str()).unwrap_or_default();
    Ok(format!("{} {plan}", caller.rights()))
}

/// Keeps the answer.
///
/// # Errors
/// The database refused.
pub async fn keep(state: &AppState, key_hash: &str, answer: Answer<'_>) -> Result<()> {
    Ok(store::idempotency_keys::keep(state.db.connection(), key_hash, answer).await?)
}

/// Forgets a request that changed nothing, so that it can be tried again.
///
/// # Errors
/// The database refused.
pub async fn forget(state: &AppState, key_hash: &str) -> Result<()> {
    Ok(store::idempotency_keys::forget(state.db.connection(), key_hash).await?)
}

/// Forgets requests that are not repeated any more.
///
/// # Errors
/// The database refused.
pub async fn forget_old(state: &AppState) -> Result<()> {
    Ok(store::idempotency_keys::prune(state.db.connection(), state.clock.now() - KEPT).await?)
}
