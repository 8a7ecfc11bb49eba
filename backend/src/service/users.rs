//! The people of an account, and the provider's own.

use super::{
    Error, Result,
    authentication::{Identity, Origin},
    passwords, position,
};
use crate::{
    state::AppState,
    store::{
        self, ConnectionTrait,
        audit::NewAuditEntry,
        search::{CursorScope, Keyset},
        users::User,
    },
};
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::{
    Address, Page, RefusalCode,
    audit::ActorKind,
    session::Role,
    user::{self, UserUpdate},
};
use uuid::Uuid;

/// The people whom somebody manages: those of the account that is open, or outside of all accounts the provider's staff.
#[derive(Debug, Clone)]
pub struct Realm {
    /// Whose; `None`: the provider's.
    pub(super) account_id: Option<Uuid>,
    identity: Identity,
}

impl Realm {
    /// The realm of a person.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no administrator there, and to scripts: a token could give itself more rights, or
    /// outlive its revocation.
    pub fn open(identity: Identity) -> Result<Self> {
        if !identity.is_user() {
            return Err(Error::Forbidden("users are managed by people: sign in with a password".to_owned()));
        }
        identity.require_manager()?;
        Ok(Self { account_id: identity.account_id, identity })
    }

    /// The person who manages.
    pub(super) fn manager_id(&self) -> Option<Uuid> {
        self.identity.actor.id()
    }

    /// Reads all people of the realm, alone until the transaction ends.
    ///
    /// # Errors
    /// [`Error::Forbidden`]: another administrator has taken the right away in the meantime.
    pub(super) async fn lock(&self, tx: &impl ConnectionTrait) -> Result<Vec<user::User>> {
        let users = store::users::lock_all(tx, self.account_id).await?;
        // A provider inside an account is none of its users.
        match users.iter().find(|user| Some(user.id) == self.manager_id()) {
            Some(user) if !manages(user) => Err(Error::Forbidden("this needs an administrator".to_owned())),
            _ => Ok(users),
        }
    }

    /// Checks a role that is to be given.
    ///
    /// # Errors
    /// [`Error::Invalid`]: accounts have no providers, the provider has nobody else.
    pub(super) fn check_role(&self, role: Role) -> Result<()> {
        match (self.account_id, role) {
            (Some(_), Role::Provider) => Err(Error::field(
                "/role",
                RefusalCode::NotAccepted,
                "in an account use viewer, operator or administrator",
            )),
            (None, Role::Viewer | Role::Operator | Role::Administrator) => Err(Error::field(
                "/role",
                RefusalCode::NotAccepted,
                "outside of all accounts there are only providers: enter an account first",
            )),
            _ => Ok(()),
        }
    }

    /// An audit entry by who manages, with neither values nor comment.
    pub(super) fn audit(&self, at: DateTime<Utc>, action: &'static str, object: impl Into<String>) -> NewAuditEntry {
        self.identity.audit(self.account_id, at, action, object)
    }
}

/// Whether a user manages the others.
fn manages(user: &user::User) -> bool {
    user.active && user.role >= Role::Administrator
}

/// A page of the users, by address.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(state: &AppState, realm: &Realm, cursor: Option<&str>, limit: u16) -> Result<Page<user::User>> {
    let scope = CursorScope::new("users", realm.account_id.unwrap_or_default(), &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let users = store::users::list(state.db.connection(), realm.account_id, keyset).await?;
    // The order is that of what all spellings of an address have in common.
    let key = |email: &str| Address::parse(email).map_or_else(|_| email.to_owned(), |email| email.key().to_string());
    Ok(scope.page(users, limit, None, |user| (key(&user.email), user.id)))
}

/// A user.
///
/// # Errors
/// [`Error::NotFound`]: none of these.
pub async fn get(state: &AppState, realm: &Realm, id: Uuid) -> Result<user::User> {
    let users = store::users::list(state.db.connection(), realm.account_id, Keyset::ALL).await?;
    users.into_iter().find(|user| user.id == id).ok_or(Error::NotFound)
}

