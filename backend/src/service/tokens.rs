//! Tokens for scripts: long-lived, scoped, revocable.

use super::{Access, Actor, Error, Result, expect_room, keys, position, signing_keys::ScriptClaims};
use crate::{
    state::AppState,
    store::{
        self, audit, millis,
        search::{CursorScope, Keyset},
    },
};
use serde_json::json;
use shared::{
    Page, RefusalCode,
    session::{ApiToken, ApiTokenSecret, NewApiToken, Scope},
};
use uuid::Uuid;

/// A page of the tokens of an account, newest first; those of mail servers too.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(state: &AppState, access: &Access, cursor: Option<&str>, limit: u16) -> Result<Page<ApiToken>> {
    only_people(access)?;
    let scope = CursorScope::new("tokens", access.account_id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let tokens = store::tokens::list(state.db.connection(), access.account_id, keyset).await?;
    Ok(scope.page(tokens, limit, None, |token| (millis(token.created_at), token.id)))
}

/// Makes a token.
///
/// # Errors
/// [`Error::Invalid`]: a scope that cannot be given, or an end in the past. [`Error::Conflict`]: there are too many.
pub async fn create(state: &AppState, access: &Access, new: NewApiToken) -> Result<ApiTokenSecret> {
    only_people(access)?;
    let now = state.clock.now();
    if let Some(index) = new.scopes.iter().position(|scope| *scope == Scope::Agent) {
        let detail = "agents get their token when their mail server is added";
        return Err(Error::field(format!("/scopes/{index}"), RefusalCode::NotAccepted, detail));
    }
    if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Error::field(
            "/expires_at",
            RefusalCode::InThePast,
            "choose a time in the future, or leave it out",
        ));
    }
    let mut scopes = vec![];
    for scope in new.scopes {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if let Some(ids) = &new.server_configuration_ids {
        let connection = state.db.connection();
        let own = store::server_configurations::list(connection, access.account_id, Some(ids), Keyset::ALL).await?;
        if let Some(index) = ids.iter().position(|id| own.iter().all(|configuration| configuration.id != *id)) {
            let detail = "there is no such server configuration";
            return Err(Error::field(format!("/server_configuration_ids/{index}"), RefusalCode::NotFound, detail));
        }
    }
    let token = ApiToken {
        id: Uuid::now_v7(),
        name: new.name,
        scopes,
        server_configuration_ids: new.server_configuration_ids,
        mail_server_id: None,
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
    };
    let secret = state.signer.sign_for_script(&ScriptClaims {
        jti: token.id,
        scope: token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        iat: now.timestamp(),
        exp: token.expires_at.map(|expires_at| expires_at.timestamp()),
        secret: keys::random_text(),
    })?;
    let tx = state.db.begin().await?;
    // Whoever counts waits for others who do.
    store::accounts::lock(&tx, access.account_id).await?.ok_or(Error::NotFound)?;
    let present = store::tokens::list(&tx, access.account_id, Keyset::ALL).await?;
    expect_room(present.iter().filter(|token| token.mail_server_id.is_none()).count(), "tokens")?;
    store::tokens::insert(&tx, access.account_id, &token, &keys::token_hash(&secret)).await?;
    let entry = audit::NewAuditEntry {
        after: Some(described(&token)),
        ..access.audit(now, "token.create", token.id.to_string())
    };
    tx.audit(entry);
    tx.commit().await?;
    Ok(ApiTokenSecret { token, secret })
}

/// Makes a token for the account of a name, from the command line.
///
/// # Errors
/// As [`create`]; [`Error::Invalid`] when no account has that name.
pub async fn create_for_account(state: &AppState, account: &str, new: NewApiToken) -> Result<ApiTokenSecret> {
    let found = store::accounts::find_by_name(state.db.connection(), account).await?;
    let account = found.ok_or_else(|| {
        Error::field("/account", RefusalCode::NotFound, format!("there is no account named {account:?}"))
    })?;
    create(state, &Access::system(account.id), new).await
}

/// Revokes a token; it stops working at once.
///
/// # Errors
/// [`Error::NotFound`]: the account has no such token.
pub async fn revoke(state: &AppState, access: &Access, id: Uuid) -> Result<()> {
    only_people(access)?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let tokens = store::tokens::list(&tx, access.account_id, Keyset::ALL).await?;
    let token = tokens.into_iter().find(|token| token.id == id).ok_or(Error::NotFound)?;
    if !store::tokens::revoke(&tx, access.account_id, id, now).await? {
        return Err(Error::NotFound);
    }
    let entry = access.audit(now, "token.revoke", id.to_string());
    tx.audit(audit::NewAuditEntry { before: Some(described(&token)), ..entry });
    tx.commit().await?;
    Ok(())
}

/// What the audit log is told: never the secret.
fn described(token: &ApiToken) -> serde_json::Value {
    json!({
        "name": token.name,
        "scopes": token.scopes,
        "server_configuration_ids": token.server_configuration_ids,
        "expires_at": token.expires_at,
    })
}

/// A token must not make further tokens: it could give itself more rights or outlive its revocation.
fn only_people(access: &Access) -> Result<()> {
    match access.actor {
        Actor::User { .. } | Actor::System => Ok(()),
        Actor::Token { .. } | Actor::MailServer { .. } => {
            Err(Error::Forbidden("tokens are managed by people: sign in with a password".to_owned()))
        }
    }
}
