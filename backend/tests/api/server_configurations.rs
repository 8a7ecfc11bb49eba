//! Server configurations and mail servers.

use crate::support::{
    TestApp,
    client::{Client, Response},
};
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use shared::mail_server::{MailServer, MailServerCredential, MailServerState, ServerConfiguration};

const CONFIGURATIONS: &str = "/api/v1/server-configurations";

/// Changes what was read at a revision.
async fn change(client: &Client, path: &str, revision: i64, change: &impl Serialize) -> Response {
    let request = client.request(Method::PATCH, path).header("If-Match", format!("\"{revision}\""));
    client.send(request.json(change)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_configuration_starts_empty_and_can_be_renamed() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let made = place.administrator.get(&place.path("")).await.expect(200).json::<ServerConfiguration>();
    assert_eq!((made.name.as_str(), made.list_version, made.list_count), ("Main", 0, 0));
    assert_eq!(made.created_at, app.clock.now());

    let renamed = json!({ "name": "Newsletters", "time_zone": "Asia/Tokyo" });
    let changed = change(&place.administrator, &place.path(""), made.revision, &renamed).await.expect(200);
    let changed = changed.json::<ServerConfiguration>();
    assert_eq!((changed.name.as_str(), changed.time_zone.as_str()), ("Newsletters", "Asia/Tokyo"));

    place.administrator.create_configuration("Main").await;
    place.administrator.post(CONFIGURATIONS, &json!({ "name": "Main", "time_zone": "UTC" })).await.expect(409);
    let taken = json!({ "name": "Main", "time_zone": "UTC" });
    change(&place.administrator, &place.path(""), changed.revision, &taken).await.expect(409);
    let unchanged = place.administrator.get(&place.path("")).await.json::<ServerConfiguration>();
    assert_eq!(unchanged, changed);
    let list: Vec<ServerConfiguration> = place.administrator.items(CONFIGURATIONS).await;
    assert_eq!(list.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Main", "Newsletters"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_zone_that_does_not_exist_is_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let body = json!({ "name": "Mars", "time_zone": "Mars/Olympus" });
    let problem = place.administrator.post(CONFIGURATIONS, &body).await.expect_problem(422, "/time_zone");
    assert!(problem.errors[0].detail.contains("Asia/Tokyo"), "says how to write one: {problem:?}");
    change(&place.administrator, &place.path(""), 1, &body).await.expect_problem(422, "/time_zone");
    let list: Vec<ServerConfiguration> = place.administrator.items(CONFIGURATIONS).await;
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
    agent.get("/api/v1/agent").await.expect(200);

    app.clock.set(app.clock.now() + TimeDelta::seconds(1));
    let renew = format!("{servers}/{}/token", made.mail_server.id);
    let renewed = place.administrator.post(&renew, &json!({})).await.expect(200).json::<MailServerCredential>();
    agent.get(&servers).await.expect(401);
    let agent = app.client(Some(renewed.token));
    agent.get(&servers).await.expect(403);
    // Its first call is noted, however short ago the last one with the old token was.
    app.clock.set(app.clock.now() + TimeDelta::seconds(1));
    agent.get("/api/v1/agent").await.expect(200);
    let seen = place.administrator.items::<MailServer>(&servers).await[0].last_seen_at;
    assert!(renewed.mail_server.last_seen_at.is_some() && seen > renewed.mail_server.last_seen_at, "{seen:?}");

    place.administrator.post(&servers, &json!({ "name": "mx1" })).await.expect(409);
    let path = format!("{servers}/{}", made.mail_server.id);
    let deactivated = json!({ "active": false });
    let changed = change(&place.administrator, &path, made.mail_server.revision, &deactivated).await.expect(200);
    let changed = changed.json::<MailServer>();
    assert_eq!((changed.name.as_str(), changed.active), ("mx1", false));
    let list: Vec<MailServer> = place.administrator.items(&servers).await;
    assert_eq!(list, [changed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_tokens_that_are_renewed_at_the_same_moment_one_works() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let (_, mail_server) = place.mail_server(&app, "mx1").await;
    let (renew, nothing) = (place.path(&format!("/mail-servers/{mail_server}/token")), json!({}));
    let mut working = 0;
    for answer in join_all((0..8).map(|_| place.administrator.post(&renew, &nothing))).await {
        let agent = app.client(Some(answer.expect(200).json::<MailServerCredential>().token));
        working += usize::from(agent.get("/api/v1/agent").await.status == 200);
    }
    assert_eq!(working, 1);
}

/// One after the other, and whoever has not seen the change before theirs is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_what_somebody_else_changed_changes_nothing() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let (_, mail_server) = place.mail_server(&app, "mx1").await;
    let administrator = &place.administrator;
    let configuration = (place.path(""), json!({ "name": "Newsletters", "time_zone": "UTC" }));
    let server = (place.path(&format!("/mail-servers/{mail_server}")), json!({ "name": "mx2" }));
    for (path, renamed) in [configuration, server] {
        administrator.send(administrator.request(Method::PATCH, &path).json(&renamed)).await.expect(428);
        let changed = change(administrator, &path, 1, &renamed).await.expect(200);
        assert_eq!(changed.headers["etag"], "\"2\"", "{path}");
        let mut late = renamed;
        late["name"] = json!("Too late");
        change(administrator, &path, 1, &late).await.expect(412);
        change(administrator, &path, 2, &late).await.expect(200);
    }
    let read = administrator.get(&place.path("")).await.expect(200);
    assert_eq!(read.headers["etag"], "\"3\"");
    assert_eq!(read.json::<ServerConfiguration>().name, "Too late");
    let servers: Vec<MailServer> = administrator.items(&place.path("/mail-servers")).await;
    assert_eq!(
        servers.iter().map(|server| (server.name.as_str(), server.revision)).collect::<Vec<_>>(),
        [("Too late", 3)]
    );
}
