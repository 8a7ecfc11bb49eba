//! Settings: the people of the account, its tokens, and one's own account.

mod account;
mod invite;
mod new_token;
mod second_factor;
mod sessions;
mod tokens;
mod user;
mod users;

pub use account::MyAccount;
pub use tokens::Tokens;
pub use users::Users;