/// Changes what a user who was read at `revision` may do. Who may no longer sign in is out at once. Invitations and links
/// that were made by somebody who may no longer make them stop working.
///
/// # Errors
/// [`Error::NotFound`]: none of these. [`Error::PreconditionFailed`]: changed since. [`Error::Conflict`]: nobody would be
/// left to manage the others. [`Error::Invalid`]: a role that cannot be given.
pub async fn update(
    state: &AppState,
    realm: &Realm,
    id: Uuid,
    revision: i64,
    update: &UserUpdate,
) -> Result<user::User> {
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let users = realm.lock(&tx).await?;
    let before = users.iter().find(|user| user.id == id).ok_or(Error::NotFound)?.clone();
    if before.revision != revision {
        return Err(Error::PreconditionFailed(
            "the user was changed by somebody else: read again and repeat your change".to_owned(),
        ));
    }
    let after = user::User {
        role: update.role.unwrap_or(before.role),
        active: update.active.unwrap_or(before.active),
        revision: revision + 1,
        ..before.clone()
    };
    realm.check_role(after.role)?;
    if (after.role, after.active) == (before.role, before.active) {
        return Ok(before);
    }
    if manages(&before) && !manages(&after) && users.iter().filter(|user| manages(user)).count() == 1 {
        return Err(Error::conflict(
            RefusalCode::LastManager,
            "nobody else could manage users then: make somebody else administrator first",
        ));
    }
    store::users::update(&tx, &after).await?;
    if !after.active {
        store::sessions::delete_all(&tx, id, None).await?;
        store::password_resets::remove_unused(&tx, id).await?;
    }
    if !manages(&after) {
        store::invitations::withdraw_made_by(&tx, id).await?;
        store::password_resets::remove_made_by(&tx, id).await?;
    }
    let rights = |user: &user::User| json!({ "email": user.email, "role": user.role, "active": user.active });
    let entry = NewAuditEntry {
        before: Some(rights(&before)),
        after: Some(rights(&after)),
        ..realm.audit(now, "user.update", id.to_string())
    };
    tx.audit(entry);
    tx.commit().await?;
    Ok(if after.active { after } else { user::User { last_seen_at: None, ..after } })
}

/// Reads the address that somebody signs in with; two spellings of one address are the same user.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub fn email(text: &str, pointer: &str) -> Result<Address> {
    Address::parse(text).map_err(|error| Error::field(pointer, RefusalCode::NotAnAddress, error.to_string()))
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
    let email_text = email.spelling().to_owned();
    let user = User { id: Uuid::now_v7(), account_id, email: email_text, password_hash, role, active: true };
    store::users::insert(tx, &user, email.key().as_str(), now).await.map_err(|error| {
        if error.is_duplicate() {
            Error::conflict(RefusalCode::AddressTaken, "this address signs in already: choose another one")
        } else {
            error.into()
        }
    })?;
    Ok(user)
}

/// An audit entry of what a user does who is in no session yet, with neither values nor comment.
pub(super) fn audit_by(
    user: &User,
    origin: &Origin,
    at: DateTime<Utc>,
    action: &'static str,
    object: impl Into<String>,
) -> NewAuditEntry {
    NewAuditEntry {
        account_id: user.account_id,
        at,
        actor_kind: ActorKind::User,
        actor_id: Some(user.id),
        actor_name: user.email.clone(),
        action,
        object: object.into(),
        before: None,
        after: None,
        comment: None,
        request_id: origin.request_id.clone(),
        client_address: origin.client_address.clone(),
    }
}

/// An audit entry about a user with their address: an id alone tells nobody who it was.
pub(super) fn about(user: &User, entry: NewAuditEntry) -> NewAuditEntry {
    NewAuditEntry { after: Some(json!({ "email": user.email })), ..entry }
}

/// Adds a provider, from the command line.
///
/// # Errors
/// [`Error::Invalid`]: the address or password cannot be used. [`Error::Conflict`]: the address signs in already.
pub async fn create_provider(state: &AppState, email_text: &str, password: String) -> Result<User> {
    let email = email(email_text, "/email")?;
    passwords::check(&password, &email, "/password")?;
    let password_hash = state.keys.hash("", password).await?;
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    let user = insert(&tx, None, &email, password_hash, Role::Provider, now).await?;
    let entry = NewAuditEntry {
        after: Some(json!({ "email": user.email })),
        ..Identity::system().audit(None, now, "provider.create", user.id.to_string())
    };
    tx.audit(entry);
    tx.commit().await?;
    Ok(user)
}
