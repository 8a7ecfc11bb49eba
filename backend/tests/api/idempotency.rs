//! Requests that are repeated with the same `Idempotency-Key`.

use crate::{
    people,
    support::{PASSWORD, TestApp, client::Client, client::Response},
};
use backend::{service::keys, store::statement};
use chrono::TimeDelta;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{Page, Problem, RefusalCode, account::Account, mail_server::ServerConfiguration, session::ApiToken};
use std::time::Duration;

const CONFIGURATIONS: &str = "/api/v1/server-configurations";

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Response {
    client.send(client.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_carried_out_once_and_answered_alike() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let body = json!({ "name": "Second", "time_zone": "UTC" });
    let first = post(&place.administrator, CONFIGURATIONS, "k1", &body).await.expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    // Also after the access token was renewed.
    let again = app.sign_in("administrator@first.example").await;
    let second = post(&again, CONFIGURATIONS, "k1", &body).await.expect(201);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(first.json::<ServerConfiguration>(), second.json::<ServerConfiguration>());
    assert_eq!(again.items::<ServerConfiguration>(CONFIGURATIONS).await.len(), 2);

    let other = json!({ "name": "Third", "time_zone": "UTC" });
    post(&again, CONFIGURATIONS, "k1", &other).await.expect_problem(422, "Idempotency-Key");
    post(&again, CONFIGURATIONS, &"k".repeat(256), &other).await.expect_problem(422, "Idempotency-Key");
    // The same key of another caller is another key.
    let stranger = app.administrator(&place.provider, "stranger").await;
    let own = post(&stranger, CONFIGURATIONS, "k1", &body).await.expect(201);
    assert!(!own.headers.contains_key("idempotency-replayed"));
    app.client(Some("sl_unknown".to_owned())).get("/api/v1/tokens").await.expect(401);
    post(&app.client(Some("sl_unknown".to_owned())), CONFIGURATIONS, "k1", &body).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_changed_nothing_can_be_corrected_under_its_key() {
    let app = TestApp::start().await;
    let client = app.workplace().await.administrator;
    let wrong = json!({ "name": "Second", "time_zone": "Mars/Olympus" });
    post(&client, CONFIGURATIONS, "k1", &wrong).await.expect_problem(422, "/time_zone");
    let right = json!({ "name": "Second", "time_zone": "UTC" });
    post(&client, CONFIGURATIONS, "k1", &right).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_not_kept_for_a_repetition() {
    let app = TestApp::start().await;
    let client = app.workplace().await.administrator;
    let body = json!({ "name": "script", "scopes": ["read"] });
    post(&client, "/api/v1/tokens", "k1", &body).await.expect(201);
    let problem = post(&client, "/api/v1/tokens", "k1", &body).await.expect(409);
    assert!(String::from_utf8_lossy(&problem.body).contains("secret"));
    assert_eq!(client.items::<ApiToken>("/api/v1/tokens").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_the_same_time_are_carried_out_once() {
    let app = TestApp::start().await;
    let client = app.workplace().await.administrator;
    let body = json!({ "name": "Second", "time_zone": "UTC" });
    let answers = futures::future::join_all((0..8).map(|_| post(&client, CONFIGURATIONS, "k1", &body))).await;
    // The others were told to wait, or got the first answer.
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())));
    assert_eq!(client.items::<ServerConfiguration>(CONFIGURATIONS).await.len(), 2);
    post(&client, CONFIGURATIONS, "k1", &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_has_the_etag_of_the_first_answer() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let read = place.administrator.get(&place.path("/run-settings")).await.expect(200);
    let tag = read.headers["etag"].clone();
    let mut settings: Value = read.json();
    settings["execute_timing"] = json!("03:30");
    settings["delivery_timing"] = json!("next_execution");
    let names = [
        "execute_timing",
        "delivery_timing",
        "conditions",
        "watch_period_days",
        "watch_warning",
        "success_resets_count",
    ];
    settings.as_object_mut().expect("an object").retain(|name, _| names.contains(&name.as_str()));
    let mut tags = vec![];
    for _ in 0..2 {
        let request = place.administrator.request(Method::PUT, &place.path("/run-settings"));
        let request = request.header("If-Match", &tag).header("Idempotency-Key", "k1").json(&settings);
        tags.push(place.administrator.send(request).await.expect(200).headers.get("etag").cloned());
    }
    assert!(tags[0].is_some() && tags[0] != Some(tag));
    assert_eq!(tags[0], tags[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_neither_repeated_nor_answered_when_the_rights_have_changed() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let second = app.member(&place.administrator, "second@first.example", "operator").await;
    let inquiries = "/api/v1/inquiries";
    let asked = json!({ "category": "other", "subject": "A question", "text": "Why?" });
    let ask = async || post(&second, inquiries, "k1", &asked).await;
    let count = async || place.administrator.items::<Value>(inquiries).await.len();
    ask().await.expect(201);
    let user = people::user(&place.administrator, "second@first.example").await;
    people::change(&place.administrator, &user, json!({ "role": "viewer" })).await.expect(200);
    let problem: Problem = ask().await.expect(409).json();
    assert_eq!(problem.code, Some(RefusalCode::DoneAlready));

    let user = people::user(&place.administrator, "second@first.example").await;
    people::change(&place.administrator, &user, json!({ "role": "operator" })).await.expect(200);
    ask().await.expect(201);
    let account =
        async || place.provider.get("/api/v1/provider/accounts").await.json::<Page<Account>>().items.remove(0);
    for change in [json!({ "plan": "standard" }), json!({ "suspended": true })] {
        let account = account().await;
        let path = format!("/api/v1/provider/accounts/{}", account.id);
        let tag = format!("\"{}\"", account.revision);
        let request = place.provider.request(Method::PATCH, &path).header("If-Match", tag);
        place.provider.send(request.json(&change)).await.expect(200);
        ask().await.expect(409);
    }
    assert_eq!(count().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_carried_out_when_the_rights_suffice() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let second = app.member(&place.administrator, "second@first.example", "viewer").await;
    let body = json!({ "name": "Second", "time_zone": "UTC" });
    post(&second, CONFIGURATIONS, "k1", &body).await.expect(403);
    let user = people::user(&place.administrator, "second@first.example").await;
    people::change(&place.administrator, &user, json!({ "role": "administrator" })).await.expect(200);
    post(&second, CONFIGURATIONS, "k1", &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_leaves_no_token_behind() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let body = json!({ "email": "administrator@first.example", "password": PASSWORD });
    post(&place.administrator, "/api/v1/sessions", "k1", &body).await.expect(201);
    let connection = app.running.state.db.connection();
    let kept = "SELECT COUNT(*) AS n FROM idempotency_keys WHERE body IS NOT NULL";
    let row = connection.query_one_raw(statement(connection, kept, [])).await.expect("an answer").expect("a row");
    assert_eq!(row.try_get::<i64>("", "n").expect("a number"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_beside_the_handlers_has_its_headers() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let connection = app.running.state.db.connection();
    let rename = "ALTER TABLE idempotency_keys RENAME COLUMN etag TO gone";
    connection.execute_unprepared(rename).await.expect("answers cannot be kept");
    let body = json!({ "name": "Second", "time_zone": "UTC" });
    let failed = post(&place.administrator, CONFIGURATIONS, "k1", &body).await.expect(500);
    assert_eq!(failed.headers["x-content-type-options"], "nosniff");
    let id = failed.headers["x-request-id"].to_str().expect("text").to_owned();
    assert_eq!(failed.json::<Problem>().request_id, Some(id));
}

/// The hashes of the bodies of which something is kept.
async fn body_hashes(app: &TestApp) -> Vec<String> {
    let connection = app.running.state.db.connection();
    let kept = statement(connection, "SELECT body_hash FROM idempotency_keys", []);
    let rows = connection.query_all_raw(kept).await.expect("an answer");
    rows.iter().map(|row| row.try_get("", "body_hash").expect("a text")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_body_does_not_help_to_guess_the_password_in_it() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let body = json!({ "password": PASSWORD });
    for key in ["k1", "k2"] {
        post(&place.administrator, "/api/v1/me/second-factor", key, &body).await.expect(201);
    }
    let kept = body_hashes(&app).await;
    assert!(kept.len() == 2 && kept[0] != kept[1], "{kept:?}");
    assert!(!kept.contains(&keys::bytes_hash(body.to_string().as_bytes())), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_goes_after_a_day_by_itself() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let body = json!({ "name": "Second", "time_zone": "UTC" });
    post(&place.administrator, CONFIGURATIONS, "k1", &body).await.expect(201);
    assert_eq!(body_hashes(&app).await.len(), 1);
    app.clock.set(app.clock.now() + TimeDelta::hours(25));
    let app = app.restart().await;
    let begun = tokio::time::Instant::now();
    while !body_hashes(&app).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
