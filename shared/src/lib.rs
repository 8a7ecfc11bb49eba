//! Stoplist's model: the types on the wire and the rules that need no I/O.
//!
//! Service, agent and console all speak these types, so a field exists once. Builds for WASM.

pub mod account;
pub mod address;
pub mod address_history;
pub mod agent_sync;
pub mod audit;
pub mod checksum;
pub mod csv;
pub mod delivery_event;
pub mod delivery_report;
pub mod download;
pub mod inquiry;
pub mod list;
pub mod list_operation;
pub mod mail_server;
pub mod mistake;
pub mod page;
pub mod plan;
pub mod problem;
pub mod reason;
pub mod run;
pub mod run_settings;
pub mod second_factor;
pub mod session;
pub mod upload;
pub mod user;

pub use address::{Address, AddressKey, InvalidAddress};
pub use checksum::ListChecksum;
pub use page::Page;
pub use problem::{FieldProblem, Problem, ProblemKind, RefusalCode};
pub use reason::Reason;
