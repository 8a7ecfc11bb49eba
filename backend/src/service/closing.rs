//! Closing an account: from then on it is not there for anybody, and what belongs to it is removed step by step. Its audit
//! log stays, as the evidence of what was done.

use super::{Error, Result, authentication::Identity};
use crate::{
    state::AppState,
    store::{
        self, Db,
        audit::NewAuditEntry,
        closing::{OF_ACCOUNT, OF_CONFIGURATION, Part},
        search::Keyset,
    },
};
use serde_json::json;
use shared::{RefusalCode, account::CloseAccount};
use std::time::Duration;
use uuid::Uuid;

/// Between two steps, so that on SQLite everybody else gets the write lock.
const PAUSE: Duration = Duration::from_millis(20);

/// Closes an account. It cannot be undone: whoever closes it writes its name, and has suspended it before, so that nothing
/// changed since its data was exported.
///
/// # Errors
/// [`Error::NotFound`]: no such account. [`Error::Conflict`]: it is not suspended. [`Error::Invalid`]: another name.
pub async fn close(state: &AppState, provider: &Identity, id: Uuid, request: &CloseAccount) -> Result<()> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let account = store::accounts::lock(&tx, id).await?.ok_or(Error::NotFound)?;
    if account.suspended_at.is_none() {
        return Err(Error::conflict(
            RefusalCode::NotSuspended,
            "suspend the account first, then export its data: nothing changes it any more",
        ));
    }
    if request.name != account.name {
        return Err(Error::field("/name", RefusalCode::WrongName, "this is not the account's name"));
    }
    // Whoever changes users of an account locks all of them first.
    store::users::lock_all(&tx, Some(id)).await?;
    store::closing::close(&tx, id, &format!("{} (closed, {id})", account.name), now).await?;
    for entry in [
        provider.audit(Some(id), now, "account.close", id.to_string()),
        // The account's own log is read by nobody any more.
        provider.audit(None, now, "account.close", id.to_string()),
    ] {
        tx.audit(NewAuditEntry { before: Some(json!({ "name": account.name })), ..entry });
    }
    tx.commit().await?;
    Ok(())
}

/// Removes what is left of closed accounts. Killed in the middle, it goes on the next time; several nodes may do so at the
/// same time.
///
/// # Errors
/// The database refused; what was removed until then stays removed.
pub async fn remove_closed(state: &AppState) -> Result<()> {
    let connection = state.db.connection();
    for account in store::closing::closed(connection).await? {
        for configuration in store::server_configurations::list(connection, account, None, Keyset::ALL).await? {
            remove(&state.db, OF_CONFIGURATION, configuration.id).await?;
        }
        remove(&state.db, OF_ACCOUNT, account).await?;
        store::closing::emptied(connection, account, state.clock.now()).await?;
        tracing::info!(%account, "a closed account is removed");
    }
    Ok(())
}

async fn remove(db: &Db, parts: &[Part], id: Uuid) -> Result<()> {
    for part in parts {
        loop {
            let step = db.begin().await?;
            let more = store::closing::remove_some(&step, *part, id).await?;
            step.commit().await?;
            if !more {
                break;
            }
            db.give_back_space().await?;
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}
