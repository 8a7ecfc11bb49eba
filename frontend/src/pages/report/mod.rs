//! The Delivery report tab.

mod charts;
mod log;
mod overview;

pub use log::{DeliveryLog, ErrorLog};
pub use overview::ReportOverview;
