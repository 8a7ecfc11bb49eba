//! The audit log: who changed what, when, from where and why (PRODUCT section 5).

use crate::{csv::Language, page::Direction};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What kind of actor does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// A script with an API token.
    Token,
    /// The agent of a mail server.
    MailServer,
    /// The service itself, or its command line.
    System,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::User, Self::Token, Self::MailServer, Self::System];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::MailServer => "mail_server",
            Self::System => "system",
        }
    }
}

/// One change. Entries are only ever added, and each carries a hash over itself and the hash of the one before, so that
/// a changed or removed one shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The entry.
    pub id: Uuid,
    /// Counts the entries of the log, from 1, without a gap.
    pub number: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of actor did it.
    pub actor_kind: ActorKind,
    /// Which one; the service itself has no id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<Uuid>,
    /// Its name at that time.
    pub actor_name: String,
    /// What was done: `server_configuration.create` for example.
    pub action: String,
    /// To what: an id or an address.
    pub object: String,
    /// How it was, as far as it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// How it is now, as far as it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Why, in the actor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The request that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<String>,
    /// SHA-256 over the hash of the entry before and over this entry, in hexadecimal digits; empty in entries that are
    /// older than the chain.
    pub hash: String,
}

/// Asks for a link to a download of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AuditLogLinkRequest {
    /// Which entries, and how they are written.
    #[garde(dive)]
    #[serde(default)]
    pub parameters: AuditLogParameters,
}

/// The query parameters of the download itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AuditLogParameters {
    /// Part of the actor's name, the action, the object, the comment or the client's address, in any case.
    #[garde(length(chars, max = 254))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// By this kind of actor.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_kind: Option<ActorKind>,
    /// Not before this time.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// The direction of the order.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Whether the file begins with a byte order mark, by which Excel knows UTF-8.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bom: Option<bool>,
    /// `ja`: Japanese column names and labels.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}
