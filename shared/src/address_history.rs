//! What happened to one address: why it is blocked, and since when that is in effect (PRODUCT section 6).

use crate::{
    Page, Reason,
    list::{BlockedAddress, Exemption, Origin, RemovalCause},
    list_operation::ListOperationKind,
    run::ReasonCount,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The whole evidence about one address of a server configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddressHistory {
    /// The address: in the spelling of its block, exemption or first counted error, else as asked.
    pub address: String,
    /// Its block: pending, in effect, or being released; absent when it is not on the blocked list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<BlockedAddress>,
    /// Its entry on the stop cancellation list; absent when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// Its errors since the count was last reset, in the order of the conditions; reasons without any are left out.
    pub counts: Vec<ReasonCount>,
    /// Which mail server holds the block, by name.
    pub mail_servers: Vec<AddressOnMailServer>,
    /// What happened, newest first.
    pub events: Page<AddressEvent>,
}

/// Whether a mail server refuses mail to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// The list that it acknowledged last has the address.
    Held,
    /// The list that it acknowledged last does not have it.
    NotHeld,
    /// It has never acknowledged a list, or holds something else than it should.
    Unknown,
}

/// An address on one mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddressOnMailServer {
    /// The mail server.
    pub mail_server_id: Uuid,
    /// Its name.
    pub mail_server_name: String,
    /// Whether distributions wait for it.
    pub active: bool,
    /// Whether it refuses mail to the address.
    pub holding: Holding,
    /// Since when it is known to: when it acknowledged the first version with the block, or the first without it after
    /// a release. Absent when that never changed, or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// The list version that it acknowledged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// What kind of thing happened to an address; what happens at one moment happens in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AddressEventKind {
    /// A delivery to it failed for good.
    Error,
    /// It was taken off the stop cancellation list.
    ExemptionEnded,
    /// It was put on the blocked list.
    Blocked,
    /// Its block ended: `cause` says why.
    Removed,
    /// It was put on the stop cancellation list.
    Exempted,
}

impl AddressEventKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Error, Self::ExemptionEnded, Self::Blocked, Self::Removed, Self::Exempted];
}

/// Something that happened to an address. What belongs to other kinds of events is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddressEvent {
    /// When; of an error, by the mail server's clock.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: AddressEventKind,
    /// Why the delivery failed; the reason of the block, or of the exempted block.
    pub reason: Reason,
    /// Of an error: what the mail server was told, and whether it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<AddressError>,
    /// Of a block: where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Of a removal: why the block ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<RemovalCause>,
    /// Of a block or removal: the list version with which it took effect; absent while it waits for a distribution, and
    /// when the block ended before any version had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// When that version was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// Who did it: the address of a person, the name of a token. Absent for runs, and where it was not recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in the words of who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The run that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// The list operation that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_operation: Option<ListOperationOfEvent>,
}

/// A delivery to an address that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddressError {
    /// The delivery event.
    pub id: i64,
    /// Whether it is among the errors that count now: its reason counts, and the count was not reset since.
    pub counted: bool,
    /// The SMTP reply code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp_code: Option<u16>,
    /// The enhanced status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The text of the SMTP reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The mail server that reported it; absent when a script did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_server_name: Option<String>,
}

/// A list operation, as far as an event names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListOperationOfEvent {
    /// The operation.
    pub id: Uuid,
    /// What it does.
    pub kind: ListOperationKind,
}
