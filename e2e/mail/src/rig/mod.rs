//! The mail world around Stoplist: DNS, a scripted receiving server, Postfix, an SMTP client, processes.

pub mod database;
pub mod dns;
pub mod postfix;
pub mod process;
pub mod sasl;
pub mod sink;
pub mod site;
pub mod smtp;
pub mod wait;

pub use database::Database;
pub use postfix::{Postfix, PostfixPlan, RETRY_TIME};
pub use process::Process;
pub use sasl::Sasl;
pub use sink::Answer;
pub use site::Site;
pub use smtp::{Reply, Session};
pub use wait::{eventually, holds_within};
