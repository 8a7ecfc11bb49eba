//! The sessions of a user, for that user.

use crate::{
    service::{Actor, Error, Result, authentication::Identity, position, user_agents},
    state::AppState,
    store::{
        self, DatabaseTransaction,
        audit::NewAuditEntry,
        millis,
        search::{CursorScope, Keyset},
        users::User,
    },
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::{Page, session::OwnSession};
use uuid::Uuid;

/// A page of one's own sessions, last used first.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(state: &AppState, identity: &Identity, cursor: Option<&str>, limit: u16) -> Result<Page<OwnSession>> {
    let Actor::User { id, session_id, .. } = identity.actor else { return Err(Error::Unauthorized) };
    let scope = CursorScope::new("sessions", id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let sessions = store::sessions::list(state.db.connection(), id, state.clock.now(), keyset).await?;
    let sessions = sessions.into_iter().map(|session| OwnSession {
        id: session.id,
        this: session.id == session_id,
        created_at: session.created_at,
        last_used_at: session.rotated_at,
        client_address: session.client_address,
        client: session_client(session.user_agent),
    });
    Ok(scope.page(sessions.collect(), limit, None, |session: &OwnSession| (millis(session.last_used_at), session.id)))
}

/// With what a session is used, in words that its user recognises.
pub(super) fn session_client(user_agent: Option<String>) -> Option<String> {
    user_agent.map(|user_agent| user_agents::shortened(&user_agent)).filter(|client| !client.is_empty())
}

/// Ends a session of a user; answers what the audit log tells of it, or nothing where they have none such.
pub(super) async fn end(
    tx: &DatabaseTransaction,
    user: &User,
    session_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Value>> {
    let sessions = store::sessions::list(tx, user.id, now, Keyset::ALL).await?;
    let Some(ended) = sessions.into_iter().find(|session| session.id == session_id) else { return Ok(None) };
    let is_ended = store::sessions::delete_of(tx, user.id, session_id).await?;
    let told = json!({ "email": user.email, "client": session_client(ended.user_agent),
        "client_address": ended.client_address, "created_at": ended.created_at });
    Ok(is_ended.then_some(told))
}

/// Ends one of one's own sessions.
///
/// # Errors
/// [`Error::NotFound`]: none of one's own.
pub async fn revoke(state: &AppState, identity: &Identity, session_id: Uuid) -> Result<()> {
    let Actor::User { id, .. } = identity.actor else { return Err(Error::Unauthorized) };
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let user = store::users::find(&tx, id).await?.ok_or(Error::Unauthorized)?;
    let before = end(&tx, &user, session_id, now).await?.ok_or(Error::NotFound)?;
    let entry = identity.audit(user.account_id, now, "session.revoke", session_id.to_string());
    tx.audit(NewAuditEntry { before: Some(before), ..entry });
    tx.commit().await?;
    Ok(())
}

/// Ends all of one's own sessions but the one that asks.
///
/// # Errors
/// The database refused.
pub async fn revoke_others(state: &AppState, identity: &Identity) -> Result<()> {
    let Actor::User { id, session_id, .. } = identity.actor else { return Err(Error::Unauthorized) };
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let user = store::users::find(&tx, id).await?.ok_or(Error::Unauthorized)?;
    let ended = store::sessions::delete_all(&tx, id, Some(session_id)).await?;
    let entry = NewAuditEntry {
        after: Some(json!({ "email": user.email, "ended": ended })),
        ..identity.audit(user.account_id, now, "session.revoke_others", id.to_string())
    };
    tx.audit(entry);
    tx.commit().await?;
    Ok(())
}
