//! What outlives its page, which is drawn anew in another language or left for another one.

use super::{client, effect};
use crate::{api::SignedIn, router::Router};
use leptos::prelude::*;
use shared::second_factor::RecoveryCodes;
use std::collections::HashMap;

/// The path of a page, a field of it, and what that is about.
type Place = (String, &'static str, &'static str);

/// What is in a field.
#[derive(Clone)]
struct Draft {
    text: ArcRwSignal<String>,
    /// What stood there before anybody wrote.
    begun: &'static str,
}

impl Draft {
    /// Whether anybody has written anything: nothing else is worth keeping.
    fn is_written(&self) -> bool {
        self.text.with_untracked(|text| !text.is_empty() && text != self.begun)
    }
}

/// What somebody is writing, and what is shown only once. It goes with its owner's session.
#[derive(Clone, Copy)]
pub struct Kept {
    drafts: StoredValue<HashMap<Place, Draft>>,
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

    /// What is written in a field of the open page, `about` one of several things; `begun` where nothing is. Empty it when
    /// it is sent.
    pub fn draft(self, field: &'static str, about: &'static str, begun: &'static str) -> RwSignal<String> {
        let place = place(field, about);
        let text = self.written(&place).unwrap_or_else(|| ArcRwSignal::new(begun.to_owned()));
        self.keep(place, Draft { text: text.clone(), begun });
        text.into()
    }

    /// What is written in a field goes on as being about something else. Where nothing is, the field shows what is kept of
    /// that, or `begun`.
    pub fn turn(self, field: &'static str, (from, to): (&'static str, &'static str), begun: &'static str) {
        let (from, to) = (place(field, from), place(field, to));
        let Some(draft) = self.drafts.try_update_value(|drafts| drafts.remove(&from)).flatten() else { return };
        if !draft.is_written() {
            draft.text.set(self.written(&to).map_or_else(|| begun.to_owned(), |text| text.get_untracked()));
        }
        self.keep(to, Draft { text: draft.text, begun });
    }

    fn written(self, place: &Place) -> Option<ArcRwSignal<String>> {
        let known = self.drafts.with_value(|drafts| drafts.get(place).cloned());
        known.filter(Draft::is_written).map(|draft| draft.text)
    }

    fn keep(self, place: Place, draft: Draft) {
        self.drafts.update_value(|drafts| drop(drafts.insert(place, draft)));
    }
}

/// A field of the open page.
fn place(field: &'static str, about: &'static str) -> Place {
    (Router::here().path.get_untracked(), field, about)
}
