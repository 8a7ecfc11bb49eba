//! Links to downloads: for a minute, for one search, and for nothing else.

use super::{Scene, parse};
use crate::support::{PASSWORD, client::Response, start_of_test};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use shared::{
    Page, Problem,
    account::Account,
    download::DownloadLink,
    session::{AccessToken, ApiTokenSecret},
};

impl Scene {
    async fn link(&self, list: &str, parameters: Value) -> DownloadLink {
        self.ask(list, parameters).await.expect(201).json()
    }

    async fn ask(&self, list: &str, parameters: Value) -> Response {
        let body = json!({ "list": list, "parameters": parameters });
        self.admin().post(&self.place.path("/download-links"), &body).await
    }

    /// Follows a link as a browser does: without any token.
    async fn follow(&self, url: &str) -> Response {
        self.app.anonymous().get(url).await
    }

    async fn expect_expired(&self, url: &str) {
        assert_eq!(self.follow(url).await.expect(410).json::<Problem>().kind, "/problems/gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_to_what_the_download_with_the_same_parameters_is() {
    let scene = Scene::new().await;
    scene.block(&["taro@example.com", "jiro@example.com", "hana@example.net", "=1+1@example.com"]).await;
    scene.release(&["hana@example.net".to_owned()], "asked").await;
    for (list, path, parameters, query) in [
        (
            "blocked_addresses",
            "/blocked-addresses.csv",
            json!({ "q": "RO", "sort": "address", "direction": "ascending", "bom": true }),
            "?q=RO&sort=address&direction=ascending&bom=true",
        ),
        (
            "blocked_addresses",
            "/blocked-addresses.csv",
            json!({ "q": "=1+1", "reason": "unknown_user", "origin": "condition", "state": "in_effect",
                "domain": "example.com", "from": "2026-11-24T21:00:00+09:00", "to": "2026-11-25T00:00:00Z" }),
            "?q=%3D1%2B1",
        ),
        ("exemptions", "/exemptions.csv", json!({ "language": "ja" }), "?language=ja"),
        ("delivery_events", "/delivery-events.csv", json!({ "outcome": "error" }), "?outcome=error"),
        ("delivery_events", "/delivery-events.csv", json!({}), ""),
    ] {
        let link = scene.link(list, parameters).await;
        assert_eq!(link.expires_at, start_of_test() + TimeDelta::minutes(1));
        let linked = scene.follow(&link.url).await.expect(200);
        let direct = scene.admin().get(&scene.place.path(&format!("{path}{query}"))).await.expect(200);
        assert!(parse(&String::from_utf8(direct.body.clone()).expect("UTF-8")).len() > 1, "{path}{query}: rows");
        assert_eq!(linked.body, direct.body, "{path}{query}");
        for header in ["content-type", "content-disposition", "cache-control"] {
            assert_eq!(linked.headers[header], direct.headers[header], "{path}{query}");
        }
    }
    // A link is for whatever is found when it is followed, as often as wanted.
    let link = scene.link("exemptions", json!({})).await;
    scene.follow(&link.url).await.expect(200);
    scene.release(&["taro@example.com".to_owned()], "asked").await;
    let later = String::from_utf8(scene.follow(&link.url).await.expect(200).body).expect("UTF-8");
    assert!(later.contains("taro@example.com"), "{later}");
    assert_eq!(last_download(&scene).await, ("administrator@first.example".to_owned(), String::new()));
    scene.follow(&scene.link("exemptions", json!({ "q": "hana@example.net" })).await.url).await.expect(200);
    assert_eq!(last_download(&scene).await.1, "q=hana%40example.net");
}

/// Who downloaded last, and what they searched, as the audit log has it.
async fn last_download(scene: &Scene) -> (String, String) {
    let connection = scene.app.running.state.db.connection();
    let sql = "SELECT actor_name, after_value FROM audit_log WHERE action = 'download' ORDER BY id DESC LIMIT 1";
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.expect("a row").expect("an entry");
    let after: String = row.try_get("", "after_value").expect("values");
    let after: Value = serde_json::from_str(&after).expect("JSON");
    (row.try_get("", "actor_name").expect("a name"), after["search"].as_str().expect("a search").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_says_nothing_opens_nothing_else_and_cannot_be_changed() {
    let scene = Scene::new().await;
    scene.block(&["taro@example.com"]).await;
    let link = scene.link("blocked_addresses", json!({ "q": "taro@example.com" })).await;
    let (path, token) = link.url.split_once("?token=").expect("a token in the query");
    assert_eq!(path, "/api/v1/downloads", "nothing is to be read from it");

    // As a bearer token it is nobody's; a bearer token is no link.
    for place in ["/api/v1/me".to_owned(), scene.place.path("/blocked-addresses.csv")] {
        scene.app.client(Some(token.to_owned())).get(&place).await.expect(401);
    }
    let access_token = scene.app.anonymous();
    let sign_in = json!({ "email": "administrator@first.example", "password": PASSWORD });
    let access_token = access_token.post("/api/v1/sessions", &sign_in).await.expect(201).json::<AccessToken>();
    let body = json!({ "name": "script", "scopes": ["read"] });
    let script = scene.admin().post("/api/v1/tokens", &body).await.expect(201).json::<ApiTokenSecret>();
    for other in [&access_token.access_token, &script.secret, "", "x", &token[..token.len() - 2]] {
        let problem: Problem = scene.follow(&format!("{path}?token={other}")).await.expect(404).json();
        assert_eq!(problem.kind, "/problems/not-found");
    }
    for at in [0, token.len() / 2, token.len() - 1] {
        let mut changed = token.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'Q' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        scene.follow(&format!("{path}?token={changed}")).await.expect(404);
    }
    // Neither another search nor anything else can be asked with it.
    scene.follow(&format!("{}&q=", link.url)).await.expect_problem(422, "q");
    scene.follow(path).await.expect_problem(422, "token");
    scene.follow(&link.url).await.expect(200);

    let client = scene.app.client(Some(script.secret));
    let body = json!({ "list": "exemptions" });
    let problem: Problem = client.post(&scene.place.path("/download-links"), &body).await.expect(403).json();
    assert!(problem.detail.contains("send your token"), "{}", problem.detail);
    scene.app.anonymous().post(&scene.place.path("/download-links"), &body).await.expect(401);
    let key =
        scene.admin().request(Method::POST, &scene.place.path("/download-links")).header("Idempotency-Key", "one");
    scene.admin().send(key.try_clone().expect("a copy").json(&body)).await.expect(201);
    scene.admin().send(key.json(&body)).await.expect(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_after_a_minute_with_its_session_and_with_the_permission() {
    let scene = Scene::new().await;
    let link = scene.link("exemptions", json!({})).await;
    let at = |seconds: i64| -> DateTime<Utc> { start_of_test() + TimeDelta::seconds(seconds) };
    scene.app.clock.set(at(59));
    scene.follow(&link.url).await.expect(200);
    scene.app.clock.set(at(60));
    scene.expect_expired(&link.url).await;

    let link = scene.link("exemptions", json!({})).await;
    scene.allow(false).await;
    let problem: Problem = scene.follow(&link.url).await.expect(403).json();
    assert_eq!(problem.kind, "/problems/downloads-disabled");
    let problem: Problem = scene.ask("exemptions", json!({})).await.expect(403).json();
    assert_eq!(problem.kind, "/problems/downloads-disabled");
    assert!(problem.detail.contains("inquiry"), "{}", problem.detail);
    scene.allow(true).await;
    scene.follow(&link.url).await.expect(200);

    scene.admin().delete("/api/v1/sessions/current").await.expect(204);
    scene.follow(&link.url).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_stays_in_its_account_and_names_what_is_wrong() {
    let scene = Scene::new().await;
    scene.block(&["taro@example.com"]).await;
    let stranger = scene.app.administrator(&scene.place.provider, "stranger").await;
    let body = json!({ "list": "blocked_addresses" });
    stranger.post(&scene.place.path("/download-links"), &body).await.expect(404);
    scene.app.anonymous().post(&scene.place.path("/download-links"), &body).await.expect(401);

    // A provider's link leads into the account that it was made in, wherever they are now.
    let accounts = scene.place.provider.get("/api/v1/provider/accounts").await.json::<Page<Account>>().items;
    let first = accounts.iter().find(|account| account.name == "first").expect("the account");
    let enter = format!("/api/v1/provider/accounts/{}/enter", first.id);
    let inside = scene.place.provider.post(&enter, &json!({})).await.expect(200).json::<AccessToken>();
    let inside = scene.app.client(Some(inside.access_token));
    let link = inside.post(&scene.place.path("/download-links"), &body).await.expect(201).json::<DownloadLink>();
    inside.post("/api/v1/provider/accounts/leave", &json!({})).await.expect(200);
    let file = String::from_utf8(scene.follow(&link.url).await.expect(200).body).expect("UTF-8");
    assert!(file.contains("taro@example.com"), "{file}");

    for (list, parameters, pointer) in [
        ("blocked_addresses", json!({ "outcome": "error" }), "/parameters/outcome"),
        ("exemptions", json!({ "origin": "api" }), "/parameters/origin"),
        ("exemptions", json!({ "state": "pending" }), "/parameters/state"),
        ("delivery_events", json!({ "sort": "date" }), "/parameters/sort"),
        ("delivery_events", json!({ "domain": "" }), "/parameters/domain"),
        ("blocked_addresses", json!({ "q": "x".repeat(255) }), "/parameters/q"),
        ("blocked_addresses", json!({ "cursor": "x" }), "/parameters/cursor"),
        ("blocked_addresses", json!({ "reason": "nonsense" }), "/parameters/reason"),
        ("users", json!({}), "/list"),
    ] {
        scene.ask(list, parameters).await.expect_problem(422, pointer);
    }
}
