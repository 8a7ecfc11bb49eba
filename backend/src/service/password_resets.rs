//! Links that set a new password, for who has lost theirs. They do not sign in: whoever has a second factor still needs it.

use super::{
    Error, Result,
    authentication::Origin,
    devices, keys,
    mails::{self, Letter},
    passwords,
    users::{self, Realm},
};
use crate::{
    state::AppState,
    store::{self, ConnectionTrait, audit::NewAuditEntry, password_resets::NewPasswordReset, users::User},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::{
    Address, RefusalCode,
    user::{PasswordByLink, PasswordResetLink, PasswordResetPreview},
};
use uuid::Uuid;

/// How long a link works that somebody hands on.
const LIFETIME: TimeDelta = TimeDelta::days(1);
/// How long a link works that its user asked for, and gets at once.
const REQUESTED_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// Who asks again earlier gets no further mail: nobody can fill somebody else's mailbox.
const PAUSE: TimeDelta = TimeDelta::minutes(5);

/// Makes a link for a user. Links made for them before stop working; their password still does.
///
/// # Errors
/// [`Error::NotFound`]: none of these. [`Error::Conflict`]: the user may not sign in, or it is one's own password, which
/// who has stolen a session must not change without knowing it.
pub async fn create(state: &AppState, realm: &Realm, user_id: Uuid) -> Result<PasswordResetLink> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let users = realm.lock(&tx).await?;
    let user = users.into_iter().find(|user| user.id == user_id).ok_or(Error::NotFound)?;
    if realm.manager_id() == Some(user_id) {
        return Err(Error::conflict(
            RefusalCode::OwnUser,
            "change your own password in your account, with the present one",
        ));
    }
    if !user.active {
        return Err(Error::conflict(RefusalCode::InactiveUser, "this user may not sign in: reactivate them first"));
    }
    let (secret, expires_at) = issue(&tx, user_id, realm.manager_id(), LIFETIME, now).await?;
    let entry = NewAuditEntry {
        after: Some(json!({ "email": user.email, "expires_at": expires_at })),
        ..realm.audit(now, "password_reset.create", user_id.to_string())
    };
    tx.audit(entry);
    tx.commit().await?;
    Ok(PasswordResetLink { email: user.email, link: link(&secret), expires_at })
}

/// Sends a link to who has lost their password. Nobody hears whether the address is a user's, and the answer takes as long
/// for one as for the other: it is sent before anybody is looked for.
///
/// # Errors
/// [`Error::Invalid`]: no address. [`Error::Conflict`]: this service sends no mail.
pub fn request(state: &AppState, email: &str, origin: Origin) -> Result<()> {
    let address = users::email(email, "/email")?;
    if state.mailer.is_none() {
        return Err(Error::conflict(
            RefusalCode::NoMail,
            "this service sends no mail: ask an administrator of your account for a link",
        ));
    }
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(error) = send(&state, &address, &origin).await {
            tracing::error!(%error, "cannot send a link to who lost the password");
        }
    });
    Ok(())
}

/// Sends a link, unless the address is nobody's, or got one a moment ago.
async fn send(state: &AppState, address: &Address, origin: &Origin) -> Result<()> {
    let now = state.clock.now();
    let Some(user) = store::users::find_by_email(state.db.connection(), address.key().as_str()).await? else {
        return Ok(());
    };
    let tx = state.db.begin().await?;
    let Some(user) = store::users::lock(&tx, user.id).await?.filter(|user| user.active) else { return Ok(()) };
    if store::password_resets::was_requested_since(&tx, user.id, now - PAUSE).await? {
        return Ok(());
    }
    let (secret, expires_at) = issue(&tx, user.id, None, REQUESTED_LIFETIME, now).await?;
    let entry = users::audit_by(&user, origin, now, "password_reset.request", user.id.to_string());
    tx.audit(users::about(&user, entry));
    let link = link(&secret);
    mails::post(state, &tx, &user.email, &Letter::PasswordReset { link: &link, expires_at }).await?;
    mails::commit(state, tx).await
}

/// The path of a link. Browsers do not send what follows `#`: no log on the way has it.
fn link(secret: &str) -> String {
    format!("/password-reset#{secret}")
}

/// Makes a link for a user. Whoever calls this writes the audit log, and hands on the secret.
///
/// One that somebody made takes the place of those before it. Anybody can have one sent, so that one takes nobody's away.
///
/// # Errors
/// The database refused.
pub async fn issue(
    tx: &impl ConnectionTrait,
    user_id: Uuid,
    made_by: Option<Uuid>,
    lifetime: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(String, DateTime<Utc>)> {
    let secret = keys::random_text();
    let expires_at = now + lifetime;
    if made_by.is_some() {
        store::password_resets::remove_unused(tx, user_id).await?;
    }
    let secret_hash = keys::token_hash(&secret);
    store::password_resets::insert(tx, NewPasswordReset { user_id, secret_hash, made_by, created_at: now, expires_at })
        .await?;
    Ok((secret, expires_at))
}

/// Whose password a link sets.
///
/// # Errors
/// [`Error::NotFound`]: no such link. [`Error::Gone`]: it works no longer.
pub async fn preview(state: &AppState, secret: &str) -> Result<PasswordResetPreview> {
    let (user, expires_at) = open(state, secret, state.clock.now()).await?;
    Ok(PasswordResetPreview { email: user.email, expires_at })
}

/// Sets the password and ends the user's sessions. A link works once. Answers by what the browser is known from now on: so
/// somebody else's wrong passwords keep nobody out who gets a link.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Gone`] as [`preview`]. [`Error::Invalid`]: the password cannot be used.
pub async fn complete(state: &AppState, request: PasswordByLink, origin: Origin) -> Result<String> {
    let now = state.clock.now();
    let (user, _) = open(state, &request.secret, now).await?;
    passwords::check(&request.password, &users::email(&user.email, "/email")?, "/password")?;
    let password_hash = state.keys.hash(&origin.network(), request.password).await?;
    let tx = state.db.begin().await?;
    let user = store::users::lock(&tx, user.id).await?.filter(|user| user.active).ok_or(Error::NotFound)?;
    if !store::password_resets::spend(&tx, &keys::token_hash(&request.secret), now).await? {
        // Used in another tab, or replaced while the password was hashed.
        drop(tx);
        open(state, &request.secret, now).await?;
        return Err(Error::NotFound);
    }
    passwords::set(&tx, user.id, &password_hash, None).await?;
    let entry = users::audit_by(&user, &origin, now, "password.reset", user.id.to_string());
    tx.audit(users::about(&user, entry));
    mails::post(state, &tx, &user.email, &Letter::PasswordChanged).await?;
    mails::commit(state, tx).await?;
    devices::issue(state, user.id, &password_hash, now)
}

/// The user of a link that works.
async fn open(state: &AppState, secret: &str, now: DateTime<Utc>) -> Result<(User, DateTime<Utc>)> {
    let connection = state.db.connection();
    let found = store::password_resets::find_by_hash(connection, &keys::token_hash(secret)).await?;
    let found = found.ok_or(Error::NotFound)?;
    if found.used_at.is_some() {
        return Err(Error::gone(RefusalCode::LinkUsed, "this link was used already: sign in, or ask for a new one"));
    }
    if found.expires_at <= now {
        return Err(Error::gone(RefusalCode::LinkExpired, "this link has expired: ask for a new one"));
    }
    let user = store::users::find(connection, found.user_id).await?.filter(|user| user.active);
    Ok((user.ok_or(Error::NotFound)?, found.expires_at))
}
