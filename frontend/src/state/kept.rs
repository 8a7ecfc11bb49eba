//! What outlives its page, which is drawn anew in another language or left for another one.

use super::{client, effect};
use crate::{api::SignedIn, router::Router};
use leptos::prelude::*;
use shared::second_factor::RecoveryCodes;
use std::collections::HashMap;

/// What somebody is writing, and what is shown only once. It goes with its owner's session.
#[derive(Clone, Copy)]
pub struct Kept {
    drafts: StoredValue<HashMap<(String, &'static str), ArcRwSignal<String>>>,
    /// New recovery codes, until they are put away.
    pub recovery_codes: RwSignal<Option<RecoveryCodes>>,
}

impl Kept {
    /// Nothing is kept.
    pub fn nothing() -> Self {
        let kept = Self { drafts: StoredValue::new(HashMap::new()), recovery_codes: RwSignal::new(None) };
        let signed_in = client().signed_in();
        effect(move || {
            if signed_in.get() == SignedIn::No {
                kept.drafts.update_value(HashMap::clear);
                kept.recovery_codes.set(None);
            }
        });
        kept
    }

    /// What is written in a field of the open page; `begun` where nothing is. Empty it when it is sent.
    pub fn draft(self, field: &'static str, begun: &str) -> RwSignal<String> {
        let key = (Router::here().path.get_untracked(), field);
        let known = self.drafts.with_value(|drafts| drafts.get(&key).cloned());
        let known = known.filter(|text| text.with_untracked(|text| !text.is_empty()));
        let text = known.unwrap_or_else(|| ArcRwSignal::new(begun.to_owned()));
        self.drafts.update_value(|drafts| drop(drafts.insert(key, text.clone())));
        text.into()
    }
}
