//! Closing an account with something in every list: everything of it goes, and nothing of the other one.

use super::world::{Ids, World, upload};
use crate::support::{PASSWORD, TestApp, client::Client, secret_of};
use backend::service::closing;
use reqwest::Method;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use shared::{
    Page,
    account::Account,
    audit::AuditEntry,
    download::DownloadLink,
    session::{AccessToken, ApiTokenSecret, Me},
    user::{InvitationLink, PasswordResetLink},
};
use std::{collections::BTreeMap, io::Read};
use uuid::Uuid;

const ACCOUNTS: &str = "/api/v1/provider/accounts";

async fn rows(world: &World, sql: String) -> Vec<sea_orm::QueryResult> {
    let connection = world.app.running.state.db.connection();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await.expect("rows")
}

/// A UUID as the database writes it.
fn literal(id: &str) -> String {
    if TestApp::is_postgres() { format!("'{id}'") } else { format!("x'{}'", id.replace('-', "")) }
}

/// How many rows of each table name the account, its server configuration, or one of its uploads.
async fn left(world: &World, ids: &Ids) -> BTreeMap<String, i64> {
    let columns = if TestApp::is_postgres() {
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = 'public'"
    } else {
        "SELECT m.name AS t, p.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
    };
    let mut left = BTreeMap::new();
    for row in rows(world, columns.to_owned()).await {
        let (table, column): (String, String) = (row.try_get("", "t").unwrap(), row.try_get("", "c").unwrap());
        let id = match column.as_str() {
            "server_configuration_id" => &ids["id"],
            "account_id" => &ids["account_id"],
            "upload_id" if ids.contains_key("upload_id") => &ids["upload_id"],
            _ => continue,
        };
        let counted =
            rows(world, format!("SELECT COUNT(*) AS n FROM \"{table}\" WHERE {column} = {}", literal(id))).await;
        let count: i64 = counted[0].try_get("", "n").expect("a number");
        if count > 0 {
            *left.entry(table).or_default() += count;
        }
    }
    left
}

async fn account(provider: &Client, id: &str) -> Option<Account> {
    let page: Page<Account> = provider.get(ACCOUNTS).await.expect(200).json();
    page.items.into_iter().find(|account| account.id.to_string() == id)
}

async fn suspend(provider: &Client, id: &str) {
    let revision = account(provider, id).await.expect("the account").revision;
    let request = provider.request(Method::PATCH, &format!("{ACCOUNTS}/{id}")).json(&json!({ "suspended": true }));
    provider.send(request.header("If-Match", format!("\"{revision}\""))).await.expect(200);
}

/// The path of its server configuration.
fn configuration(world: &World) -> String {
    format!("/api/v1/server-configurations/{}", world.here["id"])
}

/// A provider inside the account: its browser, and its client.
async fn enter(world: &World, account: &str) -> (Client, Client) {
    let browser = world.app.anonymous();
    let who = json!({ "email": "provider@example.com", "password": PASSWORD });
    let token = browser.post("/api/v1/sessions", &who).await.expect(201).json::<AccessToken>().access_token;
    let provider = world.app.client(Some(token));
    let entered: AccessToken = provider.post(&format!("{account}/enter"), &json!({})).await.expect(200).json();
    (browser, world.app.client(Some(entered.access_token)))
}

