//! From a bearer token to who sent it and what they may do (PRODUCT section 5).

use super::{Access, Actor, Error, Result, keys, limits, signing_keys};
use crate::{
    state::AppState,
    store::{self, audit::NewAuditEntry},
};
use chrono::{DateTime, TimeDelta, Utc};
use shared::session::{Role, Scope};
use uuid::Uuid;

/// Kinds of things that need a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read the account.
    View,
    /// Release, delete exemptions.
    Operate,
    /// Change settings, mail servers, tokens.
    Administer,
    /// Report delivery events.
    Report,
    /// Be the agent of a mail server.
    Agent,
    /// Run the service.
    Provide,
}

/// Where a request came from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Its id.
    pub request_id: Option<String>,
    /// The other end of the connection.
    pub client_address: Option<String>,
    /// With what: the header `User-Agent`, as far as it is kept.
    pub user_agent: Option<String>,
}

impl Origin {
    /// From where guesses are counted: whoever has one IPv6 address has many.
    pub fn network(&self) -> String {
        let address = self.client_address.as_deref().and_then(|address| address.parse().ok());
        address.map(|address| limits::network(address).to_string()).unwrap_or_default()
    }
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The account that is open, if one is.
    pub account_id: Option<Uuid>,
    /// Whether that account is suspended, for who belongs to it.
    pub is_suspended: bool,
    /// Who.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

impl Identity {
    /// The service itself, outside of all accounts: commands on its machine.
    pub fn system() -> Self {
        Self { account_id: None, is_suspended: false, actor: Actor::System, origin: Origin::default() }
    }

    /// Whether it is a person in a session.
    pub fn is_user(&self) -> bool {
        matches!(self.actor, Actor::User { .. })
    }

    /// What the caller may do, as one text.
    pub fn rights(&self) -> String {
        let rights = match &self.actor {
            Actor::User { role, .. } => role.as_str().to_owned(),
            Actor::Token { scopes, .. } => scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(","),
            Actor::MailServer { .. } | Actor::System => String::new(),
        };
        if self.is_suspended { format!("{rights} suspended") } else { rights }
    }

    /// The right to act on the open account.
    ///
    /// # Errors
    /// [`Error::Forbidden`] says what is missing.
    pub fn access(self, permission: Permission) -> Result<Access> {
        self.require(permission)?;
        self.open()
    }

    /// The right to write to the provider for the open account, also while it is suspended.
    ///
    /// # Errors
    /// As [`Self::access`].
    pub fn correspond(self) -> Result<Access> {
        self.permit(Permission::View)?;
        self.actor.reaches_all()?;
        self.open()
    }

    fn open(self) -> Result<Access> {
        let account_id = self
            .account_id
            .ok_or_else(|| Error::Forbidden("enter an account first: this belongs to an account".to_owned()))?;
        Ok(Access {
            account_id,
            actor: self.actor,
            request_id: self.origin.request_id,
            client_address: self.origin.client_address,
        })
    }

    /// An audit entry by this actor in the account that it concerns, with neither values nor comment.
    pub fn audit(
        &self,
        account_id: Option<Uuid>,
        at: DateTime<Utc>,
        action: &'static str,
        object: impl Into<String>,
    ) -> NewAuditEntry {
        NewAuditEntry {
            account_id,
            at,
            actor_kind: self.actor.kind(),
            actor_id: self.actor.id(),
            actor_name: self.actor.name().to_owned(),
            action,
            object: object.into(),
            before: None,
            after: None,
            comment: None,
            request_id: self.origin.request_id.clone(),
            client_address: self.origin.client_address.clone(),
        }
    }

    /// The right to manage the account that is open, or outside of all accounts the service.
    ///
    /// # Errors
    /// [`Error::Forbidden`] says what is missing.
    pub fn require_manager(&self) -> Result<()> {
        self.actor.reaches_all()?;
        self.require(if self.account_id.is_some() { Permission::Administer } else { Permission::Provide })
    }

    /// Checks a right without needing an account.
    ///
    /// # Errors
    /// [`Error::Forbidden`] says what is missing; [`Error::Suspended`].
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.is_suspended {
            return Err(Error::Suspended);
        }
        self.permit(permission)
    }

    fn permit(&self, permission: Permission) -> Result<()> {
        if permits(&self.actor, permission) {
            return Ok(());
        }
        let needed = match permission {
            Permission::View => "a user of the account, or a token with scope read",
            Permission::Operate => "an operator, or a token with scope lists",
            Permission::Administer => "an administrator, or a token with scope manage",
            Permission::Report => "an operator, a token with scope events, or the token of a mail server",
            Permission::Agent => "the token of a mail server",
            Permission::Provide => "a provider",
        };
        Err(Error::Forbidden(format!("this needs {needed}")))
    }
}

