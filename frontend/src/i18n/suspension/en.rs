//! English.

use super::SuspensionTexts;

pub(in crate::i18n) const TEXTS: SuspensionTexts = SuspensionTexts {
    suspended: "Suspended",
    title: "This account is suspended",
    text: "Its lists, logs and settings cannot be seen or changed, and no run starts. Nothing is deleted, and its mail servers go on enforcing the list that they hold.",
    next: "Your provider has done this, and can tell you why. Inquiries go on working.",
    ask: "Ask your provider",
    inside_suspended: "This account is suspended: its own users see nothing but inquiries.",
    suspend: "Suspend this account",
    suspend_hint: "Its users can read and write inquiries and nothing else. Its tokens are refused, its runs wait, and its mail servers keep the list that they have. Nothing is deleted, and you can end it here at any time.",
    to_standard: "This resets the run settings",
    to_standard_text: "On the Standard plan, all server configurations of this account run with the default settings: their execute timing, watch period and blocking conditions are replaced, and do not come back with the Professional plan.",
    to_professional: "The run settings stay as they are, and its administrators can change them.",
    upload_limit: "Largest file to upload (MB)",
    upload_limit_hint: |default| format!("Empty: the service's default, {default}. Uploads that were begun go on."),
};
