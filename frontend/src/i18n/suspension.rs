//! The words of what a provider allows an account: plans that change, uploads, suspension.

pub(super) mod en;
pub(super) mod ja;

texts! {
    /// The words of what a provider allows an account: plans that change, uploads, suspension.
    SuspensionTexts
    words {
        suspended title text next ask inside_suspended
        suspend suspend_hint to_standard to_standard_text to_professional
        upload_limit
    }
    sentences { upload_limit_hint(&str); }
    names {}
    parts {}
}
