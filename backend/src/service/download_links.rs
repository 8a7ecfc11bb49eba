//! Links to downloads: for a minute, in the place of the `Authorization` header that a browser does not send when it saves
//! a file. A link is bound to a user's session, a server configuration, a list and its search; who holds it may nothing
//! else with it. It is encrypted, because addresses of searches must not stand in the logs of whatever lies on its way.

use super::{
    Access, Actor, Error, Result,
    authentication::{Identity, Origin, identify_session},
    downloads,
    server_configurations::OpenConfiguration,
};
use crate::state::AppState;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::{RefusalCode, download::DownloadList};
use uuid::Uuid;

/// How long a link can be followed: enough for a browser that does it at once.
const LIFETIME: TimeDelta = TimeDelta::minutes(1);
/// What the token is sealed for.
const PURPOSE: &str = "download link";

/// What is downloaded.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Target {
    /// A list of a server configuration.
    List {
        /// Which.
        list: DownloadList,
        /// Of which.
        server_configuration_id: Uuid,
    },
    /// The audit log.
    AuditLog,
    /// Everything of an account.
    Account(Uuid),
}

/// What a link says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    user_id: Uuid,
    session_id: Uuid,
    account_id: Option<Uuid>,
    target: Target,
    search: String,
    /// Unix seconds.
    expires_at: i64,
}

/// What is behind a link, for who made it.
pub struct Linked {
    /// The user who made the link, with the right that is theirs now.
    pub identity: Identity,
    /// What is downloaded.
    pub target: Target,
    /// The query of the download.
    pub search: String,
}

/// Makes the token of a link to what `search`, the query of a download that was checked, finds; and says until when it is
/// valid.
///
/// # Errors
/// [`Error::DownloadsDisabled`]; [`Error::Forbidden`] to scripts, which send their token with the download itself.
pub async fn make(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    list: DownloadList,
    search: String,
) -> Result<(String, DateTime<Utc>)> {
    let user = session_of(&access.actor)?;
    downloads::expect_enabled(state, access).await?;
    seal(state, user, Some(access.account_id), Target::List { list, server_configuration_id: configuration.id }, search)
}

/// As [`make`], to the audit log of the account that is open, or of the provider.
///
/// # Errors
/// [`Error::Forbidden`] to scripts.
pub fn make_for_audit_log(state: &AppState, identity: &Identity, search: String) -> Result<(String, DateTime<Utc>)> {
    seal(state, session_of(&identity.actor)?, identity.account_id, Target::AuditLog, search)
}

/// As [`make`], to everything of an account, for a provider.
///
/// # Errors
/// As [`downloads::exportable`].
pub async fn make_for_account(state: &AppState, provider: &Identity, id: Uuid) -> Result<(String, DateTime<Utc>)> {
    let account = downloads::exportable(state, provider, id).await?;
    seal(state, session_of(&provider.actor)?, provider.account_id, Target::Account(account.id), String::new())
}

/// A user and the session.
fn session_of(actor: &Actor) -> Result<(Uuid, Uuid)> {
    match actor {
        Actor::User { id, session_id, .. } => Ok((*id, *session_id)),
        _ => Err(Error::Forbidden("links are for browsers: send your token with the download itself".to_owned())),
    }
}

fn seal(
    state: &AppState,
    (user_id, session_id): (Uuid, Uuid),
    account_id: Option<Uuid>,
    target: Target,
    search: String,
) -> Result<(String, DateTime<Utc>)> {
    let expires_at = state.clock.now() + LIFETIME;
    let claims = Claims { user_id, session_id, account_id, target, search, expires_at: expires_at.timestamp() };
    Ok((state.keys.seal_json(PURPOSE, &claims)?, expires_at))
}

/// Reads the token of a link. What its user may do is looked up anew.
///
/// # Errors
/// [`Error::NotFound`]: not ours, or changed. [`Error::Gone`]: its minute is over. [`Error::Unauthorized`]: the session that
/// made it has ended.
pub async fn follow(state: &AppState, token: &str, origin: Origin) -> Result<Linked> {
    let claims: Claims = state.keys.unseal_json(PURPOSE, token).ok_or(Error::NotFound)?;
    if claims.expires_at <= state.clock.now().timestamp() {
        return Err(Error::gone(RefusalCode::LinkExpired, "this link has expired: go back and download again"));
    }
    let Claims { user_id, session_id, account_id, target, search, .. } = claims;
    let identity = identify_session(state, user_id, session_id, account_id, origin).await?;
    if identity.account_id != account_id {
        return Err(Error::NotFound);
    }
    Ok(Linked { identity, target, search })
}
