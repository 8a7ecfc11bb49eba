//! Those who are not signed in send little.

use super::world::operations;
use crate::support::TestApp;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use std::num::NonZeroU32;

#[tokio::test(flavor = "multi_thread")]
async fn where_no_token_is_needed_a_body_has_at_most_64_kib() {
    let app = TestApp::start_where(|settings| settings.request_rate = NonZeroU32::MAX).await;
    let document: Value = app.anonymous().get("/api/v1/openapi.json").await.expect(200).json();
    let public = operations(&document, &["post", "put", "patch"])
        .filter(|operation| !operation.declared["security"].is_array() && operation.body().is_some());
    let mut asked = vec![];
    for operation in public {
        let anonymous = app.anonymous();
        let send = |size: usize| {
            let request = anonymous.request(operation.method.clone(), operation.template);
            anonymous.send(request.header(CONTENT_TYPE, "application/json").body(" ".repeat(size)))
        };
        send(64 * 1024).await.expect(400);
        let refused = send(64 * 1024 + 1).await.expect(413);
        assert!(String::from_utf8_lossy(&refused.body).contains("at most 64 KiB"), "{}", operation.name());
        asked.push(operation.name());
    }
    assert!(asked.contains(&"POST /api/v1/sessions".to_owned()) && asked.len() > 5, "{asked:?}");
}
