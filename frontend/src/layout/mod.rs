//! What stands around the pages.

mod configuration;
mod configuration_form;
mod part;
mod run_controls;
mod settings;
mod shell;
mod sidebar;
mod sign_in_again;
mod skip_link;
mod title;
mod topbar;

pub use configuration::ConfigurationFrame;
pub use part::{Loaded, part};
pub use settings::SettingsFrame;
pub use shell::Shell;
pub use title::{OpenName, entitle};
pub use topbar::Choices;
