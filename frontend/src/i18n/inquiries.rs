//! The words of inquiries.

pub(super) mod en;
pub(super) mod ja;

use shared::inquiry::{InquiryCategory, InquiryState};

texts! {
    /// The words of inquiries.
    InquiryTexts
    words {
        inquiries inquiries_text provider_text new empty empty_text provider_empty_text unread
        subject category changed text send sent ask_downloads please_enable
        unknown unknown_text messages provider answer
        close closed closed_text downloads_enabled downloads_now downloads_disabled enable enable_text enabled inside_text
    }
    sentences {}
    names {
        category_name(InquiryCategory);
        state(InquiryState);
    }
    parts {}
}
