//! The Blocked tab.

mod bulk_release;
mod connect;
mod distributions;
mod filters;
mod list;
mod mail_servers;
mod operations;
mod release;
mod rename;
mod request_release;
mod run_settings;
mod selection;
mod settings_form;
mod stop_cancellation;
mod timing;
mod uploads;
mod watch_preview;

pub use distributions::Distributions;
pub use filters::reason_options;
pub use list::BlockedList;
pub use mail_servers::MailServers;
pub use operations::BulkChanges;
pub use release::ReleaseDialog;
pub use run_settings::RunSettingsDialog;
pub use stop_cancellation::StopCancellation;
pub use uploads::{UploadPage, Uploads};
