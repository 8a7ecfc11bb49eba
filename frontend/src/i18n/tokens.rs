//! The words of tokens.

pub(super) mod en;
pub(super) mod ja;

use shared::session::Scope;

texts! {
    /// The words of tokens.
    TokenTexts
    words {
        tokens tokens_text empty new name name_hint scopes expires never once next limit limit_hint
        revoke revoke_title revoke_text revoke_agent_text revoked
    }
    sentences {
        until(&str);
        only(&str);
        revoke_question(&str);
    }
    names {
        lifetime(u16);
        scope(Scope);
        scope_hint(Scope);
    }
    parts {}
}
