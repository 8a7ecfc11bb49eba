//! Invitations by link, and whoever holds it may accept; only a hash of its secret is kept. It is sent by mail, and only where
//! the service sends none it is answered, once: nobody else than who reads the mailbox shall learn that the address signs in
//! already, or sign in with it.

use super::{
    Error, Result,
    authentication::Origin,
    expect_room, keys,
    mails::{self, Letter},
    passwords, position,
    sessions::{self, Begun, Proof},
    users::{self, Realm},
};
use crate::{
    state::AppState,
    store::{
        self, DatabaseTransaction,
        audit::NewAuditEntry,
        invitations::{Found, State},
        millis,
        search::{CursorScope, Keyset},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::{
    Address, Page, RefusalCode,
    user::{Invitation, InvitationLink, InvitationPreview, NewInvitation, PasswordByLink},
};
use uuid::Uuid;

/// How long a link works.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// A page of the invitations that nobody accepted yet, newest first.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(state: &AppState, realm: &Realm, cursor: Option<&str>, limit: u16) -> Result<Page<Invitation>> {
    let scope = CursorScope::new("invitations", realm.account_id.unwrap_or_default(), &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let invitations = store::invitations::list(state.db.connection(), realm.account_id, keyset).await?;
    Ok(scope.page(invitations, limit, None, |invitation| (millis(invitation.created_at), invitation.id)))
}

/// Invites somebody. Whether the address signs in to another account is not told.
///
/// # Errors
/// [`Error::Invalid`]: a role that cannot be given, or no address. [`Error::Conflict`]: a user already, invited already, or
/// there are too many.
pub async fn create(state: &AppState, realm: &Realm, new: NewInvitation) -> Result<InvitationLink> {
    let email = users::email(&new.email, "/email")?;
    realm.check_role(new.role)?;
    let invited_by = realm.manager_id().ok_or(Error::Unauthorized)?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let users = realm.lock(&tx).await?;
    let is_this = |text: &str| Address::parse(text).is_ok_and(|other| other.key() == email.key());
    if users.iter().any(|user| is_this(&user.email)) {
        return Err(Error::conflict(
            RefusalCode::AddressTaken,
            "this address is a user already: change or reactivate that user",
        ));
    }
    if store::invitations::is_pending(&tx, realm.account_id, email.key().as_str()).await? {
        return Err(Error::conflict(
            RefusalCode::InvitedAlready,
            "this address was invited already: renew that invitation",
        ));
    }
    let open = store::invitations::list(&tx, realm.account_id, Keyset::ALL).await?;
    expect_room(users.len() + open.len(), "users and invitations")?;
    let manager = users.iter().find(|user| user.id == invited_by).map(|user| user.email.clone());
    let entry = realm.audit(now, "invitation.create", "");
    let invitation = Invitation {
        id: Uuid::now_v7(),
        email: email.spelling().to_owned(),
        role: new.role,
        invited_by: manager.unwrap_or_else(|| entry.actor_name.clone()),
        created_at: now,
        expires_at: now + LIFETIME,
    };
    let secret = keys::random_text();
    let hash = keys::token_hash(&secret);
    store::invitations::insert(&tx, realm.account_id, &invitation, email.key().as_str(), invited_by, &hash).await?;
    let entry = NewAuditEntry { object: invitation.id.to_string(), after: Some(described(&invitation)), ..entry };
    tx.audit(entry);
    send(state, tx, invitation, &secret).await
}

/// Gives an invitation another link and another week; the old link leads nowhere.
///
/// # Errors
/// [`Error::NotFound`]: there is none that waits.
pub async fn renew(state: &AppState, realm: &Realm, id: Uuid) -> Result<InvitationLink> {
    let renewed_by = realm.manager_id().ok_or(Error::Unauthorized)?;
    let now = state.clock.now();
    let secret = keys::random_text();
    let tx = state.db.begin().await?;
    realm.lock(&tx).await?;
    let before = pending(&tx, realm, id).await?;
    store::invitations::renew(&tx, id, renewed_by, &keys::token_hash(&secret), now + LIFETIME).await?;
    let after = pending(&tx, realm, id).await?;
    let entry = NewAuditEntry {
        before: Some(described(&before)),
        after: Some(described(&after)),
        ..realm.audit(now, "invitation.renew", id.to_string())
    };
    tx.audit(entry);
    send(state, tx, after, &secret).await
}

/// Commits, and sends the link by mail, or answers it where the service sends none.
async fn send(
    state: &AppState,
    tx: DatabaseTransaction,
    invitation: Invitation,
    secret: &str,
) -> Result<InvitationLink> {
    let link = link(secret);
    let letter =
        Letter::Invitation { invited_by: &invitation.invited_by, link: &link, expires_at: invitation.expires_at };
    mails::post(state, &tx, &invitation.email, &letter).await?;
    mails::commit(state, tx).await?;
    Ok(InvitationLink { invitation, link: state.mailer.is_none().then_some(link) })
}

/// Takes an invitation back.
///
/// # Errors
/// [`Error::NotFound`]: there is none that waits.
pub async fn withdraw(state: &AppState, realm: &Realm, id: Uuid) -> Result<()> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    realm.lock(&tx).await?;
    let before = pending(&tx, realm, id).await?;
    if !store::invitations::withdraw(&tx, id).await? {
        return Err(Error::NotFound);
    }
    let entry =
        NewAuditEntry { before: Some(described(&before)), ..realm.audit(now, "invitation.withdraw", id.to_string()) };
    tx.audit(entry);
    tx.commit().await?;
    Ok(())
}

/// What the holder of a link is invited to.
///
/// # Errors
/// [`Error::NotFound`]: no such link. [`Error::Gone`]: it works no longer.
pub async fn preview(state: &AppState, secret: &str) -> Result<InvitationPreview> {
    let found = open(state, secret, state.clock.now()).await?;
    Ok(InvitationPreview {
        email: found.email,
        role: found.role,
        account_name: found.account_name,
        expires_at: found.expires_at,
    })
}

/// Makes the user who holds a link, with the password of their choice, and signs them in. A link works once.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Gone`] as [`preview`]. [`Error::Invalid`]: the password cannot be used.
/// [`Error::Conflict`]: the address signs in elsewhere.
pub async fn accept(state: &AppState, request: PasswordByLink, origin: Origin) -> Result<Begun> {
    let now = state.clock.now();
    let found = open(state, &request.secret, now).await?;
    let email = users::email(&found.email, "/email")?;
    passwords::check(&request.password, &email, "/password")?;
    let password_hash = state.keys.hash(&origin.network(), request.password).await?;
    let tx = state.db.begin().await?;
    if let Some(id) = found.account_id {
        // Held, so that nobody comes into an account that is being closed.
        store::accounts::lock(&tx, id).await?.ok_or(Error::NotFound)?;
    }
    if !store::invitations::accept(&tx, &keys::token_hash(&request.secret), now).await? {
        // Accepted in another tab, renewed or taken back while the password was hashed.
        drop(tx);
        open(state, &request.secret, now).await?;
        return Err(Error::NotFound);
    }
    let user = users::insert(&tx, found.account_id, &email, password_hash, found.role, now).await?;
    let entry = NewAuditEntry {
        after: Some(json!({ "email": user.email, "role": user.role, "user": user.id })),
        ..users::audit_by(&user, &origin, now, "invitation.accept", found.id.to_string())
    };
    tx.audit(entry);
    let begun = sessions::begin(state, &tx, &user, origin, Proof::Link).await?;
    tx.commit().await?;
    Ok(begun)
}

/// The invitation of a link that works.
async fn open(state: &AppState, secret: &str, now: DateTime<Utc>) -> Result<Found> {
    let found = store::invitations::find_by_hash(state.db.connection(), &keys::token_hash(secret)).await?;
    let found = found.ok_or(Error::NotFound)?;
    let (code, gone) = match found.state {
        State::Accepted => (RefusalCode::LinkUsed, "this invitation was accepted already: sign in"),
        State::Withdrawn => (RefusalCode::LinkExpired, "this invitation was taken back: ask who invited you"),
        State::Pending if found.expires_at <= now => {
            (RefusalCode::LinkExpired, "this invitation has expired: ask who invited you for a new link")
        }
        State::Pending => return Ok(found),
    };
    Err(Error::gone(code, gone))
}

async fn pending(tx: &impl store::ConnectionTrait, realm: &Realm, id: Uuid) -> Result<Invitation> {
    let pending = store::invitations::list(tx, realm.account_id, Keyset::ALL).await?;
    pending.into_iter().find(|invitation| invitation.id == id).ok_or(Error::NotFound)
}

/// What the audit log is told: never the link.
fn described(invitation: &Invitation) -> serde_json::Value {
    json!({ "email": invitation.email, "role": invitation.role, "expires_at": invitation.expires_at })
}

/// Browsers do not send what follows `#`: no log on the way has it.
fn link(secret: &str) -> String {
    format!("/invitation#{secret}")
}
