//! The process beside a mail server (DESIGN section 4): holds the blocked list in memory and on disk, answers Postfix,
//! and reports what the mail log says. It keeps enforcing its last list when the service is away.

pub mod bounce;
pub mod clock;
pub mod config;
pub mod events;
pub mod files;
pub mod list;
pub mod postfix;
pub mod run;
pub mod service;
pub mod status;
pub mod sync;
