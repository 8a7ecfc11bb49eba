//! What became of a message for one recipient.

use crate::Reason;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most events in one batch.
pub const MAX_BATCH: usize = 10_000;
/// The largest body of a batch, in bytes.
pub const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;
/// The longest event id, in characters.
pub const MAX_ID: usize = 128;
/// SMTP replies are stored up to this many characters.
pub const MAX_REPLY: usize = 1_000;
/// Events may be dated this many hours ahead of Stoplist's clock.
pub const MAX_AHEAD_HOURS: i64 = 24;

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The recipient's server took the message.
    Delivered,
    /// It failed for good.
    Error,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 2] = [Self::Delivered, Self::Error];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Error => "error",
        }
    }
}

/// A delivery event as a mail server or a script reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewDeliveryEvent {
    /// Chosen by the sender of the event; the same id in one server configuration counts once.
    #[garde(length(chars, min = 1, max = MAX_ID))]
    pub id: String,
    /// The recipient, as the message had it.
    #[garde(length(chars, min = 1, max = 1_000))]
    pub address: String,
    /// How the delivery ended.
    #[garde(skip)]
    pub outcome: Outcome,
    /// Why it failed; left out, Stoplist classifies the SMTP reply.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The SMTP reply code, 550 for example.
    #[garde(range(min = 200, max = 599))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp_code: Option<u16>,
    /// The enhanced status code (RFC 3463), `5.1.1` for example.
    #[garde(length(chars, max = 16))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The text of the SMTP reply; more than 1,000 characters are cut off.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// When it ended, by the mail server's clock.
    #[garde(skip)]
    pub occurred_at: DateTime<Utc>,
}

/// What became of one item of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// Stored and, where its reason counts, counted.
    Accepted,
    /// Its id was here before; nothing changed.
    Duplicate,
    /// Not stored; `detail` says why.
    Rejected,
}

/// One item of a batch, by its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemResult {
    /// The place in the batch, from 0.
    pub index: u32,
    /// The item's id, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What became of it.
    pub status: ItemStatus,
    /// Why it was rejected, naming the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchResult {
    /// How many were stored.
    pub accepted: u32,
    /// How many had been there before.
    pub duplicates: u32,
    /// How many were wrong.
    pub rejected: u32,
    /// Each item, in the batch's order.
    pub items: Vec<ItemResult>,
}

/// A stored delivery event: a row of the error log and of the delivery log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryEvent {
    /// The row.
    pub id: i64,
    /// The id that its sender chose.
    pub event_id: String,
    /// The recipient, as the message had it.
    pub address: String,
    /// How the delivery ended.
    pub outcome: Outcome,
    /// Why it failed; absent when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The SMTP reply code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp_code: Option<u16>,
    /// The enhanced status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The text of the SMTP reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// When it ended, by the mail server's clock.
    pub occurred_at: DateTime<Utc>,
    /// When Stoplist stored it.
    pub received_at: DateTime<Utc>,
    /// The mail server that reported it; absent when a script did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_server_id: Option<Uuid>,
}
