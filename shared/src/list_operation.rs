//! List operations: registrations, bulk releases and their undo. Each changes many rows of a list as one act.

use crate::{
    Reason,
    list::{BlockState, BlockedAddress, Origin},
    run::FailureCause,
    run_settings::DeliveryTiming,
};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a list operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ListOperationKind {
    /// Puts the addresses of an upload on the blocked list.
    RegisterUpload,
    /// Releases every block that a filter finds, or the addresses of an upload.
    Release,
    /// Undoes a registration or a bulk release as a whole.
    Undo,
}

impl ListOperationKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::RegisterUpload, Self::Release, Self::Undo];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegisterUpload => "register_upload",
            Self::Release => "release",
            Self::Undo => "undo",
        }
    }
}

/// How far a list operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ListOperationState {
    /// Waits for its turn: one of a server configuration is performed at a time.
    Queued,
    /// Is being performed, or waits to be tried again (`error` says why). The lists are as they were.
    Running,
    /// What was prepared is being taken back.
    Cancelling,
    /// Done as a whole.
    Done,
    /// Cancelled: the lists are as they were.
    Cancelled,
    /// Given up: the lists are as they were, and `error` says why.
    Failed,
}

impl ListOperationState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Cancelling, Self::Done, Self::Cancelled, Self::Failed];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more happens.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
}

/// Which blocks to release: the filters of the blocked list's search. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockFilter {
    /// Part of the address, in any case; `%` and `_` are plain characters.
    #[garde(length(chars, min = 1, max = 254))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Why it is blocked.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Where the block came from.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// How far it has come: in effect or pending.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<BlockState>,
    /// The whole domain.
    #[garde(length(chars, min = 1, max = 254))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Blocked not before this time.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Blocked before this time.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
}

/// Releases many blocks as one act, by `filter` or by the addresses of `upload_id`: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkReleaseRequest {
    /// Which blocks; at least one of its fields.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<BlockFilter>,
    /// The addresses of an analysed upload.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<Uuid>,
    /// Only count what would be released, and show some of it.
    #[garde(skip)]
    #[serde(default)]
    pub dry_run: bool,
    /// Why, for the audit log and the stop cancellation list.
    #[garde(length(chars, max = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Blocks shown of a dry run.
pub const PREVIEW_SAMPLE: u16 = 20;

/// What a bulk release would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkReleasePreview {
    /// How many blocks it would release, exactly.
    pub count: i64,
    /// The first of them, at most 20.
    pub sample: Vec<BlockedAddress>,
}

/// Puts the addresses of an analysed upload on the blocked list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegistrationRequest {
    /// Block addresses of the stop cancellation list too, and end their exemption.
    #[garde(skip)]
    #[serde(default)]
    pub block_exempt: bool,
    /// When the mail servers get it: `now` queues a whole run when the registration is done.
    #[garde(skip)]
    pub delivery_timing: DeliveryTiming,
    /// Why, for the audit log.
    #[garde(length(chars, max = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Why a list operation is cancelled or undone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ListOperationComment {
    /// Why, for the audit log.
    #[garde(length(chars, max = 500))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What a list operation was asked to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListOperationParameters {
    /// A registration blocks addresses of the stop cancellation list too.
    #[serde(default)]
    pub block_exempt: bool,
    /// When a registration reaches the mail servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_timing: Option<DeliveryTiming>,
    /// What a bulk release releases, unless it is the addresses of an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<BlockFilter>,
}

/// What a list operation has done, or prepared while it runs. Of an upload, `already_blocked`, `exempt`, `duplicates` and
/// `not_blocked` count rows of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListOperationCounts {
    /// Addresses put on the blocked list.
    pub added: i64,
    /// Addresses taken off the blocked list.
    pub removed: i64,
    /// Blocked before, so a registration left them alone.
    pub already_blocked: i64,
    /// On the stop cancellation list, so a registration skipped them.
    pub exempt: i64,
    /// In the file more than once.
    pub duplicates: i64,
    /// Not on the blocked list, so a release by upload left them alone.
    pub not_blocked: i64,
}

/// A registration, a bulk release, or the undo of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListOperation {
    /// The operation.
    pub id: Uuid,
    /// What it does.
    pub kind: ListOperationKind,
    /// How far it has come.
    pub state: ListOperationState,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it was done, cancelled or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// Who asked for it: the address of a person, the name of a token.
    pub requested_by: String,
    /// Why, in the words of who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What was asked.
    pub parameters: ListOperationParameters,
    /// The upload that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<Uuid>,
    /// The operation that it undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_of: Option<Uuid>,
    /// The operation that undoes it, or has undone it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<Uuid>,
    /// Rows to look at; absent until it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// Rows looked at.
    pub done: i64,
    /// What became of them.
    pub counts: ListOperationCounts,
    /// The distribution that told the mail servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution_id: Option<Uuid>,
    /// The run that a registration with the delivery timing `now` queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// What went wrong at the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The kind of `error`, for programs; absent for what failed before there were kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_cause: Option<FailureCause>,
}
