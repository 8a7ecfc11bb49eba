//! The history of an address, and the overview of the delivery report.

use super::{ApiError, Client, endpoints::below, query::text};
use shared::{address_history::AddressHistory, delivery_report::DeliveryReport};
use uuid::Uuid;

impl Client {
    /// What happened to an address, with a page of its events.
    pub async fn address_history(self, id: Uuid, address: &str, cursor: &str) -> Result<AddressHistory, ApiError> {
        let query = text([("address", address), ("cursor", cursor)]);
        self.get(&below(id, &format!("/address-history{query}"))).await
    }

    /// Errors, blocks and releases of so many days.
    pub async fn delivery_report(self, id: Uuid, days: u16) -> Result<DeliveryReport, ApiError> {
        self.get(&below(id, &format!("/delivery-report?days={days}"))).await
    }
}
