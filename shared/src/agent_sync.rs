//! The protocol between the service and an agent (DESIGN section 4).
//!
//! `GET /api/v1/agent/list` answers with a body of lines: a [`ListHeader`] as JSON on the first, then one address key a
//! line. In a snapshot a line is a key. In changes a line is `-key` or `+key`, all removals before all additions: a key
//! may have both and is then on the list. The list after it must have the header's count and checksum; anything else
//! (a torn body included) is healed by a snapshot.

use crate::ListChecksum;
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The media type of the list.
pub const LIST_MEDIA_TYPE: &str = "application/vnd.stoplist.list";
/// The longest an agent may ask the service to wait for a change, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 60;

/// What the lines after the header are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ListBody {
    /// The whole list.
    Snapshot,
    /// What changed since the version that the agent named.
    Changes,
}

/// The first line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListHeader {
    /// What the lines are.
    pub body: ListBody,
    /// Which history of the list the version counts in.
    pub epoch: Uuid,
    /// The version that the list has after these lines.
    pub version: i64,
    /// How many addresses it then holds.
    pub count: i64,
    /// Its checksum then.
    pub checksum: ListChecksum,
}

/// What the service knows of the agent's mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentIdentity {
    /// The mail server that the token is of.
    pub mail_server_id: Uuid,
    /// Its name.
    pub mail_server_name: String,
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// Which history of the list the version counts in.
    pub epoch: Uuid,
    /// The published version.
    pub version: i64,
}

/// What an agent holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The history that its version counts in.
    #[garde(skip)]
    pub epoch: Uuid,
    /// The version.
    #[garde(range(min = 0))]
    pub version: i64,
    /// How many addresses it holds.
    #[garde(range(min = 0))]
    pub count: i64,
    /// Their checksum, computed by the agent itself.
    #[garde(skip)]
    pub checksum: ListChecksum,
}

/// Whether the service agrees with an [`Acknowledgement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcknowledgementResult {
    /// False: the agent holds something else than its version says and must fetch a snapshot.
    pub matches: bool,
}
