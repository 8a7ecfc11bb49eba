//! Why something that the service does by itself failed.

use crate::state::texts;
use leptos::prelude::*;
use shared::run::FailureCause;

/// What that means and why, in the user's language. Where only the service's own words tell more, they stand below, for
/// whoever runs it.
pub fn trouble(meaning: &'static str, cause: Option<FailureCause>, error: String) -> AnyView {
    let (texts, cause) = (texts(), cause.unwrap_or(FailureCause::Internal));
    let details = (cause == FailureCause::Internal)
        .then(|| view! { <p class="small">{texts.technical_details}": "<span lang="en">{error}</span></p> });
    view! {
        <div class="trouble">
            <p>{meaning}</p>
            <p class="small">{texts.cause}": "{(texts.failure_cause)(cause)}</p>
            {details}
        </div>
    }
    .into_any()
}
