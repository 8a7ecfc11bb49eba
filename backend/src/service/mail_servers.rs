//! Mail servers and their agents' tokens.

use super::{
    Access, Error, Result, distributions, expect_room, keys, position, server_configurations::OpenConfiguration,
};
use crate::{
    state::AppState,
    store::{
        self, ConnectionTrait, audit, change_sets,
        mail_servers::StoredMailServer,
        search::{CursorScope, Keyset},
        server_configurations::ListHead,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::{
    Page, RefusalCode,
    mail_server::{MailServer, MailServerCredential, MailServerState, MailServerUpdate, NewMailServer},
    session::{ApiToken, Scope},
};
use uuid::Uuid;

/// An agent that has not called for so long is [`MailServerState::Silent`]; it long-polls at least once a minute.
const SILENT_AFTER: TimeDelta = TimeDelta::minutes(2);

/// Whether a mail server holds the published list at `now`.
pub fn state_of(stored: &StoredMailServer, head: ListHead, now: DateTime<Utc>) -> MailServerState {
    match (stored.last_seen_at, stored.acknowledged) {
        (None, _) => MailServerState::Waiting,
        (Some(seen_at), _) if now - seen_at > SILENT_AFTER => MailServerState::Silent,
        (_, Some(acknowledged)) if !acknowledged.matches => MailServerState::Mismatch,
        (_, Some(acknowledged)) if acknowledged.epoch == head.epoch && acknowledged.version == head.version => {
            MailServerState::InSync
        }
        _ => MailServerState::Late,
    }
}

/// What is shown of a mail server at `now`.
pub(super) fn to_wire(stored: StoredMailServer, head: ListHead, now: DateTime<Utc>) -> MailServer {
    MailServer {
        state: state_of(&stored, head, now),
        id: stored.id,
        name: stored.name,
        active: stored.active,
        created_at: stored.created_at,
        last_seen_at: stored.last_seen_at,
        version: stored.acknowledged.map(|acknowledged| acknowledged.version),
        count: stored.acknowledged.map(|acknowledged| acknowledged.count),
        checksum: stored.acknowledged.map(|acknowledged| acknowledged.checksum),
        acknowledged_at: stored.acknowledged.map(|acknowledged| acknowledged.at),
        revision: stored.revision,
    }
}

/// A page of the mail servers of a configuration, by name.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(
    state: &AppState,
    configuration: &OpenConfiguration,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<MailServer>> {
    let scope = CursorScope::new("mail_servers", configuration.id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let now = state.clock.now();
    let stored = store::mail_servers::list(state.db.connection(), configuration.id, keyset).await?;
    let servers = stored.into_iter().map(|stored| to_wire(stored, configuration.stored.head, now)).collect();
    Ok(scope.page(servers, limit, None, |server: &MailServer| (server.name.clone(), server.id)))
}

/// Adds a mail server and makes its agent's token.
///
/// # Errors
/// [`Error::Conflict`]: the name is taken, or there are too many.
pub async fn create(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    new: NewMailServer,
) -> Result<MailServerCredential> {
    let now = state.clock.now();
    let id = Uuid::now_v7();
    let tx = state.db.begin().await?;
    // Whoever counts waits for others who do.
    change_sets::lock(&tx, configuration.id).await?.ok_or(Error::NotFound)?;
    let present = store::mail_servers::list(&tx, configuration.id, Keyset::ALL).await?;
    expect_room(present.len(), "mail servers")?;
    store::mail_servers::insert(&tx, configuration.id, id, &new.name, now)
        .await
        .map_err(|error| name_taken(error, &new.name))?;
    let token = add_token(&tx, access.account_id, id, &new.name, now).await?;
    let entry = access.audit(now, "mail_server.create", id.to_string());
    tx.audit(audit::NewAuditEntry { after: Some(json!(new)), ..entry });
    let stored = store::mail_servers::find(&tx, configuration.id, id).await?.ok_or(Error::NotFound)?;
    let changes = distributions::mail_servers_changed(&tx, configuration.id, now).await?;
    state.wake.commit(tx, configuration.id, &changes).await?;
    Ok(MailServerCredential { mail_server: to_wire(stored, configuration.stored.head, now), token })
}

/// Changes a mail server that was read at `revision`; what is left out stays.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::PreconditionFailed`]: it was changed since; [`Error::Conflict`]: the name is taken.
pub async fn update(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    id: Uuid,
    revision: i64,
    update: MailServerUpdate,
) -> Result<MailServer> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    // Before the mail server's row, as an acknowledgement takes them: otherwise each could wait for the other.
    change_sets::lock(&tx, configuration.id).await?.ok_or(Error::NotFound)?;
    let before = store::mail_servers::find(&tx, configuration.id, id).await?.ok_or(Error::NotFound)?;
    let name = update.name.as_deref().unwrap_or(&before.name);
    let active = update.active.unwrap_or(before.active);
    let changed = store::mail_servers::update(&tx, id, revision, name, active).await;
    if !changed.map_err(|error| name_taken(error, name))? {
        return Err(Error::PreconditionFailed(
            "the mail server was changed by somebody else: read it again and repeat your change".to_owned(),
        ));
    }
    let entry = audit::NewAuditEntry {
        before: Some(json!({ "name": before.name, "active": before.active })),
        after: Some(json!({ "name": name, "active": active })),
        ..access.audit(now, "mail_server.update", id.to_string())
    };
    tx.audit(entry);
    let stored = store::mail_servers::find(&tx, configuration.id, id).await?.ok_or(Error::NotFound)?;
    let changes = distributions::mail_servers_changed(&tx, configuration.id, now).await?;
    state.wake.commit(tx, configuration.id, &changes).await?;
    Ok(to_wire(stored, configuration.stored.head, now))
}

/// Makes a new token for the agent; the old one stops working at once.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn renew_token(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    id: Uuid,
) -> Result<MailServerCredential> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    // Of two who renew it at the same moment the second one revokes what the first one made.
    change_sets::lock(&tx, configuration.id).await?.ok_or(Error::NotFound)?;
    let stored = store::mail_servers::find(&tx, configuration.id, id).await?.ok_or(Error::NotFound)?;
    store::tokens::revoke_of_mail_server(&tx, id, now).await?;
    let token = add_token(&tx, access.account_id, id, &stored.name, now).await?;
    let entry = access.audit(now, "mail_server.renew_token", id.to_string());
    tx.audit(audit::NewAuditEntry { after: Some(json!({ "name": stored.name })), ..entry });
    tx.commit().await?;
    Ok(MailServerCredential { mail_server: to_wire(stored, configuration.stored.head, now), token })
}

