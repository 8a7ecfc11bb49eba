//! Who acts, and on which account.

use super::{Error, Result};
use crate::store::audit::NewAuditEntry;
use chrono::{DateTime, Utc};
use shared::{
    audit::ActorKind,
    session::{Role, Scope},
};
use std::slice;
use uuid::Uuid;

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person in a session.
    User {
        /// The user.
        id: Uuid,
        /// The session.
        session_id: Uuid,
        /// The address that signed in.
        email: String,
        /// What the user may do.
        role: Role,
    },
    /// A script with an API token.
    Token {
        /// The token.
        id: Uuid,
        /// Its name.
        name: String,
        /// What it may be used for.
        scopes: Vec<Scope>,
        /// The only server configurations that it may touch; `None`: all.
        server_configuration_ids: Option<Vec<Uuid>>,
    },
    /// The agent of a mail server.
    MailServer {
        /// The mail server.
        id: Uuid,
        /// Its name.
        name: String,
        /// Its server configuration: the only one it may touch.
        server_configuration_id: Uuid,
    },
    /// The service itself: scheduled runs, the command line.
    System,
}

impl Actor {
    /// The only server configurations of its account that it may touch; `None`: all.
    pub fn reach(&self) -> Option<&[Uuid]> {
        match self {
            Self::Token { server_configuration_ids, .. } => server_configuration_ids.as_deref(),
            Self::MailServer { server_configuration_id, .. } => Some(slice::from_ref(server_configuration_id)),
            Self::User { .. } | Self::System => None,
        }
    }

    /// Whether it may touch a server configuration of its account.
    pub fn reaches(&self, server_configuration: Uuid) -> bool {
        self.reach().is_none_or(|ids| ids.contains(&server_configuration))
    }

    /// That it may touch what belongs to its account as a whole.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to a token that is limited to some server configurations.
    pub fn reaches_all(&self) -> Result<()> {
        match self {
            Self::Token { server_configuration_ids: Some(_), .. } => {
                Err(Error::Forbidden("this token is limited to some server configurations".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The kind, as the audit log names it.
    pub const fn kind(&self) -> ActorKind {
        match self {
            Self::User { .. } => ActorKind::User,
            Self::Token { .. } => ActorKind::Token,
            Self::MailServer { .. } => ActorKind::MailServer,
            Self::System => ActorKind::System,
        }
    }

    /// The id, where there is one.
    pub const fn id(&self) -> Option<Uuid> {
        match self {
            Self::User { id, .. } | Self::Token { id, .. } | Self::MailServer { id, .. } => Some(*id),
            Self::System => None,
        }
    }

    /// The session or token that it acts with.
    pub const fn credential(&self) -> Option<Uuid> {
        match self {
            Self::User { session_id, .. } => Some(*session_id),
            Self::Token { id, .. } | Self::MailServer { id, .. } => Some(*id),
            Self::System => None,
        }
    }

    /// The name that people know.
    pub fn name(&self) -> &str {
        match self {
            Self::User { email, .. } => email,
            Self::Token { name, .. } | Self::MailServer { name, .. } => name,
            Self::System => "Stoplist",
        }
    }
}

/// A proven right to act; made by the guards in `http::auth` and by the command line.
#[derive(Debug, Clone)]
pub struct Access {
    /// The account acted on: nothing crosses it.
    pub account_id: Uuid,
    /// Who acts.
    pub actor: Actor,
    /// The request, for the audit log.
    pub request_id: Option<String>,
    /// Where the request came from, for the audit log.
    pub client_address: Option<String>,
}

impl Access {
    /// The service itself acting on an account.
    pub fn system(account_id: Uuid) -> Self {
        Self { account_id, actor: Actor::System, request_id: None, client_address: None }
    }

    /// An audit entry by this actor, with neither values nor comment.
    pub fn audit(&self, at: DateTime<Utc>, action: &'static str, object: impl Into<String>) -> NewAuditEntry {
        NewAuditEntry {
            account_id: Some(self.account_id),
            at,
            actor_kind: self.actor.kind(),
            actor_id: self.actor.id(),
            actor_name: self.actor.name().to_owned(),
            action,
            object: object.into(),
            before: None,
            after: None,
            comment: None,
            request_id: self.request_id.clone(),
            client_address: self.client_address.clone(),
        }
    }
}
