//! The history of an address, and the overview of the delivery report.

mod address_history;
mod delivery_report;
