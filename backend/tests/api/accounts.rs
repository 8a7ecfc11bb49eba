//! Accounts, and that nothing crosses them.

use crate::support::{PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;
use shared::{
    Page,
    account::Account,
    mail_server::ServerConfiguration,
    session::{AccessToken, ApiToken, ApiTokenSecret, Me},
};

const ACCOUNTS: &str = "/api/v1/provider/accounts";

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_manages_accounts_and_an_administrator_does_not() {
    let app = TestApp::start().await;
    let provider = app.provider().await;
    let administrator = app.administrator(&provider, "first").await;
    app.administrator(&provider, "second").await;

    let page = provider.get(&format!("{ACCOUNTS}?limit=1")).await.expect(200).json::<Page<Account>>();
    assert_eq!(page.items[0].name, "first");
    let cursor = page.next_cursor.expect("a second page");
    let page = provider.get(&format!("{ACCOUNTS}?limit=1&cursor={cursor}")).await.expect(200).json::<Page<Account>>();
    assert_eq!((page.items[0].name.as_str(), page.next_cursor), ("second", None));
    provider.get(&format!("{ACCOUNTS}?cursor=bm90IG91cnM")).await.expect_problem(422, "cursor");
    provider.get(&format!("{ACCOUNTS}?limit=0")).await.expect_problem(422, "limit");
    provider.get(&format!("{ACCOUNTS}?limt=1")).await.expect_problem(422, "limt");

    let taken = json!({ "name": "first", "plan": "standard",
        "administrator_email": "x@example.com", "administrator_password": PASSWORD });
    provider.post(ACCOUNTS, &taken).await.expect(409);
    administrator.get(ACCOUNTS).await.expect(403);
    administrator.post(ACCOUNTS, &taken).await.expect(403);
    app.anonymous().get(ACCOUNTS).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_account_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let provider = app.provider().await;
    app.administrator(&provider, "first").await;
    let same_user = json!({ "name": "second", "plan": "standard",
        "administrator_email": "administrator@first.example", "administrator_password": PASSWORD });
    provider.post(ACCOUNTS, &same_user).await.expect(409);
    assert_eq!(provider.get(ACCOUNTS).await.json::<Page<Account>>().items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_sees_an_account_only_inside_it() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    place.provider.get("/api/v1/server-configurations").await.expect(403);
    let account = place.provider.get(ACCOUNTS).await.json::<Page<Account>>().items.remove(0);

    let entered = place.provider.post(&format!("{ACCOUNTS}/{}/enter", account.id), &json!({})).await.expect(200);
    let inside = app.client(Some(entered.json::<AccessToken>().access_token));
    assert_eq!(inside.get("/api/v1/me").await.json::<Me>().account_name.as_deref(), Some("first"));
    inside.get(&place.path("")).await.expect(200);
    inside.create_configuration("By the provider").await;

    let left = inside.post(&format!("{ACCOUNTS}/leave"), &json!({})).await.expect(200);
    let outside = app.client(Some(left.json::<AccessToken>().access_token));
    outside.get(&place.path("")).await.expect(403);
    outside.post(&format!("{ACCOUNTS}/leave"), &json!({})).await.expect(409);
    let nowhere = uuid::Uuid::nil();
    outside.post(&format!("{ACCOUNTS}/{nowhere}/enter"), &json!({})).await.expect(404);
    outside.post(&format!("{ACCOUNTS}/no-id/enter"), &json!({})).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_finds_nothing() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let stranger = app.administrator(&place.provider, "stranger").await;
    let (_, mail_server) = place.mail_server(&app, "mx1").await;

    let rename = json!({ "name": "Stolen", "time_zone": "UTC" });
    stranger.get(&place.path("")).await.expect(404);
    stranger.send(stranger.request(Method::PATCH, &place.path("")).json(&rename)).await.expect(404);
    stranger.get(&place.path("/mail-servers")).await.expect(404);
    stranger.post(&place.path("/mail-servers"), &json!({ "name": "mx2" })).await.expect(404);
    let path = place.path(&format!("/mail-servers/{mail_server}/token"));
    stranger.post(&path, &json!({})).await.expect(404);
    let own = stranger.create_configuration("Own").await;
    let crossed = format!("/api/v1/server-configurations/{own}/mail-servers/{mail_server}/token");
    stranger.post(&crossed, &json!({})).await.expect(404);

    let list = stranger.get("/api/v1/server-configurations").await.json::<Vec<ServerConfiguration>>();
    assert_eq!(list.iter().map(|configuration| configuration.id).collect::<Vec<_>>(), [own]);
    let unchanged = place.administrator.get(&place.path("")).await.json::<ServerConfiguration>();
    assert_eq!(unchanged.name, "Main");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_say_until_it_is_revoked() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let new = json!({ "name": "script", "scopes": ["read"] });
    let made = place.administrator.post("/api/v1/tokens", &new).await.expect(201).json::<ApiTokenSecret>();
    let script = app.client(Some(made.secret));

    script.get(&place.path("")).await.expect(200);
    script.post("/api/v1/server-configurations", &json!({ "name": "x", "time_zone": "UTC" })).await.expect(403);
    script.get("/api/v1/me").await.expect(403);
    script.get("/api/v1/tokens").await.expect(403);
    let listed = place.administrator.get("/api/v1/tokens").await.json::<Vec<ApiToken>>();
    assert_eq!(listed[0].last_used_at, Some(app.clock.now()));

    let path = format!("/api/v1/tokens/{}", made.token.id);
    let stranger = app.administrator(&place.provider, "stranger").await;
    stranger.delete(&path).await.expect(404);
    script.get(&place.path("")).await.expect(200);
    place.administrator.delete(&path).await.expect(204);
    script.get(&place.path("")).await.expect(401);
    place.administrator.delete(&path).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_says_and_cannot_make_tokens() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let tokens = "/api/v1/tokens";
    let end = app.clock.now() + chrono::TimeDelta::hours(1);
    let new = json!({ "name": "script", "scopes": ["read", "manage"], "expires_at": end });
    let made = place.administrator.post(tokens, &new).await.expect(201).json::<ApiTokenSecret>();
    let script = app.client(Some(made.secret));
    script.post(tokens, &json!({ "name": "more", "scopes": ["lists"] })).await.expect(403);
    app.clock.set(end);
    script.get(&place.path("")).await.expect(401);

    let administrator = app.sign_in("administrator@first.example").await;
    let past = json!({ "name": "script", "scopes": ["read"], "expires_at": end });
    administrator.post(tokens, &past).await.expect_problem(422, "/expires_at");
    let agent = json!({ "name": "script", "scopes": ["read", "agent"] });
    administrator.post(tokens, &agent).await.expect_problem(422, "/scopes/1");
    administrator.post(tokens, &json!({ "name": "script", "scopes": [] })).await.expect_problem(422, "/scopes");
    administrator.post(tokens, &json!({ "name": "s", "scopes": ["all"] })).await.expect_problem(422, "/scopes/0");
}
