//! The words of plans that change, and of accounts that are suspended.

pub(super) mod en;
pub(super) mod ja;

texts! {
    /// The words of plans that change, and of accounts that are suspended.
    SuspensionTexts
    words {
        suspended title text next ask inside_suspended
        suspend suspend_hint to_standard to_standard_text to_professional
    }
    sentences {}
    names {}
    parts {}
}
