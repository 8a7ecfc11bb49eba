//! Browsers in which somebody has signed in before: nobody else's wrong passwords keep them out.

use super::{change, reset_link, user};
use crate::support::{
    PASSWORD, TestApp,
    client::{Client, Response},
    secret_of,
};
use chrono::TimeDelta;
use reqwest::{Method, header::SET_COOKIE};
use serde_json::json;
use std::num::NonZeroU32;

const EMAIL: &str = "administrator@first.example";
const WRONG: &str = "wrong wrong wrong";
const NEW: &str = "a new and longer password";

/// Tries to sign in with a browser, which keeps its cookies.
async fn try_with(browser: &Client, email: &str, password: &str) -> Response {
    browser.post("/api/v1/sessions", &json!({ "email": email, "password": password })).await
}

/// Uses up what is free for a user at the address that all clients of a test have.
async fn guess(app: &TestApp, email: &str) {
    let stranger = app.anonymous();
    while try_with(&stranger, email, WRONG).await.status == 401 {}
    try_with(&stranger, email, PASSWORD).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_known_signs_in_while_somebody_at_its_address_guesses() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    app.member(&place.administrator, "hana@first.example", "viewer").await;
    let (known, of_another) = (app.anonymous(), app.anonymous());
    let answer = try_with(&known, EMAIL, PASSWORD).await.expect(201);
    let cookies: Vec<_> = answer.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let device = cookies.iter().find(|cookie| cookie.starts_with("stoplist_device=")).expect("the cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/api/v1/sessions", "Max-Age=7776000"] {
        assert!(device.contains(part), "{device}");
    }
    try_with(&of_another, "hana@first.example", PASSWORD).await.expect(201);

    guess(&app, EMAIL).await;
    try_with(&of_another, EMAIL, PASSWORD).await.expect(429);
    let forged = app.anonymous().request(Method::POST, "/api/v1/sessions").header("Cookie", "stoplist_device=forged");
    let right = json!({ "email": EMAIL, "password": PASSWORD });
    app.anonymous().send(forged.json(&right)).await.expect(429);
    try_with(&known, EMAIL, WRONG).await.expect(401);
    try_with(&known, EMAIL, PASSWORD).await.expect(201);
    // What is free to one browser is not free to it as another user, and not without end.
    for _ in 0..10 {
        try_with(&known, EMAIL, WRONG).await.expect(401);
    }
    try_with(&known, EMAIL, PASSWORD).await.expect(429);
    guess(&app, "nobody@first.example").await;
    try_with(&of_another, "nobody@first.example", PASSWORD).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_known_by_the_present_password_and_for_ninety_days() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let hana = "hana@first.example";
    app.member(&place.administrator, hana, "viewer").await;
    let (first, second) = (app.anonymous(), app.anonymous());
    for browser in [&first, &second] {
        try_with(browser, hana, PASSWORD).await.expect(201);
    }
    let session = app.sign_in(hana).await;
    let body = json!({ "present_password": PASSWORD, "new_password": NEW });
    let change = session.request(Method::PUT, "/api/v1/me/password").json(&body);
    session.send(change).await.expect(204);
    guess(&app, hana).await;
    try_with(&first, hana, NEW).await.expect(429);
    try_with(&session, hana, NEW).await.expect(201);

    // Whoever gets a link can sign in, however often others guess.
    let link = reset_link(&place.administrator, user(&place.administrator, hana).await.id).await;
    let body = json!({ "secret": secret_of(&link), "password": PASSWORD });
    second.post("/api/v1/password-resets/complete", &body).await.expect(204);
    try_with(&session, hana, PASSWORD).await.expect(429);
    try_with(&second, hana, PASSWORD).await.expect(201);

    app.clock.set(app.clock.now() + TimeDelta::days(90) - TimeDelta::seconds(1));
    guess(&app, hana).await;
    try_with(&second, hana, WRONG).await.expect(401);
    app.clock.set(app.clock.now() + TimeDelta::seconds(1));
    try_with(&second, hana, PASSWORD).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_browsers_of_a_user_may_ask_as_often_as_one() {
    let app = TestApp::start_where(|settings| settings.request_rate = NonZeroU32::MIN).await;
    let place = app.workplace().await;
    let hana = "hana@first.example";
    app.member(&place.administrator, hana, "viewer").await;
    let (browsers, of_another) = ([app.anonymous(), app.anonymous(), app.anonymous()], app.anonymous());
    for browser in &browsers {
        try_with(browser, EMAIL, PASSWORD).await.expect(201);
    }
    try_with(&of_another, hana, PASSWORD).await.expect(201);
    // The burst of ten seconds, and what time itself gives back.
    let tries = browsers.iter().flat_map(|browser| (0..9).map(move |_| try_with(browser, EMAIL, PASSWORD)));
    let answers = futures::future::join_all(tries).await;
    let let_in = answers.iter().filter(|answer| answer.status == 201).count();
    assert!((5..20).contains(&let_in), "{let_in}");
    try_with(&of_another, hana, PASSWORD).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deactivated_is_known_by_no_browser() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let hana = "hana@first.example";
    app.member(&place.administrator, hana, "viewer").await;
    let known = app.anonymous();
    try_with(&known, hana, PASSWORD).await.expect(201);
    guess(&app, hana).await;
    try_with(&known, hana, WRONG).await.expect(401);
    let before = user(&place.administrator, hana).await;
    let after = change(&place.administrator, &before, json!({ "active": false })).await.expect(200).json();
    try_with(&known, hana, WRONG).await.expect(429);
    change(&place.administrator, &after, json!({ "active": true })).await.expect(200);
    try_with(&known, hana, PASSWORD).await.expect(201);
}
