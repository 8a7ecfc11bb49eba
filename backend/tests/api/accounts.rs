//! Accounts, and that nothing crosses them.

use crate::support::{PASSWORD, TestApp, client::Client};
use backend::service::signing_keys::{self, ScriptClaims};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;
use shared::{
    Page,
    account::Account,
    audit::AuditEntry,
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
    inside.get(&place.path("")).await.expect(401);
    outside.post(&format!("{ACCOUNTS}/leave"), &json!({})).await.expect(409);
    let nowhere = uuid::Uuid::nil();
    outside.post(&format!("{ACCOUNTS}/{nowhere}/enter"), &json!({})).await.expect(404);
    outside.post(&format!("{ACCOUNTS}/no-id/enter"), &json!({})).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_enters_another_account_or_signs_out_has_left_the_first() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    app.administrator(&place.provider, "second").await;
    let accounts = place.provider.get(ACCOUNTS).await.json::<Page<Account>>().items;
    let browser = app.sign_in("provider@example.com").await;
    let enter = async |client: &Client, account: &Account| {
        let entered = client.post(&format!("{ACCOUNTS}/{}/enter", account.id), &json!({})).await.expect(200);
        app.client(Some(entered.json::<AccessToken>().access_token))
    };
    let in_first = enter(&browser, &accounts[0]).await;
    let in_second = enter(&in_first, &accounts[1]).await;
    in_first.get("/api/v1/me").await.expect(401);
    in_second.delete("/api/v1/sessions/current").await.expect(204);
    for account in &accounts {
        let inside = enter(&place.provider, account).await;
        let log: Page<AuditEntry> = inside.get("/api/v1/audit-log?q=account.&limit=3").await.expect(200).json();
        let log: Vec<_> = log.items.into_iter().map(|entry| entry.action).collect();
        assert_eq!(log, ["account.enter", "account.leave", "account.enter"], "{}", account.name);
        inside.post(&format!("{ACCOUNTS}/leave"), &json!({})).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_changes_what_an_account_may_use() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let account = place.provider.get(ACCOUNTS).await.json::<Page<Account>>().items.remove(0);
    assert_eq!((account.downloads_enabled, account.event_retention_days), (false, 90));
    let path = format!("{ACCOUNTS}/{}", account.id);
    let change = async |client: &Client, tag: Option<&str>, body: serde_json::Value| {
        let request = client.request(Method::PATCH, &path).json(&body);
        client.send(tag.map_or(request.try_clone().expect("a body"), |tag| request.header("If-Match", tag))).await
    };

    let read = place.provider.get(&path).await.expect(200);
    let tag = read.headers["etag"].to_str().expect("a tag").to_owned();
    assert_eq!(read.json::<Account>(), account);
    let wanted = json!({ "downloads_enabled": true });
    change(&place.provider, None, wanted.clone()).await.expect(428);
    change(&place.provider, Some("\"77\""), wanted.clone()).await.expect(412);
    for (field, wrong) in [
        ("/event_retention_days", json!({ "event_retention_days": 0 })),
        ("/event_retention_days", json!({ "event_retention_days": 3_651 })),
        ("/upload_max_bytes", json!({ "upload_max_bytes": 0 })),
        ("/upload_max_bytes", json!({ "upload_max_bytes": (1_u64 << 40) + 1 })),
        ("/downloads_enabled", json!({ "downloads_enabled": "yes" })),
        ("/plan", json!({ "plan": "gold" })),
        ("/suspended", json!({ "suspended": 1 })),
    ] {
        change(&place.provider, Some(&tag), wrong).await.expect_problem(422, field);
    }
    change(&place.administrator, Some(&tag), wanted.clone()).await.expect(403);
    let me = || async { place.administrator.get("/api/v1/me").await.json::<Me>().downloads_enabled };
    assert!(!me().await, "nothing changed");

    let changed = change(&place.provider, Some(&tag), wanted).await.expect(200);
    assert_ne!(changed.headers["etag"].to_str().expect("a tag"), tag);
    assert!(me().await);
    change(&place.provider, Some(&tag), json!({ "event_retention_days": 30 })).await.expect(412);
    let tag = changed.headers["etag"].to_str().expect("a tag");
    let changed = change(&place.provider, Some(tag), json!({ "event_retention_days": 30 })).await.expect(200);
    let account = changed.json::<Account>();
    assert_eq!((account.downloads_enabled, account.event_retention_days), (true, 30), "what is absent stays");
    place.provider.get(&format!("{ACCOUNTS}/{}", uuid::Uuid::nil())).await.expect(404);

    let connection = app.running.state.db.connection();
    let sql = "SELECT before_value, after_value FROM audit_log WHERE action = 'account.update' AND account_id = $1 \
               ORDER BY id DESC";
    let rows = connection.query_all_raw(backend::store::statement(connection, sql, [account.id.into()])).await;
    let rows = rows.expect("the audit log");
    assert_eq!(rows.len(), 2);
    let value = |name: &str| rows[0].try_get::<String>("", name).expect("a text");
    assert_eq!(
        value("before_value"),
        r#"{"downloads_enabled":true,"event_retention_days":90,"name":"first","plan":"professional","suspended_at":null,"upload_max_bytes":1073741824}"#
    );
    assert_eq!(
        value("after_value"),
        r#"{"downloads_enabled":true,"event_retention_days":30,"name":"first","plan":"professional","suspended_at":null,"upload_max_bytes":1073741824}"#
    );
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

    let list: Vec<ServerConfiguration> = stranger.items("/api/v1/server-configurations").await;
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
    let listed: Vec<ApiToken> = place.administrator.items("/api/v1/tokens").await;
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
async fn a_script_reads_in_its_token_what_it_is_and_nobody_else_can_write_one() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let end = app.clock.now() + chrono::TimeDelta::days(90);
    let new = json!({ "name": "script", "scopes": ["read", "lists"], "expires_at": end });
    let made = place.administrator.post("/api/v1/tokens", &new).await.expect(201).json::<ApiTokenSecret>();
    let parts: Vec<&str> = made.secret.split('.').collect();
    let [header, claims] = [0, 1].map(|part| -> serde_json::Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[part]).expect("base64url")).expect("JSON")
    });
    assert_eq!((&header["alg"], &header["typ"]), (&json!("HS256"), &json!("JWT")));
    assert_eq!((&claims["jti"], &claims["scope"]), (&json!(made.token.id), &json!("read lists")));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(app.clock.now().timestamp()), &json!(end.timestamp())));

    // The key that signed it is gone, because somebody else may know it.
    let state = &app.running.state;
    let signer = state.signer.clone();
    signing_keys::rotate(&state.db, app.clock.now(), true).await.expect("a new key");
    signer.reload(&state.db).await.expect("the keys");
    app.client(Some(made.secret.clone())).get(&place.path("")).await.expect(200);
    // Nor does a signature alone make a token.
    let forged = ScriptClaims {
        jti: made.token.id,
        scope: "read lists manage".to_owned(),
        iat: app.clock.now().timestamp(),
        exp: None,
        secret: claims["secret"].as_str().expect("a text").to_owned(),
    };
    let forged = signer.sign_for_script(&forged).expect("a token");
    app.client(Some(forged)).get(&place.path("")).await.expect(401);
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