fn permits(actor: &Actor, permission: Permission) -> bool {
    match actor {
        Actor::User { role, .. } => match permission {
            Permission::View => true,
            Permission::Operate | Permission::Report => *role >= Role::Operator,
            Permission::Administer => *role >= Role::Administrator,
            Permission::Provide => *role == Role::Provider,
            Permission::Agent => false,
        },
        Actor::Token { scopes, .. } => {
            let scope = match permission {
                Permission::View => Scope::Read,
                Permission::Operate => Scope::Lists,
                Permission::Administer => Scope::Manage,
                Permission::Report => Scope::Events,
                Permission::Agent | Permission::Provide => return false,
            };
            scopes.contains(&scope)
        }
        Actor::MailServer { .. } => matches!(permission, Permission::Report | Permission::Agent),
        Actor::System => false,
    }
}

/// Finds out who holds a bearer token.
///
/// # Errors
/// [`Error::Unauthorized`] when nobody does any more.
pub async fn identify(state: &AppState, token: &str, origin: Origin) -> Result<Identity> {
    if signing_keys::is_access_token(token) {
        identify_user(state, token, origin).await
    } else {
        identify_token(state, token, origin).await
    }
}

async fn identify_user(state: &AppState, token: &str, origin: Origin) -> Result<Identity> {
    let mut claims = state.signer.read(token, state.clock.now());
    if claims.is_err() && state.signer.is_unknown(token) {
        // Signed by another node with a key that this one has not heard of.
        state.signer.reload(&state.db).await?;
        claims = state.signer.read(token, state.clock.now());
    }
    let claims = claims?;
    let (identity, opened) = find_session(state, claims.sub, claims.sid, claims.account, origin).await?;
    // A provider who has left an account, or entered another, is not inside of it any more.
    if identity.account_id != opened { Err(Error::Unauthorized) } else { Ok(identity) }
}

/// Finds out what the user of a session may do now, as far as something signed or sealed says that it is theirs: in the
/// account `opened`, if they are a provider, wherever they are by now.
///
/// # Errors
/// [`Error::Unauthorized`] when the session has ended, or the account was closed.
pub async fn identify_session(
    state: &AppState,
    user_id: Uuid,
    session_id: Uuid,
    opened: Option<Uuid>,
    origin: Origin,
) -> Result<Identity> {
    Ok(find_session(state, user_id, session_id, opened, origin).await?.0)
}

/// As [`identify_session`], and the account that the session is in now.
async fn find_session(
    state: &AppState,
    user_id: Uuid,
    session_id: Uuid,
    opened: Option<Uuid>,
    origin: Origin,
) -> Result<(Identity, Option<Uuid>)> {
    let session = store::sessions::find(state.db.connection(), session_id).await?.ok_or(Error::Unauthorized)?;
    if session.user.id != user_id || !session.user.active || session.expires_at <= state.clock.now() {
        return Err(Error::Unauthorized);
    }
    let is_provider = session.user.role == Role::Provider;
    let account_id = if is_provider { opened } else { session.user.account_id };
    let now_in = if is_provider { session.account_id } else { session.user.account_id };
    if is_provider
        && let Some(id) = opened
        && store::accounts::find(state.db.connection(), id).await?.is_none()
    {
        // It was closed; a new token is outside of it.
        return Err(Error::Unauthorized);
    }
    let actor =
        Actor::User { id: session.user.id, session_id: session.id, email: session.user.email, role: session.user.role };
    Ok((Identity { account_id, is_suspended: session.is_suspended, actor, origin }, now_in))
}

async fn identify_token(state: &AppState, token: &str, origin: Origin) -> Result<Identity> {
    let now = state.clock.now();
    let connection = state.db.connection();
    let found = store::tokens::find_by_hash(connection, &keys::token_hash(token)).await?.ok_or(Error::Unauthorized)?;
    if found.token.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Error::Unauthorized);
    }
    // To the minute is enough, and spares a write at each request.
    let is_due = found.token.last_used_at.is_none_or(|used_at| now - used_at >= TimeDelta::minutes(1));
    // On a full disk the lists can still be read.
    if is_due && let Err(error) = store::tokens::touch(connection, found.token.id, now).await {
        tracing::warn!(%error, "cannot note that a token was used");
    }
    let actor = match found.mail_server {
        Some(mail_server) => Actor::MailServer {
            id: mail_server.id,
            name: mail_server.name,
            server_configuration_id: mail_server.server_configuration_id,
        },
        None => Actor::Token {
            id: found.token.id,
            name: found.token.name,
            scopes: found.token.scopes,
            server_configuration_ids: found.token.server_configuration_ids,
        },
    };
    Ok(Identity { account_id: Some(found.account_id), is_suspended: found.is_suspended, actor, origin })
}
