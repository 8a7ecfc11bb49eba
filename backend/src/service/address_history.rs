//! What happened to one address.

use super::{Error, Result, server_configurations::OpenConfiguration};
use crate::state::AppState;
use shared::{Address, Page, address_history::AddressHistory};

/// The history of an address.
///
/// # Errors
/// [`Error::Invalid`] names `address` when it is none; the database refused.
pub async fn show(
    _state: &AppState,
    _configuration: &OpenConfiguration,
    address: &str,
    _cursor: Option<&str>,
    _limit: u16,
) -> Result<AddressHistory> {
    let address = Address::parse(address).map_err(|error| Error::field("address", error.to_string()))?;
    Ok(AddressHistory {
        address: address.spelling().to_owned(),
        block: None,
        exemption: None,
        counts: Vec::new(),
        mail_servers: Vec::new(),
        events: Page { items: Vec::new(), next_cursor: None, total: None },
    })
}
