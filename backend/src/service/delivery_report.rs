//! The overview of the delivery report.

use super::{Result, server_configurations::OpenConfiguration};
use crate::state::AppState;
use shared::delivery_report::DeliveryReport;

/// The report of the last `days` local days.
///
/// # Errors
/// The database refused.
pub async fn show(_state: &AppState, configuration: &OpenConfiguration, _days: u16) -> Result<DeliveryReport> {
    Ok(DeliveryReport {
        time_zone: configuration.stored.time_zone.clone(),
        events_kept_since: None,
        days: Vec::new(),
        domains: Vec::new(),
    })
}
