//! Links by which a browser downloads lists and logs: it follows one without an `Authorization` header, and saves the
//! file itself.

use crate::{
    Reason,
    csv::Language,
    delivery_event::Outcome,
    list::{BlockState, ListSort, Origin},
    page::Direction,
};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

/// What is downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DownloadList {
    /// The blocked list.
    BlockedAddresses,
    /// The stop cancellation list.
    Exemptions,
    /// The delivery log, or with `outcome` `error` the error log.
    DeliveryEvents,
}

/// Asks for a link to one download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DownloadLinkRequest {
    /// What is downloaded.
    #[garde(skip)]
    pub list: DownloadList,
    /// Which of its rows, and how they are written.
    #[garde(dive)]
    #[serde(default)]
    pub parameters: DownloadParameters,
}

/// The query parameters of the download itself. One that the list's download does not have is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DownloadParameters {
    /// Part of the address, in any case; `%` and `_` are plain characters.
    #[garde(length(chars, max = 254))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// The whole domain.
    #[garde(length(chars, max = 254))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Why it is blocked, had been, or failed.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Blocked list: where the block came from.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Blocked list: how far the block has come.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<BlockState>,
    /// Logs: `error` is the error log.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Not before this time.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Lists: the column that decides the order.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<ListSort>,
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

/// A link to one download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadLink {
    /// Where the file is, relative to the service's own address. Whoever has it can download, so it is a secret. What it
    /// is about cannot be read from it.
    pub url: String,
    /// Until when the download must have begun.
    pub expires_at: DateTime<Utc>,
}
