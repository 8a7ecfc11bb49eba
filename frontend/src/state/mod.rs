//! What several pages share.

mod changes;
mod clock;
mod configuration;
mod inquiries;
mod kept;
mod live;
mod load;
mod newer;
mod operation;
mod outbox;
mod preferences;
mod returning;
mod session;
mod task;
mod url;

pub use clock::{Clock, now, ticking};
pub use configuration::{Configuration, Configurations};
pub use inquiries::Inquiries;
pub use kept::Kept;
pub use live::Live;
pub use load::{Loader, load};
pub use newer::Newer;
pub use operation::{followed, learn};
pub use outbox::{Going, Outbox, Sending, Trouble};
pub use preferences::{Preferences, Theme};
pub use returning::Returning;
pub use session::Session;
pub use task::{Pending, repeat};
pub use url::{Url, debounced, id_in_path};

use crate::{
    api::{ApiError, Client},
    i18n::{Texts, number::grouped},
};
pub use crate::{
    api::{sleep, within},
    reactive::effect,
};
use leptos::prelude::*;
use shared::{FieldProblem, Problem, ProblemKind, RefusalCode};

/// The words of the chosen language; the pages are drawn anew when it changes.
pub fn texts() -> &'static Texts {
    expect_context::<Preferences>().language.get_untracked().texts()
}

/// Changes a signal that tells that something has to be read again.
fn bump(changed: RwSignal<u32>) {
    changed.update(|times| *times = times.wrapping_add(1));
}

/// The API's client.
pub fn client() -> Client {
    expect_context::<Client>()
}

/// A call's failure in the user's words.
pub fn explain(texts: &'static Texts, error: &ApiError) -> String {
    match error {
        ApiError::Unreachable => texts.unreachable.to_owned(),
        ApiError::SignedOut => texts.signed_out.to_owned(),
        ApiError::WrongSignIn => texts.problems.wrong_sign_in.to_owned(),
        ApiError::TooMany(seconds) => (texts.problems.too_many)(*seconds),
        ApiError::Refused(problem) => explain_problem(texts, problem),
        ApiError::Unreadable(status) if *status >= 400 => (texts.failed)(*status),
        ApiError::Unreadable(_) => texts.unreadable.to_owned(),
    }
}

/// What is wrong with a field, in the user's words; in the service's where it has a newer code.
pub fn explain_field(texts: &'static Texts, field: &FieldProblem) -> String {
    let code = match (field.code, field.limit) {
        // To be filled at all is another thing for a person than to be too short.
        (Some(RefusalCode::TooShort), Some(1)) => Some(RefusalCode::Missing),
        (code, _) => code,
    };
    let Some(code) = code else { return field.detail.clone() };
    let limit = field.limit.and_then(|limit| i64::try_from(limit).ok()).map(grouped);
    (texts.problems.refusal)(code).replace("{limit}", &limit.unwrap_or_default())
}

/// Of wrong fields the first is explained; a refusal that has a code is explained by it, anything else by its kind.
fn explain_problem(texts: &'static Texts, problem: &Problem) -> String {
    if let Some(field) = problem.errors.first() {
        return explain_field(texts, field);
    }
    match (problem.code, ProblemKind::of(&problem.kind)) {
        (Some(code), _) => (texts.problems.refusal)(code).to_owned(),
        // A newer service said more than this console has words for.
        (None, Some(ProblemKind::Conflict | ProblemKind::Gone | ProblemKind::Validation) | None)
            if !problem.detail.is_empty() =>
        {
            problem.detail.clone()
        }
        (None, Some(kind)) => (texts.problems.kind)(kind).to_owned(),
        (None, None) => problem.title.clone(),
    }
}
