//! English.

use super::TokenTexts;
use shared::session::Scope;

pub(in crate::i18n) const TEXTS: TokenTexts = TokenTexts {
    tokens: "Tokens",
    tokens_text: "For scripts that use the API. A token can do what it was made for, until it expires or is revoked.",
    empty: "No token yet",
    new: "New token",
    name: "Name",
    name_hint: "Where it is used: “CRM import”, for example.",
    scopes: "What it may do",
    expires: "Expires",
    never: "Never",
    once: "This token is shown only now. Copy it before you close this dialog.",
    next: "Send it with every request, in the header Authorization: Bearer …",
    limit: "Only for some server configurations",
    limit_hint: "Otherwise it reaches all of them, and what belongs to the account as a whole: inquiries and the audit log.",
    revoke: "Revoke",
    revoke_title: "Revoke token",
    revoke_text: "Whatever uses it is refused from now on. This cannot be undone.",
    revoke_agent_text: "The agent of this mail server is refused from now on: it goes on enforcing the list that it holds, but hears of no change and reports no error. This cannot be undone; a new token can be made for the mail server.",
    revoked: "Token revoked.",
    until: |when| format!("Works until {when}."),
    only: |names| format!("Only {names}"),
    revoke_question: |name| format!("Revoke {name}?"),
    lifetime: |days| match days {
        7 => "After 7 days",
        30 => "After 30 days",
        90 => "After 90 days",
        _ => "After a year",
    },
    scope: |scope| match scope {
        Scope::Read => "Read",
        Scope::Events => "Report events",
        Scope::Lists => "Change lists",
        Scope::Manage => "Manage",
        Scope::Agent => "Agent of a mail server",
    },
    scope_hint: |scope| match scope {
        Scope::Read => "See everything of the account: lists, logs, settings, inquiries.",
        Scope::Events => "Report delivered mail and sending errors.",
        Scope::Lists => "Block and release addresses, upload files, delete from the stop cancellation list.",
        Scope::Manage => {
            "Change run settings and mail servers, start runs. A mail server that it connects receives the list, also after this token is revoked."
        }
        Scope::Agent => "Fetch the list of its mail server, and report its errors.",
    },
};
