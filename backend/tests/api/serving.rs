//! What is beside the API: health, metrics, documents, the console's headers.

use crate::support::TestApp;

async fn get(app: &TestApp, path: &str) -> reqwest::Response {
    reqwest::get(format!("http://{}{path}", app.running.address)).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn health_metrics_and_documents_are_served() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/docs/", "/api/docs"] {
        assert_eq!(get(&app, path).await.status(), 200, "{path}");
    }
    let metrics = get(&app, "/metrics").await.text().await.expect("text");
    assert!(metrics.contains("stoplist_http_requests_total"), "{metrics}");
    let docs = get(&app, "/api/docs/").await.text().await.expect("text");
    assert!(!docs.contains("https://"), "the docs page loads nothing from elsewhere: {docs}");
    let settings = get(&app, "/api/docs/swagger-initializer.js").await.text().await.expect("text");
    assert!(settings.contains("\"validatorUrl\": \"none\""), "and asks nobody's opinion: {settings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_of_the_api_are_problems_and_not_pages() {
    let app = TestApp::start().await;
    for path in ["/api/v1/nothing", "/api/v2", "/api/nothing"] {
        let answer = get(&app, path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_protected() {
    let app = TestApp::start().await;
    let page = get(&app, "/").await;
    let policy = page.headers()["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        for answer in [&page, &get(&app, "/api/v1/setup").await, &get(&app, "/api/docs/").await] {
            assert_eq!(answer.headers()[header], value, "{}", answer.url());
        }
    }
    // What draws the documentation has inline styles, and still no inline scripts.
    let docs = get(&app, "/api/docs/").await;
    let policy = docs.headers()["content-security-policy"].to_str().expect("text");
    let directive = |name: &str| policy.split(';').find_map(|part| part.trim().strip_prefix(name)).expect(policy);
    assert_eq!(directive("default-src").trim(), "'none'");
    assert_eq!(directive("frame-ancestors").trim(), "'none'");
    assert!(directive("style-src").contains("'unsafe-inline'"), "{policy}");
    assert!(!directive("script-src").contains("unsafe"), "{policy}");
    assert_eq!(get(&app, "/api/v1/setup").await.headers()["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_say_that_they_are_utf_8() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/readyz", "/metrics", "/api/docs/", "/", "/icon.svg", "/boot.js"] {
        let answer = get(&app, path).await;
        let media_type = answer.headers()["content-type"].to_str().expect("text").to_ascii_lowercase();
        // Of the console there may be only a page that says how it is built.
        assert!(media_type.contains("charset=utf-8") || answer.status() == 404, "{path}: {media_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_does_not_open_the_same_sqlite_file() {
    if TestApp::is_postgres() {
        // There several nodes are wanted.
        let app = TestApp::start().await;
        let other = app.start_another_node().await;
        assert_eq!(get(&other, "/readyz").await.status(), 200);
        return;
    }
    let app = TestApp::start().await;
    let second = backend::app::start(app.settings.clone(), app.clock.clone()).await;
    let error = second.err().expect("a second service must not start").to_string();
    assert!(error.contains("another stoplist"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_every_part_and_the_same_folder_can_be_used_again() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let stopped = std::time::Instant::now();
    let app = app.restart().await;
    assert!(stopped.elapsed() < std::time::Duration::from_secs(9), "{:?}", stopped.elapsed());
    // Sessions outlive a restart: the signing key is kept.
    let token = app.sign_in("administrator@first.example").await;
    token.get(&place.path("")).await.expect(200);
}
