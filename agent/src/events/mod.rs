//! From the mail log to the service.

pub mod follower;
pub mod log_file;
pub mod sender;
pub mod spool;
