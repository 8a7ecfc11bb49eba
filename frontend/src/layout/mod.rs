//! What stands around the pages.

mod configuration;
mod part;
mod run_controls;
mod settings;
mod shell;
mod sidebar;
mod topbar;

pub use configuration::ConfigurationFrame;
pub use part::{Loaded, part};
pub use settings::SettingsFrame;
pub use shell::Shell;
pub use sidebar::NewConfiguration;
pub use topbar::Choices;
