//! The words of an account's end.

pub(super) mod en;
pub(super) mod ja;

texts! {
    /// The words of an account's end, and of taking its data along.
    ClosingTexts
    words {
        unknown unknown_text
        export open_to_export export_title export_text
        close close_title close_text
        suspend_first suspend_first_text suspend
        for_ever sign_in agents removal audit_log export_first confirm
    }
    sentences {
        question(&str);
        type_name(&str);
        closed(&str);
    }
    names {}
    parts {}
}
