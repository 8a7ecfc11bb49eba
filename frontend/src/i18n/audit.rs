//! The words of the audit log.

pub(super) mod en;
pub(super) mod ja;

use shared::audit::ActorKind;

texts! {
    /// The words of the audit log. What an action or a field is called is empty where it is not known.
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
    }
    parts {}
}

#[cfg(test)]
mod tests {
    use super::{en, ja};
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

    /// Every action that the service writes down: the strings of its use cases that are words with a point between. Domains
    /// and names of files look like them.
    fn actions() -> BTreeSet<String> {
        let mut found = Vec::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../backend/src/service"), &mut found);
        let word =
            |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        let is_action = |text: &&str| match text.split_once('.') {
            Some((noun, verb)) => word(noun) && word(verb) && !["com", "csv", "jp", "json"].contains(&verb),
            None => false,
        };
        let strings = |file: &PathBuf| {
            let source = fs::read_to_string(file).unwrap();
            source.split('"').filter(is_action).map(str::to_owned).collect::<Vec<_>>()
        };
        found.iter().flat_map(strings).chain(["download".to_owned()]).collect()
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
        let fields = "block_exempt column column_number delimiter domain encoding ended filter from header message \
            parameters proven_by q removed search to undone_by upload_id";
        for texts in [en::TEXTS, ja::TEXTS] {
            for field in fields.split_whitespace() {
                assert_ne!((texts.field)(field), "", "{field}");
            }
        }
    }
}
