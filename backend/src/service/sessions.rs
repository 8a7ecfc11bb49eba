//! Signing in, staying signed in, signing out.

use super::{
    Actor, Error, Result,
    authentication::{Identity, Origin},
    keys::{self, Claims},
};
use crate::{
    state::AppState,
    store::{
        self, ConnectionTrait,
        audit::{self, NewAuditEntry},
        sessions::NewSession,
        users::User,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use shared::{
    Address,
    session::{AccessToken, Me, Role, SignInRequest},
};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long an access token is valid. Short, because it travels with every request.
const ACCESS_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// How long a session lasts without being refreshed.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::days(14);
/// How long the refresh token before the present one is honoured: two tabs may refresh at the same moment.
const ROTATION_GRACE: TimeDelta = TimeDelta::seconds(30);

/// A session that began or went on.
pub struct Begun {
    /// For the caller's requests.
    pub access_token: AccessToken,
    /// For the cookie; `None`: the cookie stays as it is.
    pub refresh_token: Option<String>,
}

/// Signs in. Unknown users and wrong passwords get the same answer after the same time.
///
/// # Errors
/// [`Error::Unauthorized`]; [`Error::TooMany`] after too many wrong passwords, or when too many sign in at once.
pub async fn sign_in(state: &AppState, request: SignInRequest, origin: Origin) -> Result<Begun> {
    let now = state.clock.now();
    let key = Address::parse(&request.email).map_or(request.email, |email| email.key().to_string());
    let client = origin.client_address.as_deref().unwrap_or_default();
    state.attempts.check(&key, client, now)?;
    let user = store::users::find_by_email(state.db.connection(), &key).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let matches = state.keys.verify(request.password, hash).await?;
    let Some(user) = user.filter(|_| matches) else {
        state.attempts.failed(&key, client, now);
        return Err(Error::Unauthorized);
    };
    state.attempts.succeeded(&key, client);
    let tx = state.db.begin().await?;
    let begun = begin(state, &tx, &user, origin).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Begins a session of a user whose right to it is proven.
///
/// # Errors
/// The database refused.
pub async fn begin(state: &AppState, tx: &impl ConnectionTrait, user: &User, origin: Origin) -> Result<Begun> {
    let now = state.clock.now();
    let id = Uuid::now_v7();
    let secret = keys::random_text();
    store::sessions::delete_expired(tx, user.id, now).await?;
    let session = NewSession {
        id,
        user_id: user.id,
        refresh_hash: keys::token_hash(&secret),
        created_at: now,
        expires_at: now + SESSION_LIFETIME,
    };
    store::sessions::insert(tx, session).await?;
    let entry = NewAuditEntry {
        account_id: user.account_id,
        at: now,
        actor_kind: "user",
        actor_id: Some(user.id),
        actor_name: user.email.clone(),
        action: "session.begin",
        object: id.to_string(),
        before: None,
        after: None,
        comment: None,
        request_id: origin.request_id,
        client_address: origin.client_address,
    };
    audit::record(tx, entry).await?;
    let access_token = access_token(state, user.id, id, user.account_id, now)?;
    Ok(Begun { access_token, refresh_token: Some(format!("{id}.{secret}")) })
}

/// Makes an access token of a session.
///
/// # Errors
/// Signing failed.
pub fn access_token(
    state: &AppState,
    user_id: Uuid,
    session_id: Uuid,
    account_id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<AccessToken> {
    let expires_at = now + ACCESS_LIFETIME;
    let claims = Claims {
        sub: user_id,
        sid: session_id,
        account: account_id,
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
    };
    Ok(AccessToken { access_token: state.keys.sign(&claims)?, expires_at })
}

/// Goes on with a session. Each refresh token works once; one that is used again later was stolen, from whomever, so
/// the session ends.
///
/// # Errors
/// [`Error::Unauthorized`]: no such session, or it has ended.
pub async fn refresh(state: &AppState, refresh_token: &str) -> Result<Begun> {
    let (id, secret) = refresh_token.split_once('.').ok_or(Error::Unauthorized)?;
    let id: Uuid = id.parse().map_err(|_| Error::Unauthorized)?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let session = store::sessions::find(&tx, id).await?.ok_or(Error::Unauthorized)?;
    if session.expires_at <= now {
        return Err(Error::Unauthorized);
    }
    let hash = keys::token_hash(secret);
    let is = |stored: &str| bool::from(stored.as_bytes().ct_eq(hash.as_bytes()));
    let account_id = if session.user.role == Role::Provider { session.account_id } else { session.user.account_id };
    let new_secret = keys::random_text();
    let new_hash = keys::token_hash(&new_secret);
    let refresh_token = if is(&session.refresh_hash)
        && store::sessions::rotate(&tx, id, &hash, &new_hash, now, now + SESSION_LIFETIME).await?
    {
        Some(format!("{id}.{new_secret}"))
    } else if is(&session.refresh_hash) {
        // Another node rotated it between our read and our write: that tab has the new cookie.
        None
    } else if session.previous_refresh_hash.as_deref().is_some_and(is) {
        if now - session.rotated_at > ROTATION_GRACE {
            store::sessions::delete(&tx, id).await?;
            tx.commit().await?;
            tracing::warn!(session_id = %id, "a refresh token was used twice: the session is ended");
            return Err(Error::Unauthorized);
        }
        None
    } else {
        return Err(Error::Unauthorized);
    };
    tx.commit().await?;
    Ok(Begun { access_token: access_token(state, session.user.id, id, account_id, now)?, refresh_token })
}

/// Ends the session.
///
/// # Errors
/// The database refused.
pub async fn sign_out(state: &AppState, identity: &Identity) -> Result<()> {
    let Actor::User { session_id, .. } = identity.actor else { return Err(Error::Unauthorized) };
    Ok(store::sessions::delete(state.db.connection(), session_id).await?)
}

/// Says who is signed in.
///
/// # Errors
/// [`Error::Unauthorized`]: nobody.
pub async fn me(state: &AppState, identity: Identity) -> Result<Me> {
    let Actor::User { id, email, role, .. } = identity.actor else { return Err(Error::Unauthorized) };
    let account = match identity.account_id {
        Some(account_id) => store::accounts::find(state.db.connection(), account_id).await?,
        None => None,
    };
    Ok(Me {
        user_id: id,
        email,
        role,
        account_id: account.as_ref().map(|account| account.id),
        downloads_enabled: account.as_ref().is_some_and(|account| account.downloads_enabled),
        plan: account.as_ref().map(|account| account.plan),
        account_name: account.map(|account| account.name),
    })
}