/// The names and texts of the files in a ZIP file.
fn unpacked(bytes: Vec<u8>) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a ZIP file");
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("UTF-8");
        files.insert(file.name().expect("a name").into_owned(), text);
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_exported_closed_and_removed_and_no_other() {
    let mut world = World::new().await;
    let upload = upload(&world.app, &world.administrator, &world.here["id"]).await;
    world.here.insert("upload_id", upload);
    let administrator = &world.administrator;
    let filter = json!({ "filter": { "domain": "example.com" } });
    administrator.post(&format!("{}/bulk-releases", configuration(&world)), &filter).await.expect(202);
    let exempt: Page<Value> = administrator.get(&format!("{}/exemptions?q=dead2", configuration(&world))).await.json();
    let exemption = exempt.items[0]["id"].as_str().expect("an id");
    administrator.delete(&format!("{}/exemptions/{exemption}", configuration(&world))).await.expect(204);
    let (provider, id) = (&world.provider, &world.here["account_id"]);
    let path = format!("{ACCOUNTS}/{id}");
    let close = async |name: &str| provider.post(&format!("{path}/close"), &json!({ "name": name })).await;
    close("first").await.expect(409);
    suspend(provider, id).await;
    // The lists of an account are seen by a provider only inside of it.
    provider.get(&format!("{path}/export")).await.expect(403);
    provider.post(&format!("{path}/export-links"), &json!({})).await.expect(403);
    let (_, inside) = enter(&world, &path).await;
    close("First").await.expect_problem(422, "/name");
    world.administrator.get(&format!("{path}/export")).await.expect(403);

    let files = unpacked(inside.get(&format!("{path}/export")).await.expect(200).body);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "01 Main/blocked-list.csv",
            "01 Main/configuration.json",
            "01 Main/delivery-log.csv",
            "01 Main/distributions.json",
            "01 Main/ended-blocks.csv",
            "01 Main/ended-exemptions.csv",
            "01 Main/list-operations.json",
            "01 Main/runs.json",
            "01 Main/stop-cancellation-list.csv",
            "account.json",
            "audit-log.csv",
            "inquiries.json",
            "invitations.json",
            "tokens.json",
            "users.json",
        ]
    );
    assert!(files["01 Main/blocked-list.csv"].contains("dead3@example.com,unknown_user,condition,"), "{files:?}");
    assert!(files["01 Main/stop-cancellation-list.csv"].contains("dead0@example.com"));
    assert_eq!(files["01 Main/delivery-log.csv"].lines().count(), 1 + 6);
    assert!(files["audit-log.csv"].contains(",account.create,") && files["audit-log.csv"].contains(",account.export,"));
    let ended = &files["01 Main/ended-blocks.csv"];
    assert!(ended.starts_with("address,reason,origin,blocked_at,removal_cause,removed_at,removed_by,comment\r\n"));
    assert_eq!((ended.lines().count(), ended.matches(",release,").count()), (1 + 3, 3), "{ended}");
    assert_eq!(ended.matches("Z,administrator@first.example,").count(), 3, "{ended}");
    let ended = &files["01 Main/ended-exemptions.csv"];
    assert_eq!((ended.lines().count(), ended.matches("Z,administrator@first.example,").count()), (1 + 1, 1), "{ended}");
    let parsed = |name: &str| serde_json::from_str::<Value>(&files[name]).expect("JSON");
    assert_eq!(parsed("account.json")["name"], "first");
    let lengths =
        [("inquiries.json", 2), ("invitations.json", 1), ("01 Main/runs.json", 2), ("01 Main/list-operations.json", 1)];
    for (name, length) in lengths {
        assert_eq!(parsed(name).as_array().map(Vec::len), Some(length), "{name}");
    }
    assert_eq!(parsed("01 Main/distributions.json")[0]["receipts"][0]["mail_server_name"], "one");
    assert_eq!(parsed("01 Main/configuration.json")["mail_servers"][0]["state"], "waiting");
    assert!(parsed("users.json").as_array().is_some_and(|users| !users.is_empty()));
    assert!(!files["tokens.json"].contains("secret") && !files["users.json"].contains("argon2"));
    let link: DownloadLink = inside.post(&format!("{path}/export-links"), &json!({})).await.expect(201).json();
    let linked = world.app.anonymous().get(&link.url).await.expect(200);
    assert_eq!(linked.headers["content-type"], "application/zip");
    assert_eq!(unpacked(linked.body).len(), files.len());

    let (browser, inside) = enter(&world, &path).await;
    inside.get("/api/v1/server-configurations").await.expect(200);
    let others = left(&world, &world.elsewhere).await;
    assert!(left(&world, &world.here).await.len() > 15, "something in every table");
    close("first").await.expect(204);
    // At once nobody sees it, and its name is free.
    assert_eq!(account(provider, id).await, None);
    for gone in [path.clone(), format!("{path}/export")] {
        provider.get(&gone).await.expect(404);
    }
    provider.post(&format!("{path}/enter"), &json!({})).await.expect(404);
    // Who was inside is out at once, and goes on outside.
    for gone in ["/api/v1/server-configurations".to_owned(), configuration(&world), "/api/v1/audit-log".to_owned()] {
        inside.get(&gone).await.expect(401);
    }
    let refresh = browser.request(Method::POST, "/api/v1/sessions/refresh").header("X-Requested-With", "stoplist");
    let outside = browser.send(refresh).await.expect(200).json::<AccessToken>().access_token;
    let outside = world.app.client(Some(outside));
    assert_eq!(outside.get("/api/v1/me").await.expect(200).json::<Me>().account_id, None);
    outside.get(&configuration(&world)).await.expect(403);
    close("first").await.expect(404);
    world.administrator.get("/api/v1/server-configurations").await.expect(401);
    let who = json!({ "email": "administrator@first.example", "password": PASSWORD });
    world.app.anonymous().post("/api/v1/sessions", &who).await.expect(401);
    world.agent.get("/api/v1/agent").await.expect(403);

    closing::remove_closed(&world.app.running.state).await.expect("what is left is removed");
    let left_over = left(&world, &world.here).await;
    assert_eq!(left_over.keys().map(String::as_str).collect::<Vec<_>>(), ["audit_chains", "audit_log"]);
    assert_eq!(left(&world, &world.elsewhere).await, others);
    world.administrator.get("/api/v1/me").await.expect(401);
    world.agent.get("/api/v1/agent").await.expect(401);
    // Twice does nothing more, and a new account has the name and the people.
    closing::remove_closed(&world.app.running.state).await.expect("nothing is left");
    world.app.administrator(provider, "first").await.get("/api/v1/me").await.expect(200);
    let log: Page<AuditEntry> = provider.get("/api/v1/audit-log?q=account.close").await.expect(200).json();
    assert_eq!(log.items[0].object, *id);
    let checked = backend::service::audit::verify(&world.app.running.state.db, &[]).await.expect("a check");
    assert!(checked.logs.iter().any(|log| log.account_id == id.parse::<Uuid>().ok() && log.problem.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leads_into_a_closed_account() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let administrator = &place.administrator;
    let token = json!({ "name": "script", "scopes": ["read"] });
    let token: ApiTokenSecret = administrator.post("/api/v1/tokens", &token).await.expect(201).json();
    let script = app.client(Some(token.secret));
    script.get("/api/v1/inquiries").await.expect(200);
    let invited = json!({ "email": "hana@first.example", "role": "administrator" });
    let invited: InvitationLink = administrator.post("/api/v1/invitations", &invited).await.expect(201).json();
    let taro = app.member(administrator, "taro@first.example", "viewer").await;
    let taro: Me = taro.get("/api/v1/me").await.expect(200).json();
    let reset = administrator.post(&format!("/api/v1/users/{}/password-reset", taro.user_id), &json!({})).await;
    let reset: PasswordResetLink = reset.expect(201).json();
    let id = taro.account_id.expect("an account").to_string();
    suspend(&place.provider, &id).await;
    place.provider.post(&format!("{ACCOUNTS}/{id}/close"), &json!({ "name": "first" })).await.expect(204);

    script.get("/api/v1/inquiries").await.expect(401);
    let anonymous = app.anonymous();
    let accepted = json!({ "secret": secret_of(&invited.link.expect("a link")), "password": PASSWORD });
    anonymous.post("/api/v1/invitations/accept", &accepted).await.expect(410);
    let chosen = json!({ "secret": secret_of(&reset.link), "password": PASSWORD });
    anonymous.post("/api/v1/password-resets/complete", &chosen).await.expect(404);
    let count = "SELECT COUNT(*) AS n FROM password_resets WHERE used_at IS NULL";
    let connection = app.running.state.db.connection();
    let row = connection.query_one_raw(backend::store::statement(connection, count, [])).await.expect("an answer");
    assert_eq!(row.expect("a row").try_get::<i64>("", "n").expect("a number"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_breaks_off_goes_on() {
    let mut world = World::new().await;
    let upload = upload(&world.app, &world.administrator, &world.here["id"]).await;
    world.here.insert("upload_id", upload);
    let id = &world.here["account_id"];
    suspend(&world.provider, id).await;
    world.provider.post(&format!("{ACCOUNTS}/{id}/close"), &json!({ "name": "first" })).await.expect(204);
    let state = world.app.running.state.clone();
    // Cut off again and again, each time a little later.
    for milliseconds in [1, 5, 20, 60] {
        let removal = closing::remove_closed(&state);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(milliseconds), removal).await;
    }
    closing::remove_closed(&state).await.expect("the rest is removed");
    let left_over = left(&world, &world.here).await;
    assert_eq!(left_over.keys().map(String::as_str).collect::<Vec<_>>(), ["audit_chains", "audit_log"]);
}
