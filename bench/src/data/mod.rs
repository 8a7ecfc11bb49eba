//! The data of all works, made from one seed: the same rows in every run and on both databases.

pub mod addresses;
pub mod events;
pub mod file;
pub mod queries;
mod words;

/// What everything is made from. Another seed is another world with the same shares.
pub const SEED: u64 = 20_261_124;
