//! The contract check itself can fail.

#[path = "support/contract.rs"]
mod contract;
