//! Who may do what: every operation of the document, asked for by everybody there is, beside `permissions.txt`. A new
//! operation fails until it has its row there.

use super::{Operation, World};
use crate::support::client::Client;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use shared::session::AccessToken;
use std::{collections::BTreeMap, fmt::Write};

/// The table; its head names who asks.
const TABLE: &str = include_str!("permissions.txt");

/// Signs the user out, so it is asked for last.
const LAST: &str = "/api/v1/sessions/current";

/// Nothing in the table may hang, and nothing that it allows may change what the next one needs: of what a path names
/// there is only the server configuration, for reading it and for reporting events.
fn path(operation: &Operation<'_>, world: &World) -> String {
    let of_configuration = ["run-settings", "delivery-events"].iter().any(|end| operation.template.ends_with(end));
    let harmless = operation.method == "GET" || operation.template.ends_with("delivery-events");
    let mut ids = BTreeMap::new();
    if of_configuration && harmless {
        ids.insert("id", world.here["id"].clone());
    }
    operation.path_and_required(&ids)
}

async fn token(world: &World, scope: &str) -> Client {
    let wanted = json!({ "name": scope, "scopes": [scope], "expires_at": world.app.clock.now() + TimeDelta::hours(1) });
    let answer: Value = world.administrator.post("/api/v1/tokens", &wanted).await.expect(201).json();
    world.app.client(Some(answer["secret"].as_str().expect("a secret").to_owned()))
}

/// Everybody who may ask, in the order of the table's columns.
async fn everybody(world: &World) -> Vec<(&'static str, Client)> {
    let entered = format!("/api/v1/provider/accounts/{}/enter", world.here["account_id"]);
    // Somebody else: who signs out elsewhere must not end this.
    let provider = world.app.member(&world.provider, "inside@example.com", "provider").await;
    let entered: AccessToken = provider.post(&entered, &json!({})).await.expect(200).json();
    vec![
        ("nobody", world.app.anonymous()),
        ("viewer", world.app.member(&world.administrator, "viewer@first.example", "viewer").await),
        ("operator", world.app.member(&world.administrator, "operator@first.example", "operator").await),
        ("administrator", world.administrator.clone()),
        ("provider", world.provider.clone()),
        ("inside", world.app.client(Some(entered.access_token))),
        ("read", token(world, "read").await),
        ("lists", token(world, "lists").await),
        ("events", token(world, "events").await),
        ("manage", token(world, "manage").await),
        ("agent", world.agent.clone()),
        ("suspended", suspended(world).await),
    ]
}

/// The administrator of an account that is suspended.
async fn suspended(world: &World) -> Client {
    let administrator = world.app.administrator(&world.provider, "suspended").await;
    let me: Value = administrator.get("/api/v1/me").await.expect(200).json();
    let account = format!("/api/v1/provider/accounts/{}", me["account_id"].as_str().expect("an account"));
    let request = world.provider.request(Method::PATCH, &account).json(&json!({ "suspended": true }));
    world.provider.send(request.header("If-Match", "\"1\"")).await.expect(200);
    administrator
}

/// The status of an operation, with a body that is right. What it answers else is not read: events never end.
async fn ask(world: &World, operation: &Operation<'_>, client: &Client) -> u16 {
    let request = client.request(operation.method.clone(), &path(operation, world)).header("If-Match", "\"1\"");
    let request = match super::plans::body(&world.document, operation) {
        Some(body) => request.json(&body),
        None => request,
    };
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let world = World::new().await;
    let everybody = everybody(&world).await;
    let mut operations: Vec<Operation<'_>> = world.all_operations().collect();
    // Whoever has no token may ask, and the operation itself finds out whether they may have what they ask for.
    operations.retain(|operation| operation.declared["security"].is_array());
    operations.sort_by_key(|operation| operation.template == LAST);
    let mut rows = Vec::new();
    for operation in &operations {
        let mut row = format!("{:<7}{:<76}", operation.method.as_str(), operation.template);
        for (who, client) in &everybody {
            let status = ask(&world, operation, client).await;
            assert!(*who != "nobody" || status == 401, "{} answers nobody with {status}", operation.name());
            let may = !matches!(status, 401 | 403);
            write!(row, " {:^width$}", if may { "x" } else { "-" }, width = who.len()).expect("written");
        }
        rows.push(row.trim_end().to_owned());
    }
    rows.sort();
    let mut table = format!("{:<83}", "operation");
    for (who, _) in &everybody {
        write!(table, " {who}").expect("written");
    }
    for row in rows {
        write!(table, "\n{row}").expect("written");
    }
    let as_written = TABLE.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    assert_eq!(as_written, table, "permissions.txt says otherwise; as it is:\n{table}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_opens_nothing() {
    let world = World::new().await;
    let read = token(&world, "read").await;
    world.app.clock.set(world.app.clock.now() + TimeDelta::hours(2));
    for operation in world.all_operations().filter(|operation| operation.declared["security"].is_array()) {
        for client in [&world.administrator, &world.provider, &read] {
            assert_eq!(ask(&world, &operation, client).await, 401, "{}", operation.name());
        }
    }
}
