//! Stoplist proven with real mail: private Postfix servers, the real service and the real agents on one machine.
//!
//! Needs root (Postfix starts as root and the small DNS listens on port 53 of a loopback address) and Debian's packages
//! `postfix` and `postfix-cdb`. Nothing of the machine's own mail system is changed: every server has its configuration,
//! queue and log in a temporary folder.

pub mod field;
pub mod rig;
