//! English.

use super::InquiryTexts;
use shared::inquiry::{InquiryCategory, InquiryState};

pub(in crate::i18n) const TEXTS: InquiryTexts = InquiryTexts {
    inquiries: "Inquiries",
    inquiries_text: "What you ask your provider, and what it answers.",
    provider_text: "What the users of all accounts ask.",
    new: "New inquiry",
    empty: "No inquiry yet",
    empty_text: "Ask your provider to enable downloads, for help with a release, or anything else.",
    provider_empty_text: "What the users of an account ask appears here.",
    unread: "Unread",
    subject: "Subject",
    category: "About",
    changed: "Last changed",
    text: "Message",
    send: "Send",
    sent: "Sent.",
    ask_downloads: "Ask for downloads",
    please_enable: "Please enable downloads for our account.",
    unknown: "This inquiry does not exist",
    unknown_text: "Or it belongs to another account.",
    messages: "Messages",
    provider: "Provider",
    answer: "Answer",
    close: "Close inquiry",
    closed: "Inquiry closed.",
    closed_text: "This inquiry is closed. A further message opens it again.",
    downloads_enabled: "Downloads enabled",
    downloads_now: "Downloads are now enabled for this account.",
    downloads_disabled: "Downloads are disabled for this account",
    enable: "Enable downloads",
    enable_text: "This also answers the inquiry: with what you have written below, or else with a sentence that says so.",
    enabled: "Downloads are enabled, and the inquiry is answered.",
    inside_text: "You are in this account as its provider. Leave it to answer its inquiries.",
    category_name: |category| match category {
        InquiryCategory::EnableDownload => "Enable downloads",
        InquiryCategory::Release => "Release",
        InquiryCategory::Other => "Other",
    },
    state: |state| match state {
        InquiryState::Open => "Open",
        InquiryState::Answered => "Answered",
        InquiryState::Closed => "Closed",
    },
};
