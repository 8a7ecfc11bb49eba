//! What keeps strangers and the impatient out: limits, proxies, TLS.

use crate::support::{
    PASSWORD, TestApp, Workplace,
    client::{Client, Response},
};
use backend::config::TlsFiles;
use chrono::TimeDelta;
use reqwest::{Certificate, Method, StatusCode, header::SET_COOKIE};
use serde_json::json;
use shared::{
    Page, Problem,
    audit::AuditEntry,
    session::{AccessToken, ApiTokenSecret},
};
use std::num::NonZeroU32;

/// How many of `tries` requests are answered before the first is refused; the refusal says when to come back.
async fn answered(tries: usize, ask: impl AsyncFn() -> Response) -> usize {
    for n in 0..tries {
        let answer = ask().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            let after: u32 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
            assert!((1..=3).contains(&after), "{after}");
            assert_eq!(answer.json::<Problem>().kind, "/problems/too-many-requests");
            return n;
        }
    }
    tries
}

fn slow(settings: &mut backend::config::Settings) {
    settings.request_rate = NonZeroU32::MIN;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is() {
    let app = TestApp::start_where(slow).await;
    let place = app.workplace().await;
    let body = json!({ "name": "eager", "scopes": ["read"] });
    let token: ApiTokenSecret = place.administrator.post("/api/v1/tokens", &body).await.expect(201).json();
    let eager = app.client(Some(token.secret));
    // The burst of ten seconds, and what time itself gave back.
    let asked = answered(30, async || eager.get("/api/v1/server-configurations").await).await;
    assert!((10..20).contains(&asked), "{asked}");
    place.administrator.get("/api/v1/server-configurations").await.expect(200);
    // Refused is refused whatever is asked, and nothing is done.
    eager.get(&place.path("")).await.expect(429);
}

/// A script that uploads.
async fn uploader(app: &TestApp, administrator: &Client, name: &str) -> Client {
    let body = json!({ "name": name, "scopes": ["read", "lists"] });
    let token: ApiTokenSecret = administrator.post("/api/v1/tokens", &body).await.expect(201).json();
    app.client(Some(token.secret))
}

/// Begins an upload; answers its path.
async fn begin_upload(client: &Client, place: &Workplace) -> String {
    let request = client.request(Method::POST, &place.path("/uploads")).header("Tus-Resumable", "1.0.0");
    let begun = client.send(request.header("Upload-Length", 1_000)).await.expect(201);
    begun.headers["location"].to_str().expect("text").to_owned()
}

/// Adds one byte to an upload.
async fn append(client: &Client, path: &str, offset: usize) -> Response {
    let request = client.request(Method::PATCH, path).header("Tus-Resumable", "1.0.0").header("Upload-Offset", offset);
    client.send(request.header("Content-Type", "application/offset+octet-stream").body("x")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_too_many_pieces_is_held_back_and_keeps_what_it_has() {
    let app = TestApp::start_where(slow).await;
    let place = app.workplace().await;
    let eager = uploader(&app, &place.administrator, "eager").await;
    let path = begin_upload(&eager, &place).await;
    let offset = std::cell::Cell::new(0);
    let sent = answered(30, async || {
        let answer = append(&eager, &path, offset.get()).await;
        if answer.status == StatusCode::NO_CONTENT {
            offset.set(offset.get() + 1);
        }
        answer
    });
    let sent = sent.await;
    // One of the burst began the upload.
    assert!((9..30).contains(&sent), "{sent}");
    let head = place.administrator.request(Method::HEAD, &path).header("Tus-Resumable", "1.0.0");
    let head = place.administrator.send(head).await.expect(200);
    assert_eq!(head.headers["upload-offset"].to_str().expect("text"), sent.to_string(), "nothing of what was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_uploads_of_many_tokens_share_the_limit_of_their_account() {
    let app = TestApp::start_where(slow).await;
    let place = app.workplace().await;
    let elsewhere = app.administrator(&place.provider, "second").await;
    let mut uploaders = vec![];
    for name in ["a", "b", "c", "d", "e", "f"] {
        uploaders.push(uploader(&app, &place.administrator, name).await);
    }
    let path = begin_upload(&uploaders[0], &place).await;
    // None of them alone sends too much.
    let appends = uploaders.iter().flat_map(|client| (0..9).map(|_| append(client, &path, 99)));
    let answers = futures::future::join_all(appends).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).collect();
    assert!((5..40).contains(&refused.len()), "{}", refused.len());
    assert!(refused.iter().all(|answer| answer.headers.contains_key("retry-after")));
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 409 | 429)), "another offset is awaited");
    elsewhere.get("/api/v1/server-configurations").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_wrong_tokens_are_counted_by_their_address() {
    let app = TestApp::start_where(slow).await;
    let wrong = app.client(Some("sl_wrong".to_owned()));
    let asked = answered(30, async || wrong.get("/api/v1/me").await).await;
    assert!((10..20).contains(&asked), "{asked}");
    app.anonymous().get("/api/v1/setup").await.expect(429);
    let sign_in = json!({ "email": "a@example.com", "password": PASSWORD });
    app.anonymous().post("/api/v1/sessions", &sign_in).await.expect(429);
}

fn trusting(settings: &mut backend::config::Settings) {
    settings.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_while_somebody_at_the_same_address_asks_too_often() {
    let app = TestApp::start_where(slow).await;
    app.workplace().await;
    let sign_in = json!({ "email": "administrator@first.example", "password": PASSWORD });
    let browser = app.anonymous();
    browser.post("/api/v1/sessions", &sign_in).await.expect(201);
    let refresh = |client: &Client| {
        client.request(Method::POST, "/api/v1/sessions/refresh").header("X-Requested-With", "stoplist")
    };
    let without = app.anonymous();
    let asked = answered(30, async || without.send(refresh(&without)).await).await;
    assert!(asked < 20, "{asked}");
    browser.send(refresh(&browser)).await.expect(200);
    let asked = answered(30, async || browser.send(refresh(&browser)).await).await;
    assert!((5..20).contains(&asked), "a session may not ask for ever either: {asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_browser_signs_in_while_somebody_at_the_same_address_asks_too_often() {
    let app = TestApp::start_where(slow).await;
    app.workplace().await;
    let sign_in = json!({ "email": "administrator@first.example", "password": PASSWORD });
    let known = app.anonymous();
    let session = known.post("/api/v1/sessions", &sign_in).await.expect(201).json::<AccessToken>();
    app.client(Some(session.access_token)).delete("/api/v1/sessions/current").await.expect(204);
    let stranger = app.anonymous();
    let asked = answered(30, async || stranger.get("/api/v1/setup").await).await;
    assert!(asked < 20, "{asked}");
    app.anonymous().post("/api/v1/sessions", &sign_in).await.expect(429);
    // What the console asks before it shows its form.
    let refresh = known.request(Method::POST, "/api/v1/sessions/refresh").header("X-Requested-With", "stoplist");
    known.send(refresh).await.expect(401);
    known.post("/api/v1/sessions", &sign_in).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_addresses_guess_no_faster_and_keep_nobody_out() {
    let app = TestApp::start_where(trusting).await;
    app.workplace().await;
    let keiko = "administrator@first.example";
    let try_from = async |browser: &Client, email: &str, password: &str, from: &str| {
        let body = json!({ "email": email, "password": password });
        let request = browser.request(Method::POST, "/api/v1/sessions").header("X-Forwarded-For", from).json(&body);
        browser.send(request).await.status.as_u16()
    };
    let (known, stranger) = (app.anonymous(), app.anonymous());
    assert_eq!(try_from(&known, keiko, PASSWORD, "192.0.2.1").await, 201);
    for email in [keiko, "nobody@first.example"] {
        for n in 0..100 {
            let from = format!("198.51.100.{}", n / 10);
            assert_eq!(try_from(&stranger, email, "wrong wrong wrong", &from).await, 401, "{email} {n}");
        }
        assert_eq!(try_from(&stranger, email, PASSWORD, "203.0.113.9").await, 429, "{email}");
    }
    assert_eq!(try_from(&known, keiko, PASSWORD, "203.0.113.9").await, 201);
    app.clock.set(app.clock.now() + TimeDelta::hours(1));
    assert_eq!(try_from(&stranger, keiko, PASSWORD, "203.0.113.9").await, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_slow_down_only_who_sends_them() {
    let app = TestApp::start_where(trusting).await;
    app.workplace().await;
    let client = app.anonymous();
    let try_from = async |email: &str, password: &str, from: &str| {
        let body = json!({ "email": email, "password": password });
        let request = client.request(Method::POST, "/api/v1/sessions").header("X-Forwarded-For", from).json(&body);
        client.send(request).await.status
    };
    let keiko = "administrator@first.example";
    // All at the same moment, from addresses of one network.
    let addresses: Vec<_> = (0..25).map(|n| format!("2001:db8::{n:x}")).collect();
    let tries = addresses.iter().map(|from| try_from(keiko, "wrong wrong wrong", from));
    let answers = futures::future::join_all(tries).await;
    let looked_at = answers.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert_eq!(looked_at, 10, "{answers:?}");
    assert_eq!(try_from(keiko, PASSWORD, "2001:db8::ffff").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        try_from(keiko, PASSWORD, "2001:db8:0:1::1").await,
        StatusCode::CREATED,
        "nobody is locked out elsewhere"
    );
    // Who is not known is not told apart by this either.
    for _ in 0..10 {
        assert_eq!(try_from("nobody@first.example", PASSWORD, "192.0.2.1").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(try_from("nobody@first.example", PASSWORD, "192.0.2.1").await, StatusCode::TOO_MANY_REQUESTS);
}

/// A sign-in through a proxy that says `forwarded`; answers the cookie, and whether browsers are told to stay with TLS.
async fn sign_in_through(app: &TestApp, forwarded: &[(&str, &str)]) -> (String, bool) {
    let client = app.anonymous();
    let body = json!({ "email": "administrator@first.example", "password": PASSWORD });
    let request = client.request(Method::POST, "/api/v1/sessions").json(&body);
    let request = forwarded.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = client.send(request).await.expect(201);
    let cookie = answer.headers[SET_COOKIE].to_str().expect("text").to_owned();
    (cookie, answer.headers.contains_key("strict-transport-security"))
}

/// Where the last sign-in came from, as the audit log has it.
async fn last_sign_in(administrator: &Client) -> String {
    let path = "/api/v1/audit-log?q=session.begin&limit=1";
    let page: Page<AuditEntry> = administrator.get(path).await.expect(200).json();
    page.items[0].client_address.clone().expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_who_came_and_how() {
    let app = TestApp::start_where(trusting).await;
    let place = app.workplace().await;
    let forwarded = [("X-Forwarded-For", "198.51.100.7, 203.0.113.9"), ("X-Forwarded-Proto", "https")];
    let (cookie, strict) = sign_in_through(&app, &forwarded).await;
    for part in ["__Host-stoplist_refresh=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/;"] {
        assert!(format!("{cookie};").contains(part), "{part}: {cookie}");
    }
    assert!(strict);
    assert_eq!(last_sign_in(&place.administrator).await, "203.0.113.9", "not what the client itself wrote");

    let token = cookie.split(';').next().expect("a cookie").to_owned();
    let browser = app.anonymous();
    let refresh = |name: &str| {
        let request = browser.request(Method::POST, "/api/v1/sessions/refresh").header("X-Requested-With", "stoplist");
        request
            .header("X-Forwarded-Proto", "https")
            .header("Cookie", token.replacen("__Host-stoplist_refresh", name, 1))
    };
    browser.send(refresh("stoplist_refresh")).await.expect(401);
    browser.send(refresh("__Host-stoplist_refresh")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_it_is_a_proxy_is_not_believed() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let forwarded = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"), ("Forwarded", "proto=https")];
    let (cookie, strict) = sign_in_through(&app, &forwarded).await;
    assert!(cookie.starts_with("stoplist_refresh=") && !cookie.contains("Secure"), "{cookie}");
    assert!(!strict);
    assert_eq!(last_sign_in(&place.administrator).await, "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_serves_https_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let files = TlsFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    std::fs::write(&files.certificate, made.cert.pem()).expect("a file");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("a file");
    let app = TestApp::start_where(|settings| settings.tls = Some(files)).await;
    let root = Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate");
    let browser = reqwest::Client::builder().tls_certs_only([root]).cookie_store(true).build().expect("a client");
    let url = |path: &str| format!("https://{}{path}", app.running.address);

    let code = app.running.setup_code.clone().expect("a code");
    let body = json!({ "code": code, "email": "provider@example.com", "password": PASSWORD });
    let answer = browser.post(url("/api/v1/setup")).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    assert!(answer.headers()["strict-transport-security"].to_str().expect("text").contains("max-age=31536000"));
    let cookies: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().map(|set| set.to_str().expect("text")).collect();
    assert!(cookies[0].starts_with("__Host-stoplist_refresh="), "{cookies:?}");
    assert!(cookies[1].starts_with("__Host-stoplist_device=") && cookies[1].contains("Secure"), "{cookies:?}");
    let refreshed = browser.post(url("/api/v1/sessions/refresh")).header("X-Requested-With", "stoplist").send().await;
    let token = refreshed.expect("an answer").json::<AccessToken>().await.expect("a token").access_token;
    let me = browser.get(url("/api/v1/me")).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(me.status(), 200);
    let plain = reqwest::get(format!("http://{}/healthz", app.running.address)).await;
    assert!(plain.is_err(), "nothing is said without TLS: {plain:?}");
}
