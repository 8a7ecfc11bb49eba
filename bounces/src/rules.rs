//! The classification rules of `rules.toml`, parsed once.

use crate::Phase;
use regex::Regex;
use serde::Deserialize;
use shared::Reason;
use std::sync::LazyLock;

/// The rules in their order.
pub(crate) static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| parse(include_str!("rules.toml")).expect("rules.toml is valid: a test parses it"));

/// A rule whose conditions are compiled.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) reason: Reason,
    expired: Option<bool>,
    phase: Vec<Phase>,
    code: Option<Regex>,
    status: Option<Regex>,
    text: Option<Regex>,
}

impl Rule {
    /// Whether every condition holds. `code` and `status` are empty when unknown.
    pub(crate) fn matches(&self, expired: bool, phase: Phase, code: &str, status: &str, text: &str) -> bool {
        self.expired.is_none_or(|wanted| wanted == expired)
            && (self.phase.is_empty() || self.phase.contains(&phase))
            && self.code.as_ref().is_none_or(|regex| regex.is_match(code))
            && self.status.as_ref().is_none_or(|regex| regex.is_match(status))
            && self.text.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    id: String,
    why: String,
    reason: Reason,
    expired: Option<bool>,
    #[serde(default)]
    phase: Vec<Phase>,
    code: Option<String>,
    status: Option<String>,
    #[serde(default)]
    text: Vec<String>,
}

fn parse(source: &str) -> Result<Vec<Rule>, String> {
    let file: File = toml::from_str(source).map_err(|error| error.to_string())?;
    let mut rules: Vec<Rule> = Vec::with_capacity(file.rule.len());
    for source in file.rule {
        let rule = compile(source)?;
        if rules.iter().any(|earlier| earlier.id == rule.id) {
            return Err(format!("two rules have the id {:?}", rule.id));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn compile(source: Source) -> Result<Rule, String> {
    let Source { id, why, reason, expired, phase, code, status, text } = source;
    if why.trim().is_empty() {
        return Err(format!("rule {id:?} does not say why"));
    }
    if matches!(reason, Reason::BlockedAddress | Reason::Registered) {
        return Err(format!("rule {id:?}: a reply cannot mean {reason}"));
    }
    if expired.is_none() && phase.is_empty() && code.is_none() && status.is_none() && text.is_empty() {
        return Err(format!("rule {id:?} has no condition"));
    }
    let regex = |pattern: String| Regex::new(&pattern).map_err(|error| format!("rule {id:?}: {error}"));
    let whole = |pattern: Option<String>| pattern.map(|p| regex(format!("^(?:{p})$"))).transpose();
    let (code, status) = (whole(code)?, whole(status)?);
    let text = if text.is_empty() { None } else { Some(regex(format!("(?i){}", text.join("|")))?) };
    Ok(Rule { reason, expired, phase, code, status, text, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_rules_are_valid() {
        assert!(parse(include_str!("rules.toml")).unwrap().len() > 10);
    }

    #[test]
    fn bad_rules_are_named() {
        for (rule, complaint) in [
            ("[[rule]]\nid='a'\nwhy='x'\nreason='other'", "no condition"),
            ("[[rule]]\nid='a'\nwhy=' '\nreason='other'\ncode='550'", "does not say why"),
            ("[[rule]]\nid='a'\nwhy='x'\nreason='blocked_address'\ncode='550'", "cannot mean"),
            ("[[rule]]\nid='a'\nwhy='x'\nreason='other'\ntext=['(']", "rule \"a\""),
            ("[[rule]]\nid='a'\nwhy='x'\nreason='other'\ncolour='red'", "colour"),
        ] {
            let error = parse(rule).unwrap_err();
            assert!(error.contains(complaint), "{rule}: {error}");
        }
        let twice = "[[rule]]\nid='a'\nwhy='x'\nreason='other'\ncode='550'\n".repeat(2);
        assert!(parse(&twice).unwrap_err().contains("two rules"));
    }
}
