//! Settings: the people of the account, and one's own account.

mod account;
mod invite;
mod second_factor;
mod sessions;
mod user;
mod users;

pub use account::MyAccount;
pub use users::Users;
