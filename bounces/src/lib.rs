//! From an SMTP reply, a Postfix mail log or a bounce message to a delivery event.
//!
//! [`classify`] says why a reply failed, [`postfix::LogParser`] follows a mail log, [`dsn::parse`] reads a bounce
//! message. Log and bounce message of one failure give events with the same id, so that it counts once. Nothing here
//! reads a clock or a file.

mod classify;
pub mod dsn;
mod event;
mod plain_text;
pub mod postfix;
mod rules;
mod verp;

pub use classify::{Phase, Reply, classify};
pub use verp::BounceAddress;

/// Marks a refusal because of the blocked list, in the replies of the agent.
///
/// Believed only where our own server wrote it: remote servers can write it too.
pub const MARK: &str = "Blocked by Stoplist";
