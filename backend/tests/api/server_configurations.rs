//! Server configurations and mail servers.

use crate::support::TestApp;
use reqwest::Method;
use serde_json::json;
use shared::mail_server::{MailServer, MailServerCredential, MailServerState, ServerConfiguration};

const CONFIGURATIONS: &str = "/api/v1/server-configurations";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_configuration_starts_empty_and_can_be_renamed() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let made = place.administrator.get(&place.path("")).await.expect(200).json::<ServerConfiguration>();
    assert_eq!((made.name.as_str(), made.list_version, made.list_count), ("Main", 0, 0));
    assert_eq!(made.created_at, app.clock.now());

    let change = json!({ "name": "Newsletters", "time_zone": "Asia/Tokyo" });
    let request = place.administrator.request(Method::PATCH, &place.path("")).json(&change);
    let changed = place.administrator.send(request).await.expect(200).json::<ServerConfiguration>();
    assert_eq!((changed.name.as_str(), changed.time_zone.as_str()), ("Newsletters", "Asia/Tokyo"));

    place.administrator.create_configuration("Main").await;
    place.administrator.post(CONFIGURATIONS, &json!({ "name": "Main", "time_zone": "UTC" })).await.expect(409);
    let request = place.administrator.request(Method::PATCH, &place.path(""));
    let taken = request.json(&json!({ "name": "Main", "time_zone": "UTC" }));
    place.administrator.send(taken).await.expect(409);
    let unchanged = place.administrator.get(&place.path("")).await.json::<ServerConfiguration>();
    assert_eq!(unchanged, changed);
    let list = place.administrator.get(CONFIGURATIONS).await.json::<Vec<ServerConfiguration>>();
    assert_eq!(list.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Main", "Newsletters"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_zone_that_does_not_exist_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let body = json!({ "name": "Mars", "time_zone": "Mars/Olympus" });
    let problem = place.administrator.post(CONFIGURATIONS, &body).await.expect_problem(422, "/time_zone");
    assert!(problem.errors[0].detail.contains("Asia/Tokyo"), "says how to write one: {problem:?}");
    let request = place.administrator.request(Method::PATCH, &place.path("")).json(&body);
    place.administrator.send(request).await.expect_problem(422, "/time_zone");
    let list = place.administrator.get(CONFIGURATIONS).await.json::<Vec<ServerConfiguration>>();
    assert_eq!(list.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_gets_a_token_that_a_new_one_replaces() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let servers = place.path("/mail-servers");
    let made = place.administrator.post(&servers, &json!({ "name": "mx1" })).await.expect(201);
    let made = made.json::<MailServerCredential>();
    assert_eq!((made.mail_server.state, made.mail_server.active), (MailServerState::Waiting, true));
    let agent = app.client(Some(made.token));
    // Known, but an agent reads nothing of the account.
    agent.get(&servers).await.expect(403);

    let renew = format!("{servers}/{}/token", made.mail_server.id);
    let renewed = place.administrator.post(&renew, &json!({})).await.expect(200).json::<MailServerCredential>();
    agent.get(&servers).await.expect(401);
    app.client(Some(renewed.token)).get(&servers).await.expect(403);

    place.administrator.post(&servers, &json!({ "name": "mx1" })).await.expect(409);
    let path = format!("{servers}/{}", made.mail_server.id);
    let request = place.administrator.request(Method::PATCH, &path).json(&json!({ "active": false }));
    let changed = place.administrator.send(request).await.expect(200).json::<MailServer>();
    assert_eq!((changed.name.as_str(), changed.active), ("mx1", false));
    let list = place.administrator.get(&servers).await.expect(200).json::<Vec<MailServer>>();
    assert_eq!(list, [changed]);
}
