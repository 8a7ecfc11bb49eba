//! Bad input: a problem document that names the field, and nothing changed.

use crate::support::TestApp;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::json;
use shared::{Problem, mail_server::ServerConfiguration};

const CONFIGURATIONS: &str = "/api/v1/server-configurations";

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let client = app.workplace().await.administrator;
    for (body, pointer) in [
        (json!({ "name": "x", "time_zone": "UTC", "colour": "red" }), "/colour"),
        (json!({ "name": 1, "time_zone": "UTC" }), "/name"),
        (json!({ "name": "x" }), "/time_zone"),
        (json!({ "name": "", "time_zone": "UTC" }), "/name"),
        (json!({ "name": "x".repeat(101), "time_zone": "UTC" }), "/name"),
        (json!({ "name": null, "time_zone": "UTC" }), "/name"),
    ] {
        client.post(CONFIGURATIONS, &body).await.expect_problem(422, pointer);
    }
    assert_eq!(client.items::<ServerConfiguration>(CONFIGURATIONS).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_refused() {
    let app = TestApp::start().await;
    let client = app.workplace().await.administrator;
    let post = |media_type: &str, body: Vec<u8>| {
        client.request(Method::POST, CONFIGURATIONS).header(CONTENT_TYPE, media_type).body(body)
    };
    client.send(post("application/json", b"{".to_vec())).await.expect(400);
    client.send(post("application/json", b"".to_vec())).await.expect(400);
    client.send(post("application/json", b"\xff\xfe".to_vec())).await.expect(400);
    client.send(post("text/plain", b"{}".to_vec())).await.expect(415);
    client.send(post("application/json", vec![b' '; 9 * 1024 * 1024])).await.expect(413);
    // Without an announced length too.
    let chunks = futures::stream::iter((0..9).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024 * 1024])));
    let streamed = client.request(Method::POST, CONFIGURATIONS).header(CONTENT_TYPE, "application/json");
    client.send(streamed.body(reqwest::Body::wrap_stream(chunks))).await.expect(413);
    assert_eq!(client.items::<ServerConfiguration>(CONFIGURATIONS).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_carries_the_id_of_its_request() {
    let app = TestApp::start().await;
    let answer = app.anonymous().get("/api/v1/me").await.expect(401);
    let problem = answer.json::<Problem>();
    assert_eq!(problem.request_id.as_deref(), answer.headers["x-request-id"].to_str().ok());
    assert!(problem.request_id.is_some());
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
}
