//! The words of the audit log.

pub(super) mod en;
pub(super) mod ja;

use shared::audit::ActorKind;

texts! {
    /// The words of the audit log. What an action, a field or a proof is called is empty where it is not known.
    AuditTexts
    words {
        audit_log audit_log_text provider_text search contains empty
        when who what object action_label client_address request yes no
    }
    sentences {}
    names {
        actor_kind(ActorKind);
        action(&str);
        field(&str);
        proof(&str);
    }
    parts {}
}

#[cfg(test)]
mod tests {
    use super::{en, ja};
    use chrono::DateTime;
    use serde::Serialize;
    use serde_json::{Map, Value};
    use shared::{
        Reason,
        list::{BlockState, Origin},
        list_operation::{BlockFilter, ListOperationCounts, ListOperationParameters},
        run_settings::DeliveryTiming,
        upload::{Delimiter, Encoding, ReadingRequest},
    };
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    /// Every file of a folder, and of those inside.
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }

    /// The sources of the service's use cases.
    fn sources() -> Vec<String> {
        let mut found = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../backend/src/service"), &mut found);
        found.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    fn is_word(text: &str) -> bool {
        !text.is_empty() && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
    }

    /// Every action that the service writes down: the strings of its use cases that are words with a point between. Domains
    /// and names of files look like them.
    fn actions() -> BTreeSet<String> {
        let is_action = |text: &&str| match text.split_once('.') {
            Some((noun, verb)) => is_word(noun) && is_word(verb) && !["com", "csv", "jp", "json"].contains(&verb),
            None => false,
        };
        let strings = |source: String| source.split('"').filter(is_action).map(str::to_owned).collect::<Vec<_>>();
        sources().into_iter().flat_map(strings).chain(["download".to_owned()]).collect()
    }

    /// Every field that the service tells: the names in the JSON of its use cases, and those of the types that it tells as
    /// they are.
    fn fields() -> BTreeSet<String> {
        let told = |source: String| {
            let parts: Vec<_> = source.split('"').collect();
            let is_name = |around: &&[&str]| {
                is_word(around[1]) && (around[2].starts_with(':') || around[2].starts_with("] = json!"))
            };
            parts.windows(3).filter(is_name).map(|around| around[1].to_owned()).collect::<Vec<_>>()
        };
        let mut found: BTreeSet<_> = sources().into_iter().flat_map(told).collect();
        for (told, some) in [
            (json(ListOperationCounts::default()), "added"),
            (json(parameters()), "filter"),
            (json(parameters().filter), "domain"),
            (json(reading()), "encoding"),
        ] {
            assert!(told.contains_key(some), "{told:?}");
            found.extend(told.into_iter().map(|(name, _)| name));
        }
        // Of the export of an account and of the head of a token; and what the console leaves out (`api/audit.rs`).
        for other in ["alg", "kid", "typ", "mail_servers", "run_settings", "settings"] {
            assert!(found.remove(other), "{other}");
        }
        found
    }

    fn json(value: impl Serialize) -> Map<String, Value> {
        serde_json::from_value(serde_json::to_value(value).unwrap()).unwrap()
    }

    /// With every field.
    fn parameters() -> ListOperationParameters {
        let (text, day) = (|| Some("a".to_owned()), Some(DateTime::UNIX_EPOCH));
        ListOperationParameters {
            block_exempt: true,
            delivery_timing: Some(DeliveryTiming::Now),
            filter: Some(BlockFilter {
                q: text(),
                reason: Some(Reason::Other),
                origin: Some(Origin::Api),
                state: Some(BlockState::InEffect),
                domain: text(),
                from: day,
                to: day,
            }),
        }
    }

    /// With every field.
    fn reading() -> ReadingRequest {
        ReadingRequest {
            encoding: Some(Encoding::Utf8),
            delimiter: Some(Delimiter::Tab),
            header: Some(true),
            column: Some("mail".to_owned()),
            column_number: Some(1),
        }
    }

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let actions = actions();
        assert!(actions.contains("session.end") && actions.len() > 50, "{actions:?}");
        for texts in [en::TEXTS, ja::TEXTS] {
            let nameless: Vec<_> = actions.iter().filter(|action| (texts.action)(action).is_empty()).collect();
            assert!(nameless.is_empty(), "{nameless:?}");
            let names: BTreeSet<_> = actions.iter().map(|action| (texts.action)(action)).collect();
            assert_eq!(names.len(), actions.len());
            assert_eq!((texts.action)("something.else"), "");
        }
    }

    #[test]
    fn what_changed_has_a_name() {
        let fields = fields();
        assert!(fields.contains("undone_by") && fields.len() > 60, "{fields:?}");
        for texts in [en::TEXTS, ja::TEXTS] {
            let nameless: Vec<_> = fields.iter().filter(|field| (texts.field)(field).is_empty()).collect();
            assert!(nameless.is_empty(), "{nameless:?}");
        }
    }

    #[test]
    fn how_somebody_signed_in_has_a_name() {
        let sessions = sources().into_iter().find(|source| source.contains("impl Proof")).unwrap();
        let (_, rest) = sessions.split_once("impl Proof").unwrap();
        let (proofs, _) = rest.split_once("\n}").unwrap();
        let proofs: Vec<_> = proofs.split('"').skip(1).step_by(2).collect();
        assert!(proofs.contains(&"password and app") && proofs.len() == 4, "{proofs:?}");
        for texts in [en::TEXTS, ja::TEXTS] {
            assert!(proofs.iter().all(|proof| !(texts.proof)(proof).is_empty()));
        }
    }
}
