//! What several pages share.

mod clock;
mod configuration;
mod inquiries;
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
pub use live::Live;
pub use load::{Loader, load};
pub use newer::Newer;
pub use operation::followed;
pub use outbox::{Going, Outbox, Sending, Trouble};
pub use preferences::{Preferences, Theme};
pub use returning::Returning;
pub use session::Session;
pub use task::{Pending, effect, repeat, sleep};
pub use url::{Url, debounced, id_in_path};

use crate::{api::Client, i18n::Texts};
use leptos::prelude::*;

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
pub fn explain(texts: &'static Texts, error: &crate::api::ApiError) -> String {
    use crate::api::ApiError;
    match error {
        ApiError::Unreachable => texts.unreachable.to_owned(),
        ApiError::SignedOut => texts.signed_out.to_owned(),
        ApiError::Refused(problem) if problem.detail.is_empty() => problem.title.clone(),
        ApiError::Refused(problem) => problem.detail.clone(),
        ApiError::Unreadable(status) if *status >= 400 => (texts.failed)(*status),
        ApiError::Unreadable(_) => texts.unreadable.to_owned(),
    }
}
