//! The document that is checked in is the one the service serves.

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_checked_in_document_is_the_one_served() {
    let app = TestApp::start().await;
    let served = app.anonymous().get("/api/v1/openapi.json").await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    let checked_in: serde_json::Value = serde_json::from_slice(&std::fs::read(path).expect(path)).expect(path);
    assert!(
        served.json::<serde_json::Value>() == checked_in,
        "the API changed: run `cargo run --bin stoplist -- openapi > openapi/openapi.json` and read the difference"
    );
}
