//! English.

use super::HistoryTexts;
use shared::address_history::Holding;

pub(in crate::i18n) const TEXTS: HistoryTexts = HistoryTexts {
    no_address: "No address is named",
    no_address_text: "Follow an address of the blocked list, the stop cancellation list or a log to its history.",
    nothing: "Nothing is known about this address",
    nothing_text: "It has no errors, has never been blocked, and is on neither list of this server configuration.",
    not_blocked: "Not blocked",
    counts: "Errors that count now",
    none: "none",
    on_servers: "On the mail servers",
    no_servers: "This server configuration has no mail server yet.",
    since: "since",
    what_happened: "What happened",
    error: "Sending error",
    uncounted: "does not count",
    blocked: "Blocked",
    exempted: "Put on the stop cancellation list",
    exemption_ended: "Taken off the stop cancellation list",
    reported_by: "Reported by",
    by: "By",
    by_run: "By a run",
    by_operation: "As part of",
    takes_effect: "Takes effect with the next distribution.",
    nowhere: "no mail server has acknowledged it yet",
    not_distributed: "it reaches the mail servers with the next distribution",
    opens: |address| format!("History of {address}"),
    why: |when, reason, held| format!("Blocked since {when} because of “{reason}”; {held}."),
    why_pending: |when, reason, held| format!("Will be blocked because of “{reason}”, registered {when}; {held}."),
    why_releasing: |cause, held| format!("Being released ({cause}); until the release is acknowledged, {held}."),
    why_exempt: |when, reason| format!("Not blocked: released {when}, and errors like “{reason}” no longer block it."),
    why_not: |counts| format!("Not blocked. Errors that count now: {counts}."),
    held_by: |names, held, all, since| {
        let servers = match (held, all) {
            (1, 1) => format!("the mail server {names}"),
            (_, _) if held == all => format!("all mail servers ({names})"),
            _ => format!("{held} of {all} mail servers ({names})"),
        };
        format!("in effect on {servers} since {since}")
    },
    in_version: |version, when| format!("In effect with version {version}, published {when}."),
    holding: |holding| match holding {
        Holding::Held => "Blocks it",
        Holding::NotHeld => "Lets it through",
        Holding::Unknown => "Unknown",
    },
};
