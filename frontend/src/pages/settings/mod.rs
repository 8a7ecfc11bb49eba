//! Settings: the people of the account, its tokens, its audit log, and one's own account.

mod account;
mod audit_entry;
mod audit_log;
mod invite;
mod locale;
mod new_token;
mod second_factor;
mod sessions;
mod tokens;
mod user;
mod users;

pub use account::MyAccount;
pub use audit_log::AuditLog;
pub use tokens::Tokens;
pub use users::Users;
