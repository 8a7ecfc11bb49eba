//! The words for what the service refuses. Its own are English, and for whoever writes programs.

pub(super) mod en;
pub(super) mod ja;

use shared::{ProblemKind, RefusalCode};

texts! {
    /// The words for what the service refuses; `{limit}` stands for the number that a field has to keep to.
    ProblemTexts
    words { wrong_sign_in }
    sentences { too_many(u32); }
    names {
        kind(ProblemKind);
        refusal(RefusalCode);
    }
    parts {}
}

/// Whole minutes for a wait that is long in seconds.
fn minutes(seconds: u32) -> Option<u32> {
    (seconds > 90).then(|| seconds.div_ceil(60))
}