async fn add_token(
    tx: &impl ConnectionTrait,
    account_id: Uuid,
    mail_server_id: Uuid,
    name: &str,
    now: DateTime<Utc>,
) -> Result<String> {
    let secret = keys::new_token();
    let token = ApiToken {
        server_configuration_ids: None,
        id: Uuid::now_v7(),
        name: name.to_owned(),
        scopes: vec![Scope::Agent],
        mail_server_id: Some(mail_server_id),
        created_at: now,
        expires_at: None,
        last_used_at: None,
    };
    store::tokens::insert(tx, account_id, &token, &keys::token_hash(&secret)).await?;
    Ok(secret)
}

fn name_taken(error: store::Error, name: &str) -> Error {
    if error.is_duplicate() {
        Error::conflict(
            RefusalCode::NameTaken,
            format!("there is a mail server named {name:?} already: choose another name"),
        )
    } else {
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::mail_servers::StoredAcknowledgement;
    use shared::ListChecksum;

    #[test]
    fn the_state_says_who_holds_what() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let head = ListHead { epoch: Uuid::from_u128(1), version: 5, count: 0, checksum: ListChecksum::EMPTY };
        let acknowledged = StoredAcknowledgement {
            epoch: head.epoch,
            version: 5,
            count: 0,
            checksum: ListChecksum::EMPTY,
            matches: true,
            at: now,
        };
        let state = |last_seen_at, acknowledged| {
            let stored = StoredMailServer {
                id: Uuid::nil(),
                server_configuration_id: Uuid::nil(),
                name: String::new(),
                active: true,
                created_at: now,
                last_seen_at,
                revision: 1,
                acknowledged,
            };
            state_of(&stored, head, now)
        };
        let behind = StoredAcknowledgement { version: 4, ..acknowledged };
        let elsewhere = StoredAcknowledgement { epoch: Uuid::from_u128(2), ..acknowledged };
        let wrong = StoredAcknowledgement { matches: false, ..acknowledged };
        assert_eq!(state(None, None), MailServerState::Waiting);
        assert_eq!(state(Some(now), Some(acknowledged)), MailServerState::InSync);
        assert_eq!(state(Some(now), Some(behind)), MailServerState::Late);
        assert_eq!(state(Some(now), Some(elsewhere)), MailServerState::Late);
        assert_eq!(state(Some(now), None), MailServerState::Late);
        assert_eq!(state(Some(now), Some(wrong)), MailServerState::Mismatch);
        assert_eq!(state(Some(now - TimeDelta::minutes(3)), Some(acknowledged)), MailServerState::Silent);
    }
}
