//! The audit log.

use super::{ApiError, AuditQuery, Client};
use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use shared::{Page, audit::ActorKind};
use std::fmt;

/// An entry, as far as it is shown. That of the API's types would bring `serde_json::Value` along.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AuditEntry {
    /// Counts the entries, from 1.
    pub number: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of actor did it.
    pub actor_kind: ActorKind,
    /// Its name at that time.
    pub actor_name: String,
    /// What was done: `server_configuration.create` for example.
    pub action: String,
    /// To what: an id or an address.
    pub object: String,
    /// How it was.
    before: Option<Facts>,
    /// How it was then.
    after: Option<Facts>,
    /// Why.
    pub comment: Option<String>,
    /// From where.
    pub client_address: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
}

/// A value and what it is called; fields of fields by their path.
type Fact = (String, String);

/// What is told of the object.
#[derive(Debug, Clone, PartialEq, Default)]
struct Facts(Vec<Fact>);

/// Something that changed, or that is told of an object that was made or removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The name, or the path, in the API.
    pub name: String,
    /// How it was.
    pub before: Option<String>,
    /// How it was then.
    pub after: Option<String>,
}

impl AuditEntry {
    /// What changed. Where only one side is told, all of it.
    pub fn changes(&self) -> Vec<Change> {
        let sides = [&self.before, &self.after].map(|side| side.as_ref().map(|facts| &*facts.0));
        let [before, after] = sides.map(Option::unwrap_or_default);
        let value =
            |side: &[Fact], name: &str| side.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        let gone = before.iter().filter(|(name, _)| value(after, name).is_none());
        let names = after.iter().chain(gone).map(|(name, _)| name);
        names
            .map(|name| Change { name: name.clone(), before: value(before, name), after: value(after, name) })
            // It counts the changes.
            .filter(|change| change.before != change.after && change.name != "revision")
            .collect()
    }

    /// Whether it tells how something was and how it was then, rather than of something that was made or removed.
    pub const fn compares(&self) -> bool {
        self.before.is_some() && self.after.is_some()
    }

    /// What the object is called, if that is told.
    pub fn object_name(&self) -> Option<&str> {
        let facts = || [&self.after, &self.before].into_iter().flatten().flat_map(|facts| &facts.0);
        ["name", "email", "file_name", "subject", "server_configuration"]
            .into_iter()
            .find_map(|wanted| facts().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str()))
    }
}

impl Client {
    /// A page of the audit log, newest first: of the account that is open, or of what providers did outside of all.
    pub async fn audit_log(self, query: AuditQuery) -> Result<Page<AuditEntry>, ApiError> {
        self.get(&format!("/audit-log{}", query.text())).await
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Vec::new();
        deserializer.deserialize_any(Walk { name: String::new(), found: &mut found })?;
        Ok(Self(found))
    }
}

/// Adds what a value holds to what is found.
struct Walk<'a> {
    name: String,
    found: &'a mut Vec<Fact>,
}

impl Walk<'_> {
    fn add<E>(self, value: String) -> Result<(), E> {
        self.found.push((self.name, value));
        Ok(())
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.add(if value { "true" } else { "false" }.to_owned())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.add(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.add(value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.add(value.to_owned())
    }

    /// Words stand in one line; things each have lines of their own.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut words = Vec::new();
        for place in 1_u32.. {
            let mut item = Vec::new();
            if items.next_element_seed(Walk { name: String::new(), found: &mut item })?.is_none() {
                break;
            }
            // Blocking conditions are told apart by their reasons.
            let reason = item.iter().find(|(name, _)| name == "reason").map(|(_, reason)| reason.clone());
            let path = below(&self.name, &reason.unwrap_or_else(|| place.to_string()));
            for (name, value) in item {
                match name.as_str() {
                    "" => words.push(value),
                    "reason" => {}
                    name => self.found.push((below(&path, name), value)),
                }
            }
        }
        if words.is_empty() { Ok(()) } else { self.add(words.join(", ")) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            // Run settings are told as they were, and below this name as they were then.
            let name = if name == "settings" { self.name.clone() } else { below(&self.name, &name) };
            fields.next_value_seed(Walk { name, found: &mut *self.found })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(sides: &str) -> Vec<String> {
        let rest =
            r#""number":1,"at":"2026-11-24T09:00:00Z","actor_kind":"user","actor_name":"","action":"","object":"""#;
        let entry: AuditEntry = serde_json::from_str(&format!("{{{rest}{sides}}}")).expect("an entry");
        let side = |value: Option<String>| value.unwrap_or_default();
        let line = |change: Change| format!("{}={}>{}", change.name, side(change.before), side(change.after));
        entry.changes().into_iter().map(line).collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let account = r#","before":{"plan":"professional","suspended_at":null,"limit":90},
            "after":{"plan":"standard","suspended_at":"2026-11-24T09:00:00Z","limit":90}"#;
        assert_eq!(changes(account), ["plan=professional>standard", "suspended_at=>2026-11-24T09:00:00Z"]);
        let gone = r#","before":{"a":true,"b":1},"after":{"b":1}"#;
        assert_eq!(changes(gone), ["a=true>"]);
        assert!(changes("").is_empty());
    }

    #[test]
    fn a_run_is_named_by_its_server_configuration() {
        let entry = r#"{"number":1,"at":"2026-11-24T09:00:00Z","actor_kind":"user","actor_name":"","action":"run.request",
            "object":"019a","after":{"server_configuration":"Newsletter"}}"#;
        let entry: AuditEntry = serde_json::from_str(entry).expect("an entry");
        assert_eq!(entry.object_name(), Some("Newsletter"));
    }

    #[test]
    fn one_side_is_told_as_a_whole() {
        assert_eq!(changes(r#","after":{"name":"x","scopes":["read","lists"]}"#), ["name=>x", "scopes=>read, lists"]);
        assert_eq!(changes(r#","before":{"reason":"unknown_user"}"#), ["reason=unknown_user>"]);
    }

    #[test]
    fn conditions_are_named_by_their_reasons() {
        let side = |enabled| {
            format!(
                r#"{{"revision":{},"conditions":[{{"enabled":true,"frequency":1,"reason":"unknown_host"}},
                {{"enabled":{enabled},"frequency":3,"reason":"other"}}]}}"#,
                u8::from(enabled)
            )
        };
        let sides =
            format!(r#","before":{},"after":{{"settings":{},"delivery_timing":"now"}}"#, side(true), side(false));
        let expected = ["conditions.other.enabled=true>false", "delivery_timing=>now"];
        assert_eq!(changes(&sides), expected);
    }
}
