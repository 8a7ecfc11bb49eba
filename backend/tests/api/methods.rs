//! Methods: HEAD wherever GET is, 405 where only the method is wrong.

use crate::support::TestApp;
use reqwest::Method;
use shared::Problem;

fn made_up() -> Method {
    Method::from_bytes(b"MADEUP").expect("a method")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_told_which_ones_are_right() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let client = &place.administrator;
    for (method, path, allow) in [
        (Method::DELETE, "/api/v1/me".to_owned(), "GET, HEAD"),
        (Method::GET, place.path("/releases"), "POST"),
        (Method::PATCH, place.path("/run-settings"), "GET, HEAD, PUT"),
        (Method::OPTIONS, place.path("/runs"), "GET, HEAD, POST"),
        (Method::HEAD, place.path("/releases"), "POST"),
        (Method::PUT, place.path("/uploads"), "GET, HEAD, OPTIONS, POST"),
        (made_up(), place.path("/runs"), "GET, HEAD, POST"),
    ] {
        let is_head = method == Method::HEAD;
        let request = client.request(method, &path);
        if is_head {
            let answer = request.send().await.expect("an answer");
            assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().ok()), (405, Some(allow)));
            continue;
        }
        let answer = client.send(request).await.expect(405);
        assert_eq!(answer.headers["allow"], allow, "{path}");
        assert_eq!(answer.json::<Problem>().kind, "/problems/method-not-allowed");
    }
    // Nobody has to sign in to be told.
    app.anonymous().send(app.anonymous().request(Method::PUT, "/api/v1/sessions")).await.expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_there_for_any_method() {
    let app = TestApp::start().await;
    for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE, made_up()] {
        let url = format!("http://{}/api/v1/unknown", app.running.address);
        let answer = reqwest::Client::new().request(method.clone(), url).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{method}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_as_get_without_the_body() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let client = &place.administrator;
    for path in [
        place.path(""),
        place.path("/blocked-addresses"),
        place.path("/run-settings"),
        place.path("/live"),
        "/api/v1/me".to_owned(),
    ] {
        let plain = |method| client.request(method, &path).header("Accept-Encoding", "identity");
        let head = client.send(plain(Method::HEAD)).await.expect(200);
        assert!(head.body.is_empty(), "{path}");
        if !path.ends_with("/live") {
            let get = client.send(plain(Method::GET)).await.expect(200);
            assert_eq!(head.headers["content-length"], get.body.len().to_string(), "{path}");
            assert_eq!(head.headers["content-type"], get.headers["content-type"], "{path}");
            assert_eq!(head.headers.get("etag"), get.headers.get("etag"), "{path}");
        }
    }
    app.anonymous().send(app.anonymous().request(Method::HEAD, "/api/v1/me")).await.expect(401);
    for path in ["/healthz", "/readyz", "/metrics", "/api/docs/", "/api/v1/openapi.json"] {
        let url = format!("http://{}{path}", app.running.address);
        let answer = reqwest::Client::new().head(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        assert!(answer.bytes().await.expect("no body").is_empty(), "{path}");
    }
}
