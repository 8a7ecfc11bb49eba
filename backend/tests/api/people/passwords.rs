//! Changing one's password, and setting one by a link.

use super::{audited, change, me, reset_link, sign_in, user};
use crate::support::{PASSWORD, TestApp, secret_of};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use shared::user::PasswordResetPreview;

const PASSWORD_PATH: &str = "/api/v1/me/password";
const COMPLETE: &str = "/api/v1/password-resets/complete";
const PREVIEW: &str = "/api/v1/password-resets/preview";
const NEW: &str = "a new and longer password";
const EMAIL: &str = "administrator@first.example";

async fn put(client: &crate::support::client::Client, present: &str, new: &str) -> crate::support::client::Response {
    let body = json!({ "present_password": present, "new_password": new });
    client.send(client.request(Method::PUT, PASSWORD_PATH).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let here = &place.administrator;
    let elsewhere = app.sign_in(EMAIL).await;
    put(here, "wrong wrong wrong", NEW).await.expect_problem(422, "/present_password");
    for refused in ["short", "manchesterunited", "administrator@first.example1"] {
        put(here, PASSWORD, refused).await.expect_problem(422, "/new_password");
    }
    elsewhere.get("/api/v1/me").await.expect(200);

    put(here, PASSWORD, NEW).await.expect(204);
    here.get("/api/v1/me").await.expect(200);
    elsewhere.get("/api/v1/me").await.expect(401);
    sign_in(&app, EMAIL, PASSWORD).await.expect(401);
    sign_in(&app, EMAIL, NEW).await.expect(201);
    let (acts, text) = audited(&app, me(here).await.account_id).await;
    assert_eq!(acts.iter().filter(|(action, _)| action == "password.change").count(), 1, "{acts:?}");
    assert!(!text.contains(NEW) && !text.contains("argon2"), "the audit log has a password");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_in_a_stolen_session_is_slowed_down_for_that_session_only() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let thief = app.sign_in(EMAIL).await;
    for _ in 0..10 {
        put(&thief, "wrong wrong wrong", NEW).await.expect_problem(422, "/present_password");
    }
    put(&thief, PASSWORD, NEW).await.expect(429);
    sign_in(&app, EMAIL, PASSWORD).await.expect(201);
    put(&place.administrator, PASSWORD, NEW).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_the_same_however_they_are_typed() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    put(&place.administrator, "ｃｏｒｒｅｃｔ　horse battery staple", "すいか の たね を まく カフェ")
        .await
        .expect(204);
    sign_in(&app, EMAIL, "すいか の たね を まく ｶﾌｪ").await.expect(201);
    sign_in(&app, EMAIL, "すいか の たね を まく かふぇ").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_sets_a_password_once_and_ends_the_sessions() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let email = "hana@first.example";
    let hana = app.member(&place.administrator, email, "viewer").await;
    let id = user(&place.administrator, email).await.id;
    let replaced = reset_link(&place.administrator, id).await;
    let link = reset_link(&place.administrator, id).await;
    assert!(link.starts_with("/password-reset#"), "{link}");
    let anonymous = app.anonymous();
    let body = |link: &str, password: &str| json!({ "secret": secret_of(link), "password": password });
    anonymous.post(COMPLETE, &body(&replaced, NEW)).await.expect(404);
    let preview = anonymous.post(PREVIEW, &json!({ "secret": secret_of(&link) })).await.expect(200);
    assert_eq!(preview.json::<PasswordResetPreview>().email, email);
    anonymous.post(COMPLETE, &body(&link, "hana@first.example")).await.expect_problem(422, "/password");
    // Until it is used, nothing changes.
    hana.get("/api/v1/me").await.expect(200);
    sign_in(&app, email, PASSWORD).await.expect(201);

    let (first, second) = (body(&link, NEW), body(&link, "another and longer password"));
    let other_tab = app.anonymous();
    let (one, two) = tokio::join!(anonymous.post(COMPLETE, &first), other_tab.post(COMPLETE, &second));
    let mut answers = [one.status.as_u16(), two.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [204, 410], "in two tabs");
    let new = if one.status == 204 { NEW } else { "another and longer password" };
    hana.get("/api/v1/me").await.expect(401);
    sign_in(&app, email, PASSWORD).await.expect(401);
    sign_in(&app, email, new).await.expect(201);
    anonymous.post(PREVIEW, &json!({ "secret": secret_of(&link) })).await.expect(410);

    let (acts, text) = audited(&app, me(&place.administrator).await.account_id).await;
    let by = |action: &str, who: &str| (action.to_owned(), who.to_owned());
    assert!(
        acts.contains(&by("password_reset.create", EMAIL)) && acts.contains(&by("password.reset", email)),
        "{acts:?}"
    );
    assert!(!text.contains(&secret_of(&link)), "the audit log has the link");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_after_a_day_and_with_its_user_or_their_password() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let email = "hana@first.example";
    let hana = app.member(&place.administrator, email, "viewer").await;
    let anonymous = app.anonymous();
    let secret = |link: &str| -> Value { json!({ "secret": secret_of(link) }) };
    let id = user(&place.administrator, email).await.id;

    let before_change = reset_link(&place.administrator, id).await;
    put(&hana, PASSWORD, NEW).await.expect(204);
    anonymous.post(PREVIEW, &secret(&before_change)).await.expect(404);

    let before_leaving = reset_link(&place.administrator, id).await;
    let now = user(&place.administrator, email).await;
    change(&place.administrator, &now, json!({ "active": false })).await.expect(200);
    anonymous.post(PREVIEW, &secret(&before_leaving)).await.expect(404);
    let now = user(&place.administrator, email).await;
    change(&place.administrator, &now, json!({ "active": true })).await.expect(200);

    let link = reset_link(&place.administrator, id).await;
    app.clock.set(app.clock.now() + TimeDelta::days(1));
    anonymous.post(PREVIEW, &secret(&link)).await.expect(410);
    let body = json!({ "secret": secret_of(&link), "password": NEW });
    anonymous.post(COMPLETE, &body).await.expect(410);
}
