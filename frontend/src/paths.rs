//! The addresses of the console's pages: the only place that spells them.

use shared::{
    inquiry::{InquiryCategory, InquirySide},
    plan::Capability,
};
use uuid::Uuid;

/// The parameter that names an open dialog.
pub const DIALOG: &str = "dialog";
/// The dialog that makes a server configuration.
pub const NEW_CONFIGURATION: &str = "new-configuration";

/// The sign-in page.
pub const SIGN_IN: &str = "/sign-in";
/// Who has lost the password.
pub const FORGOT_PASSWORD: &str = "/forgot-password";
/// The first start.
pub const SET_UP: &str = "/set-up";
/// Who follows the link of an invitation.
pub const INVITATION: &str = "/invitation";
/// Who follows the link to a new password.
pub const PASSWORD_RESET: &str = "/password-reset";
/// Leads to the first server configuration.
pub const HOME: &str = "/";
/// The provider's accounts.
pub const PROVIDER: &str = "/provider";

/// What the addresses of all settings begin with.
pub const SETTINGS: &str = "/settings/";
/// One's own account.
pub const MY_ACCOUNT: &str = "/settings/account";
/// The users.
pub const USERS: &str = "/settings/users";
/// The tokens of scripts.
pub const TOKENS: &str = "/settings/tokens";
/// Who changed what.
pub const AUDIT_LOG: &str = "/settings/audit-log";

/// An account, as the provider sees it.
pub fn account(id: Uuid) -> String {
    format!("{PROVIDER}/accounts/{id}")
}

/// Whether an address shows the provider's accounts, or one of them.
pub fn is_accounts(path: &str) -> bool {
    path.strip_prefix(PROVIDER).is_some_and(|rest| rest.is_empty() || rest.starts_with("/accounts/"))
}

/// Whether an address is a page that needs no account to be open: the provider's own, and the settings.
pub fn is_outside(path: &str) -> bool {
    path == PROVIDER || path.starts_with("/provider/") || path.starts_with(SETTINGS)
}

/// Whether an address is a page that is there for the users of a suspended account, too.
pub fn is_open_to_suspended(path: &str) -> bool {
    path == MY_ACCOUNT || inquiries_at(path) == Some(InquirySide::Account)
}

/// The inquiries, as one of the two sides sees them.
pub const fn inquiries(side: InquirySide) -> &'static str {
    match side {
        InquirySide::Account => "/inquiries",
        InquirySide::Provider => "/provider/inquiries",
    }
}

/// One inquiry.
pub fn inquiry(side: InquirySide, id: Uuid) -> String {
    format!("{}/{id}", inquiries(side))
}

/// Making an inquiry, about something if that is known.
pub fn new_inquiry(about: Option<InquiryCategory>) -> String {
    let query = about.map(|about| format!("?category={}", about.as_str())).unwrap_or_default();
    format!("{}/new{query}", inquiries(InquirySide::Account))
}

/// Whose eyes an address shows inquiries with; `None`: it is about something else.
pub fn inquiries_at(path: &str) -> Option<InquirySide> {
    InquirySide::ALL.into_iter().find(|side| path.starts_with(inquiries(*side)))
}

/// The sign-in page, coming back to `target` afterwards.
pub fn sign_in_then(target: &str) -> String {
    let target = String::from(js_sys::encode_uri_component(target));
    format!("{SIGN_IN}?then={target}")
}

/// Whether `target` stays in the console: another site must not be reachable through `?then=`.
pub fn is_local(target: &str) -> bool {
    target.starts_with('/') && !target.starts_with("//") && !target.contains('\\')
}

/// The server configuration that an address is about.
pub fn configuration_at(path: &str) -> Option<Uuid> {
    path.strip_prefix("/configurations/")?.split('/').next()?.parse().ok()
}

/// The page of an upload.
pub fn upload(configuration: Uuid, upload: Uuid) -> String {
    format!("{}/{upload}", Section::Uploads.of(configuration))
}

/// Registrations, bulk releases and their undo.
pub fn bulk_changes(configuration: Uuid) -> String {
    format!("{}/history", Section::Uploads.of(configuration))
}

/// Whether an address shows them.
pub fn is_bulk_changes(path: &str) -> bool {
    configuration_at(path).is_some_and(|id| path == bulk_changes(id))
}

/// The history of an address.
pub fn address(configuration: Uuid, address: &str) -> String {
    let address = String::from(js_sys::encode_uri_component(address));
    format!("{}?address={address}", Section::Address.of(configuration))
}

/// The errors of a domain.
pub fn errors_of(configuration: Uuid, domain: &str) -> String {
    let domain = String::from(js_sys::encode_uri_component(domain));
    format!("{}?domain={domain}", Section::ErrorLog.of(configuration))
}

