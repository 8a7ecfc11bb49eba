//! One's own sessions: seeing and ending them.

use super::{audited, me};
use crate::support::{PASSWORD, TestApp, client::Client};
use chrono::TimeDelta;
use reqwest::{
    Method,
    header::{SET_COOKIE, USER_AGENT},
};
use serde_json::json;
use shared::session::{AccessToken, OwnSession};
use uuid::Uuid;

const SESSIONS: &str = "/api/v1/me/sessions";
const REFRESH: &str = "/api/v1/sessions/refresh";
const EMAIL: &str = "administrator@first.example";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

async fn list(client: &Client) -> Vec<OwnSession> {
    client.items(SESSIONS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_with_where_they_are_used() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let began = app.clock.now();
    let browser = app.anonymous();
    let sign_in = json!({ "email": EMAIL, "password": PASSWORD });
    let request = browser.request(Method::POST, "/api/v1/sessions").json(&sign_in).header(USER_AGENT, "curl/8.14.1");
    browser.send(request).await.expect(201);
    app.clock.set(began + TimeDelta::minutes(10));
    let refresh = browser.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist");
    let token = browser.send(refresh.header(USER_AGENT, FIREFOX)).await.expect(200).json::<AccessToken>();

    let sessions = list(&place.administrator).await;
    assert_eq!(sessions.len(), 2);
    let other = &sessions[0];
    assert_eq!((other.this, sessions[1].this), (false, true), "last used first");
    assert_eq!((other.created_at, other.last_used_at), (began, app.clock.now()));
    assert_eq!(other.client_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(other.client.as_deref(), Some("Firefox, Linux"));
    assert!(list(&app.client(Some(token.access_token))).await[0].this);
    // The provider's are its own.
    assert_eq!(list(&place.provider).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_ended_by_its_user_only() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let lost = app.sign_in(EMAIL).await;
    let id = list(&lost).await.into_iter().find(|session| session.this).expect("this session").id;
    let path = format!("{SESSIONS}/{id}");
    let second = app.member(&place.administrator, "second@first.example", "administrator").await;
    second.delete(&path).await.expect(404);
    place.provider.delete(&path).await.expect(404);
    place.administrator.delete(&format!("{SESSIONS}/{}", Uuid::nil())).await.expect(404);
    lost.get("/api/v1/me").await.expect(200);
    place.administrator.delete(&path).await.expect(204);
    lost.get("/api/v1/me").await.expect(401);
    place.administrator.delete(&path).await.expect(404);
    place.administrator.get("/api/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_others_are_ended_at_once() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let others = [app.sign_in(EMAIL).await, app.sign_in(EMAIL).await];
    let second = app.member(&place.administrator, "second@first.example", "administrator").await;
    place.administrator.delete(SESSIONS).await.expect(204);
    for other in &others {
        other.get("/api/v1/me").await.expect(401);
    }
    second.get("/api/v1/me").await.expect(200);
    assert_eq!(list(&place.administrator).await.len(), 1);
    let (acts, text) = audited(&app, me(&second).await.account_id).await;
    assert!(acts.contains(&("session.revoke_others".to_owned(), EMAIL.to_owned())), "{acts:?}");
    assert!(text.contains(r#""ended":2"#), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_because_its_refresh_token_came_twice_is_in_the_log() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let provider = "provider@example.com";
    let (browser, thief) = (app.anonymous(), app.anonymous());
    let sign_in = json!({ "email": provider, "password": PASSWORD });
    let begun = browser.post("/api/v1/sessions", &sign_in).await.expect(201);
    let stolen = begun.headers[SET_COOKIE].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let inside = app.client(Some(begun.json::<AccessToken>().access_token));
    let account = me(&place.administrator).await.account_id;
    let enter = format!("/api/v1/provider/accounts/{}/enter", account.expect("an account"));
    inside.post(&enter, &json!({})).await.expect(200);
    let refresh = |client: &Client| client.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist");
    browser.send(refresh(&browser).header(USER_AGENT, FIREFOX)).await.expect(200);

    app.clock.set(app.clock.now() + TimeDelta::minutes(1));
    for _ in 0..2 {
        thief.send(refresh(&thief).header("Cookie", &stolen)).await.expect(401);
    }
    browser.send(refresh(&browser)).await.expect(401);
    let (acts, text) = audited(&app, None).await;
    let ended: Vec<_> = acts.iter().filter(|(action, _)| action == "session.end_reused").collect();
    assert_eq!(ended, [&("session.end_reused".to_owned(), provider.to_owned())], "once");
    assert!(text.contains("Firefox, Linux"), "with what it was last used: {text}");
    let (acts, _) = audited(&app, account).await;
    assert!(acts.contains(&("account.leave".to_owned(), provider.to_owned())), "{acts:?}");
}
