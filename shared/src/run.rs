//! Runs and distributions.

use crate::{ListChecksum, Reason, list_operation::ListOperation, upload::Upload};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunTrigger {
    /// The execute timing.
    Schedule,
    /// "Run now", or run settings saved with "immediate action" or the delivery timing "now".
    Immediate,
}

impl RunTrigger {
    /// Every trigger.
    pub const ALL: [Self; 2] = [Self::Schedule, Self::Immediate];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Immediate => "immediate",
        }
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for its turn.
    Queued,
    /// Is being performed, or waits to be tried again (`error` says why).
    Running,
    /// Done; its distribution goes on by itself.
    Done,
    /// Given up; the list is as it was and `error` says why.
    Failed,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Why an attempt at what the service does by itself failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// The database's disk is full.
    DiskFull,
    /// The database did not answer.
    DatabaseUnavailable,
    /// The service ended each time before it was done.
    Interrupted,
    /// The service failed; its log says how.
    Internal,
}

impl FailureCause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::DiskFull, Self::DatabaseUnavailable, Self::Interrupted, Self::Internal];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

/// One application of the blocking conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// The run.
    pub id: Uuid,
    /// What asked for it.
    pub trigger: RunTrigger,
    /// How far it has come.
    pub state: RunState,
    /// The local day that a scheduled run is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_for: Option<NaiveDate>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it was done or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// New blocks, by reason.
    pub blocked: Vec<ReasonCount>,
    /// Blocks that ended because their watch period did.
    pub cancelled: i64,
    /// The distribution that publishes what it found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution_id: Option<Uuid>,
    /// What went wrong at the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The kind of `error`, for programs; absent for what failed before there were kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_cause: Option<FailureCause>,
}

/// A number by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReasonCount {
    /// The reason.
    pub reason: Reason,
    /// How many.
    pub count: i64,
}

/// What a distribution publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DistributionKind {
    /// Everything that is pending, at the end of a run.
    Run,
    /// A release alone, single or bulk.
    Release,
    /// The undo of a registration or a bulk release alone.
    Undo,
}

impl DistributionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Run, Self::Release, Self::Undo];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Release => "release",
            Self::Undo => "undo",
        }
    }
}

/// How far a distribution has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DistributionState {
    /// Waits to be published.
    Queued,
    /// Published; a mail server has not acknowledged it yet.
    Published,
    /// Every active mail server acknowledged it.
    Complete,
}

/// The publication of one version of the blocked list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Distribution {
    /// The distribution.
    pub id: Uuid,
    /// What it publishes.
    pub kind: DistributionKind,
    /// How far it has come.
    pub state: DistributionState,
    /// The list's version; absent while queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// How many addresses it adds.
    pub added: i64,
    /// How many it removes.
    pub removed: i64,
    /// How many addresses the list has with it; absent while queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// The list's checksum with it; absent while queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<ListChecksum>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// When the last mail server acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// What went wrong at the last attempt to publish it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The kind of `error`, for programs; absent for what failed before there were kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_cause: Option<FailureCause>,
    /// Each mail server's part.
    pub receipts: Vec<Receipt>,
}

/// One mail server's acknowledgement of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// The mail server.
    pub mail_server_id: Uuid,
    /// Its name.
    pub mail_server_name: String,
    /// When it acknowledged this version or a later one; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// The version that it acknowledged: a server that was away skips some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// How many addresses it then held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// The checksum of what it then held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<ListChecksum>,
}

/// What a console or script hears while it follows a server configuration (server-sent events, event name = `type`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LiveEvent {
    /// A run began, went on or ended.
    Run(Run),
    /// A distribution was queued, published or acknowledged.
    Distribution(Distribution),
    /// A list operation was queued, went on or ended.
    ListOperation(ListOperation),
    /// An upload changed its state, or its analysis went on.
    Upload(Box<Upload>),
    /// An upload was deleted.
    UploadDeleted {
        /// The upload.
        id: Uuid,
    },
    /// The blocked list or the stop cancellation list changed: read it again.
    ListChanged,
    /// The run settings changed: read them again.
    RunSettingsChanged,
    /// A mail server's state changed: read them again.
    MailServersChanged,
    /// Delivery events were reported: read the logs again. Told at most every 2 seconds.
    DeliveryEventsReported,
    /// An inquiry was made, written to, read or closed: read them again.
    InquiriesChanged,
    /// Users, invitations, tokens, sessions, server configurations, plan or features of the account changed: read them again.
    AccountChanged,
}
