//! English.

use super::ClosingTexts;

pub(in crate::i18n) const TEXTS: ClosingTexts = ClosingTexts {
    unknown: "Account not found",
    unknown_text: "It does not exist, or it has been closed.",
    export: "Export everything (ZIP)",
    open_to_export: "Open the account to export",
    export_title: "Export",
    export_text: "Its settings, users, tokens (without their secrets), inquiries and audit log; and of each server configuration the settings, both lists with what ended of them, the logs, runs and distributions. They are seen only inside the account, and its audit log tells who opened and exported it.",
    close: "Close the account…",
    close_title: "Close the account",
    close_text: "Ends the account for ever and removes what belongs to it. Only a suspended account can be closed.",
    suspend_first: "Suspend the account first",
    suspend_first_text: "Then nothing changes any more, and an export holds everything. A suspension can be ended again; closing cannot be undone.",
    suspend: "Suspend the account",
    for_ever: "This cannot be undone",
    sign_in: "Nobody can sign in to it any more, and its tokens stop working. Its name is free for another account.",
    agents: "Its mail servers go on refusing the addresses that they hold, but from now on the service refuses their agents. Take the agents out of Postfix to end that.",
    removal: "Its users, lists, logs, uploads and inquiries are removed step by step; this begins within ten minutes.",
    audit_log: "Its audit log stays as evidence, in the service's database only.",
    export_first: "Export first what will still be needed.",
    confirm: "Close for ever",
    question: |name| format!("Close {name} for ever?"),
    type_name: |name| format!("Type the name to confirm: {name}"),
    closed: |name| format!("{name} is closed. What belongs to it is being removed."),
};
