//! The overview of the delivery report (PRODUCT section 6): days, in the time zone of the server configuration.

use crate::run::ReasonCount;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// How many days a report may have.
pub const REPORT_DAYS: [u16; 3] = [7, 30, 90];
/// How many days a report has when the caller names no number.
pub const DEFAULT_REPORT_DAYS: u16 = 30;
/// The most domains in a report.
pub const TOP_DOMAINS: u8 = 10;

/// Errors, blocks and releases day by day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryReport {
    /// The IANA time zone of the days.
    pub time_zone: String,
    /// The days, oldest first; the last one is today and not over.
    pub days: Vec<DeliveryReportDay>,
    /// The domains with the most errors in these days, the worst first, at most 10. Sends that were refused because of
    /// the blocked list are no errors of a domain.
    pub domains: Vec<DomainErrors>,
}

/// One local day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryReportDay {
    /// The day.
    pub day: NaiveDate,
    /// When it began.
    pub begins_at: DateTime<Utc>,
    /// Messages that were delivered.
    pub delivered: i64,
    /// Errors by reason, in the table's order; reasons without any are left out.
    pub errors: Vec<ReasonCount>,
    /// Addresses that distributions put on the blocked list.
    pub blocked: i64,
    /// Addresses that were released.
    pub released: i64,
    /// Addresses whose block ended otherwise: the watch period, a disabled condition, an undone registration.
    pub cancelled: i64,
    /// Addresses on the published blocked list when the day ended; today: now.
    pub list_count: i64,
}

/// Errors of a recipient domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DomainErrors {
    /// The domain, as it is in addresses' keys.
    pub domain: String,
    /// How many errors.
    pub errors: i64,
}
