//! Accounts, as the provider sees them.

pub use crate::plan::Plan;
use crate::session::{MAX_PASSWORD, MIN_PASSWORD};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// The account.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it may use.
    pub plan: Plan,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether the lists and logs may be downloaded: all four together.
    pub downloads_enabled: bool,
    /// Delivery events are kept for this many days after they happened.
    pub event_retention_days: u16,
    /// The largest file that may be uploaded, in bytes.
    pub upload_max_bytes: u64,
    /// Since when it is suspended: its people can only read and write inquiries, its tokens open nothing, its runs wait,
    /// and its mail servers keep the list that they have. Absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<DateTime<Utc>>,
    /// Counts the changes; the ETag is made of it.
    pub revision: i64,
}

impl Account {
    /// A new account with the features that every account has at first.
    pub const fn new(id: Uuid, name: String, plan: Plan, created_at: DateTime<Utc>) -> Self {
        Self {
            id,
            name,
            plan,
            created_at,
            downloads_enabled: false,
            event_retention_days: DEFAULT_EVENT_RETENTION_DAYS,
            upload_max_bytes: DEFAULT_UPLOAD_MAX_BYTES,
            suspended_at: None,
            revision: 1,
        }
    }
}

/// How long delivery events are kept where the provider did not say otherwise, in days.
pub const DEFAULT_EVENT_RETENTION_DAYS: u16 = 90;
/// The longest retention, in days.
pub const MAX_EVENT_RETENTION_DAYS: u16 = 3_650;

/// The largest file where the provider did not say otherwise, in bytes: 1 GiB.
pub const DEFAULT_UPLOAD_MAX_BYTES: u64 = 1 << 30;
/// The largest limit of files, in bytes: 1 TiB.
pub const MAX_UPLOAD_MAX_BYTES: u64 = 1 << 40;

/// What a provider changes of an account; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountUpdate {
    /// What it may use. Under the Standard plan the run settings are the default ones and cannot be changed: with this
    /// change to it they become that, in every server configuration.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Whether it is suspended.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<bool>,
    /// Whether the lists and logs may be downloaded: all four together.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downloads_enabled: Option<bool>,
    /// How many days delivery events are kept after they happened, 1 to 3,650. Older ones are removed and no longer
    /// taken in; what they counted stays.
    #[garde(range(min = 1, max = MAX_EVENT_RETENTION_DAYS))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_retention_days: Option<u16>,
    /// The largest file that may be uploaded, in bytes, up to 1 TiB. Uploads that were begun go on.
    #[garde(range(min = 1, max = MAX_UPLOAD_MAX_BYTES))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_max_bytes: Option<u64>,
}

/// An account to make, with its first administrator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its name.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// What it may use.
    #[garde(skip)]
    pub plan: Plan,
    /// Who signs in first, as administrator.
    #[garde(length(chars, min = 3, max = 254))]
    pub administrator_email: String,
    /// That user's password, 15 to 256 characters.
    #[garde(length(chars, min = MIN_PASSWORD, max = MAX_PASSWORD))]
    pub administrator_password: String,
}

/// Closes an account for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CloseAccount {
    /// The account's name, so that nobody closes another one by mistake.
    #[garde(length(chars, max = 100))]
    pub name: String,
}
