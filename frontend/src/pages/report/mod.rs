//! The Delivery report tab.

mod error_log;

pub use error_log::ErrorLog;
