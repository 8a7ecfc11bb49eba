//! From the mail log and from bounce messages to the service.

pub mod follower;
pub mod incoming;
pub mod log_file;
pub mod progress;
pub mod sender;
pub mod spool;
