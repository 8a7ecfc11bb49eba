//! The pages: one folder a tab.

mod address_link;
mod blocked;
mod by_link;
mod confirm;
mod download;
mod filter;
mod forgot_password;
mod form;
mod history;
mod home;
mod inquiries;
mod listing;
mod opened_by;
mod provider;
mod report;
mod set_up;
mod settings;
mod sign_in;
mod single;
mod suspended;
mod trouble;
mod whole;

pub use address_link::AddressLink;
pub use blocked::{
    BlockedList, BulkChanges, Distributions, MailServers, ReleaseDialog, RunSettingsDialog, StopCancellation,
    UploadPage, Uploads, reason_options,
};
pub use by_link::{AcceptInvitation, ResetPassword};
pub use confirm::{Confirm, Refusal};
pub use download::{Download, save_link};
pub use filter::{Day, Domain, MoreFilters, STATES, SearchWords};
pub use forgot_password::ForgotPassword;
pub use form::{FormError, FormFoot, field_error, show_error};
pub use history::AddressPage;
pub use home::{Home, NotFound, ToBlockedList};
pub use inquiries::{InquiryList, InquiryPage, NewInquiryPage};
pub use opened_by::opened_by;
pub use provider::{AccountPage, Accounts};
pub use report::{DeliveryLog, ErrorLog, ReportOverview};
pub use set_up::SetUp;
pub use settings::{AuditLog, MyAccount, Tokens, Users};
pub use sign_in::{SignIn, SignInForm};
pub use suspended::Suspended;
pub use trouble::trouble;
pub use whole::unread;