/// The parameter that names one of the distributions.
pub const DISTRIBUTION: &str = "distribution";

/// The distributions, at one of them.
pub fn distribution(configuration: Uuid, distribution: Uuid) -> String {
    format!("{}?{DISTRIBUTION}={distribution}", Section::Distributions.of(configuration))
}

/// A page of a server configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Blocked, Blocked list.
    BlockedList,
    /// Blocked, Stop cancellation.
    StopCancellation,
    /// Blocked, Uploads.
    Uploads,
    /// Blocked, Distributions.
    Distributions,
    /// Blocked, Mail servers.
    MailServers,
    /// The history of an address.
    Address,
    /// Delivery report, Overview.
    Overview,
    /// Delivery report, Error log.
    ErrorLog,
    /// Delivery report, Delivery log.
    DeliveryLog,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 9] = [
        Self::BlockedList,
        Self::StopCancellation,
        Self::Uploads,
        Self::Distributions,
        Self::MailServers,
        Self::Address,
        Self::Overview,
        Self::ErrorLog,
        Self::DeliveryLog,
    ];

    const fn tail(self) -> &'static str {
        match self {
            Self::BlockedList => "blocked/list",
            Self::StopCancellation => "blocked/stop-cancellation",
            Self::Uploads => "blocked/uploads",
            Self::Distributions => "blocked/distributions",
            Self::MailServers => "blocked/mail-servers",
            Self::Address => "blocked/address",
            Self::Overview => "delivery-report/overview",
            Self::ErrorLog => "delivery-report/error-log",
            Self::DeliveryLog => "delivery-report/delivery-log",
        }
    }

    /// The section's address in a configuration.
    pub fn of(self, configuration: Uuid) -> String {
        format!("/configurations/{configuration}/{}", self.tail())
    }

    /// Whether it is part of the Delivery report.
    pub const fn is_report(self) -> bool {
        matches!(self, Self::Overview | Self::ErrorLog | Self::DeliveryLog)
    }

    /// What the account's plan has to include. Without the lists, the first section takes requests for a release.
    pub const fn needs(self) -> Capability {
        match self {
            Self::BlockedList => Capability::ReleaseAddress,
            Self::StopCancellation => Capability::SeeLists,
            Self::Uploads => Capability::Upload,
            Self::Distributions | Self::MailServers => Capability::Watch,
            Self::Address | Self::Overview | Self::ErrorLog | Self::DeliveryLog => Capability::SearchLogs,
        }
    }

    /// The section that an address shows.
    pub fn at(path: &str) -> Option<Self> {
        let inside = path.strip_prefix("/configurations/")?.split_once('/')?.1;
        let begins = |section: &Self| inside.strip_prefix(section.tail());
        Self::ALL
            .into_iter()
            .find(|section| begins(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_found_by_its_own_address() {
        for section in Section::ALL {
            let path = section.of(Uuid::nil());
            assert_eq!((Section::at(&path), configuration_at(&path)), (Some(section), Some(Uuid::nil())));
        }
        for path in [upload(Uuid::nil(), Uuid::nil()), bulk_changes(Uuid::nil())] {
            assert_eq!(Section::at(&path), Some(Section::Uploads), "{path}");
        }
    }

    #[test]
    fn a_provider_outside_of_all_accounts_sees_its_own_pages_only() {
        for own in [PROVIDER, &account(Uuid::nil()), USERS, &inquiry(InquirySide::Provider, Uuid::nil())] {
            assert!(is_outside(own), "{own}");
        }
        for other in [HOME, "/providers", &new_inquiry(None), &Section::ErrorLog.of(Uuid::nil())] {
            assert!(!is_outside(other), "{other}");
        }
    }

    #[test]
    fn the_accounts_are_the_list_and_each_of_them() {
        for shown in [PROVIDER, &account(Uuid::nil())] {
            assert!(is_accounts(shown), "{shown}");
        }
        for other in ["/providers", inquiries(InquirySide::Provider), MY_ACCOUNT] {
            assert!(!is_accounts(other), "{other}");
        }
    }

    #[test]
    fn a_suspended_account_has_its_inquiries_and_nothing_else() {
        for open in [MY_ACCOUNT, &new_inquiry(None), &inquiry(InquirySide::Account, Uuid::nil())] {
            assert!(is_open_to_suspended(open), "{open}");
        }
        for shut in [HOME, USERS, AUDIT_LOG, inquiries(InquirySide::Provider), &Section::ErrorLog.of(Uuid::nil())] {
            assert!(!is_open_to_suspended(shut), "{shut}");
        }
    }

    #[test]
    fn only_own_pages_are_returned_to() {
        assert!(is_local("/configurations/x?q=a"));
        for other in ["javascript:alert(1)", "//evil.example", "/\\evil.example", ""] {
            assert!(!is_local(other), "{other}");
        }
    }
}
