//! The blocked list and the stop cancellation list.

use crate::Reason;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How far a change of the list has come (PRODUCT section 4, Search).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockState {
    /// Blocked, and part of the published list.
    InEffect,
    /// Blocked by the next distribution.
    Pending,
    /// Off the list, but a mail server has not acknowledged that yet, or the distribution that tells it is to come.
    Releasing,
}

/// Where a block came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A run found that its errors pass a blocking condition.
    Condition,
    /// An uploaded file.
    Upload,
    /// A call of the API.
    Api,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::Condition, Self::Upload, Self::Api];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Upload => "upload",
            Self::Api => "api",
        }
    }
}

/// Why a block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RemovalCause {
    /// A person or a script released it.
    Release,
    /// Its watch period ended.
    WatchPeriod,
    /// Its condition was disabled with "cancel blocking".
    ConditionDisabled,
    /// The registration that made it was undone.
    Undone,
}

impl RemovalCause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::Release, Self::WatchPeriod, Self::ConditionDisabled, Self::Undone];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::WatchPeriod => "watch_period",
            Self::ConditionDisabled => "condition_disabled",
            Self::Undone => "undone",
        }
    }
}

/// A row of the blocked list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockedAddress {
    /// The block. An address that is blocked again later gets another one.
    pub id: Uuid,
    /// The address, in the first spelling that was seen.
    pub address: String,
    /// Why it is blocked.
    pub reason: Reason,
    /// Where the block came from.
    pub origin: Origin,
    /// How far it has come.
    pub state: BlockState,
    /// When it was blocked: the manual's stop date.
    pub blocked_at: DateTime<Utc>,
    /// The first list version that holds it; absent while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// When and why the block ended; present while releasing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
}

/// The end of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Removal {
    /// Why.
    pub cause: RemovalCause,
    /// When.
    pub removed_at: DateTime<Utc>,
}

/// A row of the stop cancellation list: an address that is never blocked automatically.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Exemption {
    /// The entry.
    pub id: Uuid,
    /// The address, in the first spelling that was seen.
    pub address: String,
    /// The reason for which it had been blocked.
    pub reason: Reason,
    /// When it was released: the manual's cancellation date and time.
    pub released_at: DateTime<Utc>,
    /// Why, in the words of who released it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The most addresses in one release.
pub const MAX_RELEASES: usize = 1_000;

/// Takes addresses off the blocked list, on every mail server at once, and exempts them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The addresses, in any spelling; at most 1,000.
    #[garde(length(min = 1, max = MAX_RELEASES))]
    pub addresses: Vec<String>,
    /// Why, for the audit log.
    #[garde(length(chars, max = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What became of one address of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReleaseStatus {
    /// It was blocked and is released.
    Released,
    /// It was not on the list; nothing changed.
    NotBlocked,
    /// It is no mail address.
    NotValid,
}

/// One address of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseItem {
    /// The address as asked.
    pub address: String,
    /// What became of it.
    pub status: ReleaseStatus,
}

/// What became of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseResult {
    /// Each address, in the order asked.
    pub items: Vec<ReleaseItem>,
    /// The distribution that tells the mail servers; absent when no address of the published list was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution_id: Option<Uuid>,
}

/// The most addresses in one addition.
pub const MAX_ADDITIONS: usize = 1_000;

/// Puts a few addresses on the blocked list. They reach the mail servers by the next distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AdditionRequest {
    /// The addresses, in any spelling; at most 1,000.
    #[garde(length(min = 1, max = MAX_ADDITIONS))]
    pub addresses: Vec<String>,
    /// Block addresses of the stop cancellation list too, and end their exemption.
    #[garde(skip)]
    #[serde(default)]
    pub block_exempt: bool,
    /// Why, for the audit log.
    #[garde(length(chars, max = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What became of one address of an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdditionStatus {
    /// It is blocked now, pending until the next distribution.
    Added,
    /// It was on the list, or stands earlier in the same request; nothing changed.
    AlreadyBlocked,
    /// It is on the stop cancellation list; nothing changed.
    Exempt,
    /// It is no mail address.
    NotValid,
}

/// One address of an addition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdditionItem {
    /// The address as asked.
    pub address: String,
    /// What became of it.
    pub status: AdditionStatus,
}

/// What became of an addition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdditionResult {
    /// Each address, in the order asked.
    pub items: Vec<AdditionItem>,
}

/// A column by which the two lists are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ListSort {
    /// The stop date, or the cancellation date.
    #[default]
    Date,
    /// The address, by its key.
    Address,
}
