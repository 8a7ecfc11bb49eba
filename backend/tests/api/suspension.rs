//! Accounts that are suspended or change their plan, tokens that are limited, keys that are replaced.

use crate::support::{PASSWORD, TestApp, Workplace, client::Client};
use backend::service::{
    retention, runs,
    signing_keys::{self, Claims},
};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    Page, Problem,
    account::{Account, Plan},
    audit::AuditEntry,
    mail_server::ServerConfiguration,
    run::Run,
    run_settings::{RunSettings, default_conditions},
    session::{AccessToken, ApiTokenSecret, Me},
};
use std::num::NonZeroU32;

const ACCOUNTS: &str = "/api/v1/provider/accounts";

async fn update(provider: &Client, name: &str, change: Value) -> Account {
    let accounts: Page<Account> = provider.get(ACCOUNTS).await.expect(200).json();
    let account = accounts.items.into_iter().find(|account| account.name == name).expect("the account");
    let request = provider.request(Method::PATCH, &format!("{ACCOUNTS}/{}", account.id)).json(&change);
    provider.send(request.header("If-Match", format!("\"{}\"", account.revision))).await.expect(200).json()
}

fn kind(answer: &crate::support::client::Response) -> String {
    answer.json::<Problem>().kind
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_can_only_write_to_its_provider() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let Workplace { provider, administrator, .. } = &place;
    let (agent, _) = place.mail_server(&app, "mx1").await;
    let body = json!({ "name": "script", "scopes": ["read", "manage"] });
    let script: ApiTokenSecret = administrator.post("/api/v1/tokens", &body).await.expect(201).json();
    let script = app.client(Some(script.secret));
    let other = app.administrator(provider, "second").await;

    let suspended = update(provider, "first", json!({ "suspended": true })).await;
    assert_eq!(suspended.suspended_at, Some(app.clock.now()));
    for client in [administrator, &script, &app.sign_in("administrator@first.example").await] {
        for path in
            ["/api/v1/server-configurations", &place.path(""), &place.path("/blocked-addresses"), "/api/v1/audit-log"]
        {
            assert_eq!(kind(&client.get(path).await.expect(403)), "/problems/account-suspended", "{path}");
        }
        client.post("/api/v1/server-configurations", &json!({ "name": "x", "time_zone": "UTC" })).await.expect(403);
    }
    administrator.get("/api/v1/users").await.expect(403);
    assert_eq!(kind(&agent.get("/api/v1/agent").await.expect(403)), "/problems/account-suspended");
    agent.post(&place.path("/delivery-events"), &json!([])).await.expect(403);

    // Its people can sign in, see why, and ask.
    assert!(administrator.get("/api/v1/me").await.expect(200).json::<Me>().account_suspended);
    let inquiry = json!({ "category": "other", "subject": "Suspended?", "text": "Why?" });
    administrator.post("/api/v1/inquiries", &inquiry).await.expect(201);
    administrator.get("/api/v1/inquiries").await.expect(200);
    // The provider works in it, and nobody else is concerned.
    let entrance = app.sign_in("provider@example.com").await;
    let entered = entrance.post(&format!("{ACCOUNTS}/{}/enter", suspended.id), &json!({})).await.expect(200);
    let inside = app.client(Some(entered.json::<AccessToken>().access_token));
    inside.get(&place.path("")).await.expect(200);
    other.get("/api/v1/server-configurations").await.expect(200);

    // Suspending again changes nothing of when it was.
    app.clock.set(app.clock.now() + TimeDelta::minutes(1));
    assert_eq!(update(provider, "first", json!({ "suspended": true })).await.suspended_at, suspended.suspended_at);
    assert_eq!(update(provider, "first", json!({ "suspended": false })).await.suspended_at, None);
    administrator.get(&place.path("")).await.expect(200);
    agent.get("/api/v1/agent").await.expect(200);
    let log: Page<AuditEntry> = administrator.get("/api/v1/audit-log?q=account.update").await.expect(200).json();
    assert_eq!(log.items[0].after.as_ref().unwrap()["suspended_at"], Value::Null);
    assert!(log.items[0].before.as_ref().unwrap()["suspended_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_a_suspended_account_wait_and_are_made_up_once() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let due = async || {
        runs::schedule(&app.running.state).await.expect("a look at the clock");
        let provider = app.sign_in("administrator@first.example").await;
        provider.get(&place.path("/runs")).await.expect(200).json::<Page<Run>>().items.len()
    };
    update(&place.provider, "first", json!({ "suspended": true })).await;
    app.clock.set(app.clock.now() + TimeDelta::days(3));
    runs::schedule(&app.running.state).await.expect("a look at the clock");
    let provider = app.sign_in("provider@example.com").await;
    update(&provider, "first", json!({ "suspended": false })).await;
    assert_eq!(due().await, 1, "the latest missed day only, and none while it was suspended");
    assert_eq!(due().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_changed_and_standard_has_the_default_settings() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let Workplace { provider, administrator, .. } = &place;
    let path = place.path("/run-settings");
    let settings: RunSettings = administrator.get(&path).await.expect(200).json();
    let mut conditions = settings.conditions.clone();
    conditions[0].enabled = false;
    conditions[1].frequency = 7;
    let changed = json!({ "execute_timing": "03:30", "watch_period_days": 90, "watch_warning": 5,
        "success_resets_count": true, "conditions": conditions, "delivery_timing": "next_execution" });
    let request = administrator.request(Method::PUT, &path).json(&changed);
    administrator.send(request.header("If-Match", format!("\"{}\"", settings.revision))).await.expect(200);

    assert_eq!(update(provider, "first", json!({ "plan": "standard" })).await.plan, Plan::Standard);
    administrator.get(&place.path("/blocked-addresses")).await.expect(403);
    let standard: RunSettings = administrator.get(&path).await.expect(200).json();
    assert_eq!(standard.conditions, default_conditions());
    assert_eq!(
        (standard.execute_timing.as_str(), standard.watch_period_days, standard.watch_warning),
        ("00:00", None, 1_000)
    );
    assert!(!standard.success_resets_count && standard.revision == settings.revision + 2);
    assert_eq!(standard.next_execution.to_rfc3339(), "2026-11-25T00:00:00+00:00");
    let log: Page<AuditEntry> = administrator.get("/api/v1/audit-log?q=run_settings.reset").await.expect(200).json();
    assert_eq!(log.items[0].before.as_ref().unwrap()["execute_timing"], "03:30");
    assert_eq!(log.items[0].actor_name, "provider@example.com");

    // Back again: everything is there, and the settings are where Standard left them.
    update(provider, "first", json!({ "plan": "professional" })).await;
    administrator.get(&place.path("/blocked-addresses")).await.expect(200);
    assert_eq!(administrator.get(&path).await.expect(200).json::<RunSettings>().conditions, default_conditions());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_touches_only_its_server_configurations() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let Workplace { provider, administrator, configuration } = &place;
    let other = administrator.create_configuration("Other").await;
    let foreign = app.administrator(provider, "second").await.create_configuration("Foreign").await;
    let scopes = ["read", "events", "lists", "manage"];
    let limited = json!({ "name": "limited", "scopes": scopes, "server_configuration_ids": [configuration] });
    let made: ApiTokenSecret = administrator.post("/api/v1/tokens", &limited).await.expect(201).json();
    assert_eq!(made.token.server_configuration_ids, Some(vec![*configuration]));
    let script = app.client(Some(made.secret));

    let listed: Vec<ServerConfiguration> = script.items("/api/v1/server-configurations").await;
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [*configuration]);
    script.get(&place.path("/blocked-addresses")).await.expect(200);
    script.post(&place.path("/runs"), &json!({})).await.expect(202);
    // What it may not touch is as what is not there.
    let not_there =
        said(&script.get(&format!("/api/v1/server-configurations/{}", uuid::Uuid::now_v7())).await.expect(404));
    for id in [other, foreign] {
        let path = format!("/api/v1/server-configurations/{id}");
        assert_eq!(said(&script.get(&path).await.expect(404)), not_there);
        script.post(&format!("{path}/runs"), &json!({})).await.expect(404);
        script.post(&format!("{path}/delivery-events"), &json!([])).await.expect(404);
    }
    // Nor what belongs to the account as a whole.
    script.post("/api/v1/server-configurations", &json!({ "name": "x", "time_zone": "UTC" })).await.expect(403);
    for path in ["/api/v1/inquiries", "/api/v1/live", "/api/v1/audit-log", "/api/v1/audit-log.csv"] {
        script.get(path).await.expect(403);
    }

    for (ids, pointer) in [
        (json!([configuration, foreign]), "/server_configuration_ids/1"),
        (json!([]), "/server_configuration_ids"),
        (json!(["x"]), "/server_configuration_ids/0"),
    ] {
        let wrong = json!({ "name": "wrong", "scopes": ["read"], "server_configuration_ids": ids });
        administrator.post("/api/v1/tokens", &wrong).await.expect_problem(422, pointer);
    }
}

fn said(answer: &crate::support::client::Response) -> Problem {
    Problem { request_id: None, ..answer.json() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_and_nobody_is_signed_out() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let state = &app.running.state;
    let rotate = async |at_once| signing_keys::rotate(&state.db, app.clock.now(), at_once).await.expect("a new key");
    rotate(false).await;
    // This node has not heard of it: it signs with the old one and reads both.
    let before = app.sign_in("administrator@first.example").await;
    state.signer.reload(&state.db).await.expect("the keys");
    let after = app.sign_in("administrator@first.example").await;
    for client in [&place.administrator, &before, &after] {
        client.get(&place.path("")).await.expect(200);
    }
    // Nor do those who were there long ago stay: the first key goes with the next rotation after an hour.
    app.clock.set(app.clock.now() + TimeDelta::hours(1));
    rotate(false).await;
    app.clock.set(app.clock.now() + TimeDelta::hours(1));
    rotate(false).await;
    let left = backend::store::signing_keys::list(state.db.connection()).await.expect("keys").len();
    assert_eq!(left, 2, "the one that signs, and the one that was just replaced");

    let browser = app.anonymous();
    let body = json!({ "email": "administrator@first.example", "password": PASSWORD });
    let fresh: AccessToken = browser.post("/api/v1/sessions", &body).await.expect(201).json();
    rotate(true).await;
    state.signer.reload(&state.db).await.expect("the keys");
    app.client(Some(fresh.access_token)).get(&place.path("")).await.expect(401);
    // Sessions are not signed: the refresh cookie fetches a token that is believed.
    let refresh = browser.request(Method::POST, "/api/v1/sessions/refresh").header("X-Requested-With", "stoplist");
    let healed: AccessToken = browser.send(refresh).await.expect(200).json();
    app.client(Some(healed.access_token)).get(&place.path("")).await.expect(200);
    let log = app.sign_in("provider@example.com").await.get("/api/v1/audit-log?q=signing_key").await;
    assert_eq!(log.expect(200).json::<Page<AuditEntry>>().items.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_replaced_an_hour_ago_is_forgotten() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let state = &app.running.state;
    let body = json!({ "email": "administrator@first.example", "password": PASSWORD });
    let token: AccessToken = app.anonymous().post("/api/v1/sessions", &body).await.expect(201).json();
    let claims = state.signer.read(&token.access_token, app.clock.now()).expect("our token");
    // Who has the key signs for as long as they like.
    let exp = (app.clock.now() + TimeDelta::days(1)).timestamp();
    let forger = app.client(Some(state.signer.sign(&Claims { exp, ..claims }).expect("a token")));
    signing_keys::rotate(&state.db, app.clock.now(), false).await.expect("a new key");
    state.signer.reload(&state.db).await.expect("the keys");
    app.clock.set(app.clock.now() + TimeDelta::minutes(59));
    forger.get(&place.path("")).await.expect(200);
    app.clock.set(app.clock.now() + TimeDelta::minutes(1));
    forger.get(&place.path("")).await.expect(401);
    retention::remove_old(state).await.expect("old keys removed");
    let left = backend::store::signing_keys::list(state.db.connection()).await.expect("keys").len();
    assert_eq!(left, 1, "the one that signs");
    app.sign_in("administrator@first.example").await.get(&place.path("")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_what_another_signed_with_a_newer_key() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let state = &app.running.state;
    signing_keys::rotate(&state.db, app.clock.now(), false).await.expect("a new key");
    let other = signing_keys::Signer::load(&state.db, app.clock.now()).await.expect("another node's keys");
    // The other node signs for a session that this one began.
    let body = json!({ "email": "administrator@first.example", "password": PASSWORD });
    let token: AccessToken = app.anonymous().post("/api/v1/sessions", &body).await.expect(201).json();
    let claims = state.signer.read(&token.access_token, app.clock.now()).expect("our token");
    let theirs = other.sign(&claims).expect("their token");
    assert!(state.signer.is_unknown(&theirs));
    app.client(Some(theirs)).get(&place.path("")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_not_read_again_for_a_stranger_who_asks_too_often() {
    let app = TestApp::start_where(|settings| settings.request_rate = NonZeroU32::MIN).await;
    app.provider().await;
    let state = &app.running.state;
    let body = json!({ "email": "provider@example.com", "password": PASSWORD });
    let token: AccessToken = app.anonymous().post("/api/v1/sessions", &body).await.expect(201).json();
    let claims = state.signer.read(&token.access_token, app.clock.now()).expect("our token");
    let stranger = app.client(Some("no token".to_owned()));
    // One more request is let through each second, which may be this one.
    for _ in 0..3 {
        signing_keys::rotate(&state.db, app.clock.now(), false).await.expect("a new key");
        let other = signing_keys::Signer::load(&state.db, app.clock.now()).await.expect("another node's keys");
        let theirs = app.client(Some(other.sign(&claims).expect("their token")));
        while stranger.get("/api/v1/me").await.status != 429 {}
        if theirs.get("/api/v1/me").await.status == 429 {
            return;
        }
    }
    panic!("it was not counted");
}
