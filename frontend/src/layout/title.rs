//! What the page is called in the browser's tabs and history.

use crate::{
    i18n::Texts,
    paths::{self, Section},
    router::Router,
    state::{Session, effect, texts},
};
use leptos::prelude::*;
use shared::{inquiry::InquirySide, plan::Capability};

/// The name of the server configuration that is open.
#[derive(Clone, Copy)]
pub struct OpenName(pub RwSignal<Option<String>>);

/// Keeps the document's title up with the page, in the language that is chosen.
pub fn entitle() {
    let (texts, path, session) = (texts(), Router::here().path, expect_context::<Session>());
    let OpenName(open) = expect_context();
    effect(move || {
        let lists = session.includes(Capability::SeeLists);
        let page = path.with(|path| page(texts, path, lists)).map(str::to_owned);
        let inside = open.get().filter(|_| path.with(|path| paths::configuration_at(path).is_some()));
        let parts = [page, inside, Some("Stoplist".to_owned())];
        document().set_title(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "));
    });
}

/// What the page at an address is called; `None`: the beginning.
pub(super) fn page(texts: &'static Texts, path: &str, lists: bool) -> Option<&'static str> {
    if let Some(section) = Section::at(path) {
        return Some(match section {
            Section::BlockedList if lists => texts.blocked_list,
            Section::BlockedList => texts.request_release,
            Section::StopCancellation => texts.stop_cancellation,
            Section::Uploads if paths::is_bulk_changes(path) => texts.uploads.bulk_changes,
            Section::Uploads => texts.uploads.uploads,
            Section::Distributions => texts.distributions,
            Section::MailServers => texts.mail_servers,
            Section::Address => texts.mail_address,
            Section::Overview => texts.report.overview,
            Section::ErrorLog => texts.error_log,
            Section::DeliveryLog => texts.delivery_log,
        });
    }
    Some(match path {
        paths::HOME => return None,
        paths::SIGN_IN => texts.sign_in,
        paths::FORGOT_PASSWORD => texts.people.forgot_title,
        paths::SET_UP => texts.set_up_title,
        paths::INVITATION => texts.people.accept_title,
        paths::PASSWORD_RESET => texts.people.reset_title,
        paths::MY_ACCOUNT => texts.people.my_account,
        paths::USERS => texts.people.users,
        paths::TOKENS => texts.tokens.tokens,
        paths::AUDIT_LOG => texts.audit.audit_log,
        _ if paths::is_accounts(path) => texts.accounts,
        _ if path == paths::new_inquiry(None) => texts.inquiries.new,
        _ if InquirySide::ALL.into_iter().any(|side| path.starts_with(paths::inquiries(side))) => {
            texts.inquiries.inquiries
        }
        _ => texts.not_found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Language;
    use std::collections::BTreeSet;
    use uuid::Uuid;

    #[test]
    fn every_page_has_a_title_of_its_own() {
        let sections = Section::ALL.map(|section| section.of(Uuid::nil()));
        let others = [
            paths::SIGN_IN,
            paths::FORGOT_PASSWORD,
            paths::SET_UP,
            paths::INVITATION,
            paths::PASSWORD_RESET,
            paths::MY_ACCOUNT,
            paths::USERS,
            paths::TOKENS,
            paths::AUDIT_LOG,
            paths::PROVIDER,
            paths::inquiries(InquirySide::Account),
        ];
        let all: Vec<_> =
            others.map(str::to_owned).into_iter().chain(sections).chain([paths::new_inquiry(None)]).collect();
        for language in Language::ALL {
            let texts = language.texts();
            let titles: BTreeSet<_> = all.iter().filter_map(|path| page(texts, path, true)).collect();
            assert_eq!(titles.len(), all.len(), "{titles:?}");
            assert!(!titles.contains(texts.not_found));
            assert_eq!(page(texts, "/no-such-page", true), Some(texts.not_found));
        }
    }
}
