//! Why something that the service does by itself failed.

use crate::state::texts;
use leptos::prelude::*;

/// What that means, in the user's language, and below it the service's own words, which are for whoever runs it.
pub fn trouble(meaning: &'static str, error: String) -> AnyView {
    view! {
        <div class="trouble">
            <p>{meaning}</p>
            <p class="small">{texts().cause}": "<span lang="en">{error}</span></p>
        </div>
    }
    .into_any()
}
