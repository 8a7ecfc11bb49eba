//! The Delivery report tab.

mod log;

pub use log::{DeliveryLog, ErrorLog};
