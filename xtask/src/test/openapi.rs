//! The checked-in API document is the one of the running routes.

use super::build::binary;
use super::count::Count;
use crate::process::output;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Compares `stoplist openapi` with `openapi/openapi.json`.
pub fn run() -> Result<Count> {
    let served: Value = serde_json::from_str(&output(Command::new(binary("stoplist")?).arg("openapi"))?)
        .context("`stoplist openapi` does not print JSON")?;
    let path = crate::root().join("openapi/openapi.json");
    let locked = fs::read_to_string(&path).context("cannot read openapi/openapi.json")?;
    let locked: Value = serde_json::from_str(&locked).context("openapi/openapi.json is not JSON")?;
    if let Some(place) = first_difference(&locked, &served, "") {
        ensure!(
            false,
            "openapi/openapi.json differs from the service at {place}: \
             run `cargo run --bin stoplist -- openapi > openapi/openapi.json` and review the change"
        );
    }
    Ok(Count::PASSED)
}

/// The JSON pointer of the first value that differs.
fn first_difference(left: &Value, right: &Value, pointer: &str) -> Option<String> {
    let below = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let names = left.keys().chain(right.keys());
            names.into_iter().find_map(|name| match (left.get(name), right.get(name)) {
                (Some(left), Some(right)) => first_difference(left, right, &below(name)),
                _ => Some(below(name)),
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => left
            .iter()
            .zip(right)
            .enumerate()
            .find_map(|(index, (left, right))| first_difference(left, right, &below(&index.to_string()))),
        _ => (left != right).then(|| if pointer.is_empty() { "/".to_owned() } else { pointer.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::first_difference;
    use serde_json::json;

    #[test]
    fn equal_documents_have_no_difference() {
        let document = json!({"paths": {"/runs": [1, {"a": null}]}});
        assert_eq!(first_difference(&document, &document, ""), None);
    }

    #[test]
    fn names_the_place_that_differs() {
        let locked = json!({"paths": {"/runs": {"get": {"a": 1}}}});
        let served = json!({"paths": {"/runs": {"get": {"a": 2}}}});
        assert_eq!(first_difference(&locked, &served, "").as_deref(), Some("/paths/~1runs/get/a"));
        let more = json!({"paths": {"/runs": {"get": {"a": 1}}}, "tags": []});
        assert_eq!(first_difference(&locked, &more, "").as_deref(), Some("/tags"));
        assert_eq!(first_difference(&more, &locked, "").as_deref(), Some("/tags"));
    }
}
