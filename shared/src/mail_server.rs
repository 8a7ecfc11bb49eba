//! Server configurations and mail servers.

use crate::ListChecksum;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A named set of mail servers with its own rules and lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerConfiguration {
    /// The configuration.
    pub id: Uuid,
    /// Its name, unique in the account.
    pub name: String,
    /// The IANA time zone of its execute timing.
    pub time_zone: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The last published version of its blocked list; 0 before the first.
    pub list_version: i64,
    /// How many addresses that version holds.
    pub list_count: i64,
    /// Counts the changes of name and time zone; the ETag is made of it.
    pub revision: i64,
}

/// A server configuration to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewServerConfiguration {
    /// Its name, unique in the account.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// The IANA time zone of its execute timing, `Asia/Tokyo` for example.
    #[garde(length(chars, min = 1, max = 100))]
    pub time_zone: String,
}

/// Whether a mail server holds the published list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailServerState {
    /// Its agent has never called.
    Waiting,
    /// It acknowledged the published version with the right checksum.
    InSync,
    /// It has not acknowledged the published version yet.
    Late,
    /// It holds something else than its version says; it is being repaired by a snapshot.
    Mismatch,
    /// Its agent has not called for more than two minutes; it goes on enforcing what it holds.
    Silent,
}

/// A machine that enforces the list and reports errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MailServer {
    /// The mail server.
    pub id: Uuid,
    /// Its name, unique in the configuration.
    pub name: String,
    /// Whether distributions wait for it.
    pub active: bool,
    /// Whether it holds the published list.
    pub state: MailServerState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its agent last called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<DateTime<Utc>>,
    /// The version that it acknowledged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// How many addresses it then held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// The checksum of what it then held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<ListChecksum>,
    /// When it acknowledged that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Counts the changes of name and activity; the ETag is made of it.
    pub revision: i64,
}

/// A mail server to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMailServer {
    /// Its name, unique in the configuration.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
}

/// A change of a mail server; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MailServerUpdate {
    /// Its name, unique in the configuration.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether distributions wait for it.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// A mail server with its agent's token, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MailServerCredential {
    /// The mail server.
    pub mail_server: MailServer,
    /// The token for the agent's configuration.
    pub token: String,
}
