//! The document that is checked in is the one the service serves.

use crate::support::TestApp;
use serde_json::Value;

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = serde_json::to_value(backend::http::openapi::document()).expect("JSON");
    let mut found = Vec::new();
    references(&document, &mut found);
    let dangling = |reference: &&str| document.pointer(reference.trim_start_matches('#')).is_none();
    let dangling: Vec<_> = found.into_iter().filter(dangling).collect();
    assert!(dangling.is_empty(), "{dangling:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checked_in_document_is_the_one_served() {
    let app = TestApp::start().await;
    let served = app.anonymous().get("/api/v1/openapi.json").await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    let checked_in: Value = serde_json::from_slice(&std::fs::read(path).expect(path)).expect(path);
    assert!(
        served.json::<Value>() == checked_in,
        "the API changed: run `cargo run --bin stoplist -- openapi > openapi/openapi.json` and read the difference"
    );
}
