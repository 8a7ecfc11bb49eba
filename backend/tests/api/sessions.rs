//! Set-up, signing in, staying signed in, signing out.

use crate::support::{PASSWORD, TestApp};
use backend::config::PasswordCost;
use chrono::TimeDelta;
use reqwest::{Method, header::SET_COOKIE};
use sea_orm::ConnectionTrait;
use serde_json::json;
use shared::session::{AccessToken, Me, Role, SetupState};
use std::time::{Duration, Instant};

const REFRESH: &str = "/api/v1/sessions/refresh";

#[tokio::test(flavor = "multi_thread")]
async fn the_setup_code_makes_one_provider_and_then_no_more() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    assert!(anonymous.get("/api/v1/setup").await.expect(200).json::<SetupState>().required);

    let wrong = json!({ "code": "AAAA-AAAA-AAAA", "email": "a@example.com", "password": PASSWORD });
    anonymous.post("/api/v1/setup", &wrong).await.expect_problem(422, "/code");
    let code = app.running.setup_code.clone().expect("a code");
    let short = json!({ "code": code, "email": "a@example.com", "password": "short" });
    anonymous.post("/api/v1/setup", &short).await.expect_problem(422, "/password");
    let no_address = json!({ "code": code, "email": "nobody", "password": PASSWORD });
    anonymous.post("/api/v1/setup", &no_address).await.expect_problem(422, "/email");
    assert!(anonymous.get("/api/v1/setup").await.expect(200).json::<SetupState>().required);

    let provider = app.provider().await;
    let me = provider.get("/api/v1/me").await.expect(200).json::<Me>();
    assert_eq!((me.role, me.account_id), (Role::Provider, None));
    assert!(!anonymous.get("/api/v1/setup").await.expect(200).json::<SetupState>().required);
    let again = json!({ "code": code, "email": "b@example.com", "password": PASSWORD });
    anonymous.post("/api/v1/setup", &again).await.expect(409);

    let app = app.restart().await;
    assert_eq!(app.running.setup_code, None, "a service that is set up prints no code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let app = TestApp::start().await;
    app.provider().await;
    let mut answers = vec![];
    for email in ["provider@example.com", "nobody@example.com", "no address"] {
        let body = json!({ "email": email, "password": "wrong wrong wrong" });
        let answer = app.anonymous().post("/api/v1/sessions", &body).await.expect(401);
        let mut problem = answer.json::<serde_json::Value>();
        problem.as_object_mut().expect("an object").remove("request_id").expect("a request id");
        answers.push(problem);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    // The address is the same in another spelling.
    app.sign_in("Provider@EXAMPLE.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_ends_after_a_quarter_of_an_hour_and_is_refreshed() {
    let app = TestApp::start().await;
    app.provider().await;
    let browser = app.anonymous();
    let sign_in = json!({ "email": "provider@example.com", "password": PASSWORD });
    let answer = browser.post("/api/v1/sessions", &sign_in).await.expect(201);
    let cookie = answer.headers[SET_COOKIE].to_str().expect("text").to_owned();
    for part in ["stoplist_refresh=", "HttpOnly", "SameSite=Strict", "Path=/api/v1/sessions"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "on http a browser would drop it: {cookie}");
    let first = app.client(Some(answer.json::<AccessToken>().access_token));
    first.get("/api/v1/me").await.expect(200);
    app.clock.set(app.clock.now() + TimeDelta::minutes(15));
    first.get("/api/v1/me").await.expect(401);

    browser.post(REFRESH, &json!({})).await.expect(403);
    let refresh = || browser.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist");
    let second = browser.send(refresh()).await.expect(200).json::<AccessToken>();
    app.client(Some(second.access_token)).get("/api/v1/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_a_month_however_often_it_is_refreshed() {
    let app = TestApp::start().await;
    app.provider().await;
    let browser = app.anonymous();
    let sign_in = json!({ "email": "provider@example.com", "password": PASSWORD });
    browser.post("/api/v1/sessions", &sign_in).await.expect(201);
    let refresh = || browser.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist");
    for _ in 0..3 {
        app.clock.set(app.clock.now() + TimeDelta::days(9));
        browser.send(refresh()).await.expect(200);
    }
    app.clock.set(app.clock.now() + TimeDelta::days(3));
    browser.send(refresh()).await.expect(401);
    browser.post("/api/v1/sessions", &sign_in).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_used_again_later_ends_the_session() {
    let app = TestApp::start().await;
    app.provider().await;
    let sign_in = json!({ "email": "provider@example.com", "password": PASSWORD });
    let browser = app.anonymous();
    let answer = browser.post("/api/v1/sessions", &sign_in).await.expect(201);
    let cookie = answer.headers[SET_COOKIE].to_str().expect("text");
    let stolen = cookie.split(';').next().expect("a pair").to_owned();
    let thief = app.anonymous();
    let use_stolen =
        || thief.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist").header("Cookie", &stolen);
    let refresh = || browser.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist");

    browser.send(refresh()).await.expect(200);
    // At the same moment it may be a second tab: it gets an access token, but no new cookie.
    let second_tab = thief.send(use_stolen()).await.expect(200);
    assert!(!second_tab.headers.contains_key(SET_COOKIE));
    app.clock.set(app.clock.now() + TimeDelta::minutes(1));
    thief.send(use_stolen()).await.expect(401);
    browser.send(refresh()).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_used_again_ends_the_session_however_often_it_was_replaced() {
    let app = TestApp::start().await;
    app.provider().await;
    let sign_in = json!({ "email": "provider@example.com", "password": PASSWORD });
    let thief = app.anonymous();
    let answer = thief.post("/api/v1/sessions", &sign_in).await.expect(201);
    let own = answer.headers[SET_COOKIE].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let refresh = || thief.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist");
    for _ in 0..2 {
        thief.send(refresh()).await.expect(200);
    }
    let victim = app.anonymous();
    // What names the session alone does not end it.
    let (name, token) = own.split_once('=').expect("a value");
    let (id, rest) = token.split_once('.').expect("a session");
    let (family, secret) = rest.split_once('.').expect("a family");
    let with = |cookie: String| {
        victim.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist").header("Cookie", cookie)
    };
    for forged in
        [format!("{name}={id}.{secret}"), format!("{name}={id}.{secret}.{family}"), format!("{name}={id}.x.x")]
    {
        victim.send(with(forged)).await.expect(401);
    }
    thief.send(refresh()).await.expect(200);
    victim.send(with(own.clone())).await.expect(401);
    thief.send(refresh()).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_before_there_were_families_goes_on() {
    let app = TestApp::start().await;
    app.provider().await;
    let sign_in = json!({ "email": "provider@example.com", "password": PASSWORD });
    let answer = app.anonymous().post("/api/v1/sessions", &sign_in).await.expect(201);
    let cookie = answer.headers[SET_COOKIE].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let connection = app.running.state.db.connection();
    connection.execute_unprepared("UPDATE sessions SET family_hash = NULL").await.expect("as before");
    let (id, rest) = cookie.split_once('.').expect("a session");
    let old = format!("{id}.{}", rest.split_once('.').expect("a family").1);
    let browser = app.anonymous();
    let refresh = || browser.request(Method::POST, REFRESH).header("X-Requested-With", "stoplist");
    let answer = browser.send(refresh().header("Cookie", &old)).await.expect(200);
    assert_eq!(answer.headers[SET_COOKIE].to_str().expect("text").matches('.').count(), 2, "it has a family now");
    // A second tab that sent the old one, too.
    app.anonymous().send(refresh().header("Cookie", &old)).await.expect(200);
    for _ in 0..2 {
        browser.send(refresh()).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_at_once() {
    let app = TestApp::start().await;
    let provider = app.provider().await;
    provider.delete("/api/v1/sessions/current").await.expect(204);
    provider.get("/api/v1/me").await.expect(401);
    app.client(Some("no token".to_owned())).get("/api/v1/me").await.expect(401);
    app.client(Some("sl_unknown".to_owned())).get("/api/v1/tokens").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_passwords_is_slowed_down_for_one_user_only() {
    let app = TestApp::start().await;
    let provider = app.provider().await;
    app.administrator(&provider, "first").await;
    let anonymous = app.anonymous();
    let wrong = json!({ "email": "provider@example.com", "password": "wrong wrong wrong" });
    for _ in 0..10 {
        anonymous.post("/api/v1/sessions", &wrong).await.expect(401);
    }
    let right = json!({ "email": "Provider@example.com", "password": PASSWORD });
    let answer = anonymous.post("/api/v1/sessions", &right).await.expect(429);
    let seconds: i64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((890..=901).contains(&seconds), "{seconds}");
    app.sign_in("administrator@first.example").await;
    app.clock.set(app.clock.now() + TimeDelta::seconds(seconds));
    anonymous.post("/api/v1/sessions", &right).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_takes_as_long_as_a_wrong_password() {
    let app = TestApp::start_where(|settings| settings.password_cost = PasswordCost::Recommended).await;
    app.provider().await;
    let anonymous = app.anonymous();
    let took = async |email: &str| {
        let body = json!({ "email": email, "password": "wrong wrong wrong" });
        let begun = Instant::now();
        anonymous.post("/api/v1/sessions", &body).await.expect(401);
        begun.elapsed()
    };
    // Without a hash to compute, an answer takes a tenth of the time. The machine is shared: the quickest of each are
    // compared, which come together the more there are; of wrong passwords ten are free.
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for n in 0..10 {
        known = known.min(took("provider@example.com").await);
        unknown = unknown.min(took(&format!("nobody-{n}@example.com")).await);
        if n >= 2 && unknown < known * 2 && known < unknown * 2 {
            return;
        }
    }
    panic!("a wrong password takes {known:?}, an unknown user {unknown:?}");
}
