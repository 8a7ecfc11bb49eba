//! The audit log: read, kept as a file, and proven to be as it was written.

use crate::people::{change, user};
use crate::support::{TestApp, Workplace, client::Client, start_of_test};
use backend::{
    service::audit::{Verification, verify},
    store,
};
use chrono::TimeDelta;
use futures::future::join_all;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;
use shared::{
    Page, Problem,
    audit::{ActorKind, AuditEntry},
    download::DownloadLink,
    session::{ApiTokenSecret, Me},
};
use uuid::Uuid;

const PATH: &str = "/api/v1/audit-log";

async fn entries(client: &Client, query: &str) -> Vec<AuditEntry> {
    client.get(&format!("{PATH}{query}")).await.expect(200).json::<Page<AuditEntry>>().items
}

async fn actions(client: &Client, query: &str) -> Vec<String> {
    entries(client, query).await.into_iter().map(|entry| entry.action).collect()
}

async fn account_id(client: &Client) -> Uuid {
    client.get("/api/v1/me").await.expect(200).json::<Me>().account_id.expect("an account")
}

/// Changes the database behind the service's back.
async fn tamper(app: &TestApp, sql: &str, account: Uuid) {
    let connection = app.running.state.db.connection();
    let statement = store::statement(connection, sql, [account.into()]);
    connection.execute_raw(statement).await.expect("the database takes it");
}

async fn check(app: &TestApp, hashes: &[String]) -> Verification {
    verify(&app.running.state.db, hashes).await.expect("a check")
}

/// What is wrong with the log of an account.
async fn problem(app: &TestApp, account: Uuid) -> Option<String> {
    let logs = check(app, &[]).await.logs;
    logs.into_iter().find(|log| log.account_id == Some(account)).expect("the log").problem
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_says_who_what_when_and_from_where() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    app.clock.set(app.clock.now() + TimeDelta::minutes(5));
    let renamed = json!({ "name": "Renamed", "time_zone": "UTC" });
    let request = place.administrator.request(Method::PATCH, &place.path("")).json(&renamed);
    place.administrator.send(request.header("If-Match", "\"1\"")).await.expect(200);
    let log = entries(&place.administrator, "").await;
    let numbers: Vec<i64> = log.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=i64::try_from(log.len()).unwrap()).rev().collect::<Vec<_>>(), "newest first, no gap");
    let entry = &log[0];
    assert_eq!((entry.action.as_str(), entry.actor_kind), ("server_configuration.update", ActorKind::User));
    assert_eq!(entry.actor_name, "administrator@first.example");
    assert_eq!(
        (entry.object.clone(), entry.at),
        (place.configuration.to_string(), start_of_test() + TimeDelta::minutes(5))
    );
    assert_eq!(entry.before.as_ref().unwrap()["name"], "Main");
    assert_eq!(entry.after.as_ref().unwrap()["name"], "Renamed");
    assert_eq!(entry.client_address.as_deref(), Some("127.0.0.1"));
    assert!(entry.request_id.is_some() && entry.hash.len() == 64, "{entry:?}");
    // What the provider did for the account stands in it; what it did elsewhere does not.
    assert!(log.iter().any(|entry| entry.action == "account.create" && entry.actor_name == "provider@example.com"));
    let outside = entries(&place.provider, "").await;
    assert!(
        !outside.is_empty() && outside.iter().all(|entry| entry.actor_name == "provider@example.com"),
        "{outside:?}"
    );
    assert!(outside.iter().all(|entry| log.iter().all(|other| other.id != entry.id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_not_in_the_log() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let before = entries(&place.administrator, "").await.len();
    let wrong = json!({ "name": "x", "time_zone": "Mars/Olympus" });
    place.administrator.post("/api/v1/server-configurations", &wrong).await.expect(422);
    place.administrator.delete(&format!("/api/v1/tokens/{}", Uuid::now_v7())).await.expect(404);
    assert_eq!(entries(&place.administrator, "").await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_searched_by_part_actor_and_time_and_paged() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    let operator = app.member(&administrator, "operator@first.example", "operator").await;
    let body = json!({ "name": "100%_script", "scopes": ["manage"] });
    let script: ApiTokenSecret = administrator.post("/api/v1/tokens", &body).await.expect(201).json();
    let script = app.client(Some(script.secret));
    app.clock.set(app.clock.now() + TimeDelta::minutes(10));
    let later = "2026-11-24T12:10:00Z";
    script.create_configuration("By script").await;

    assert_eq!(actions(&administrator, "?actor_kind=token").await, ["server_configuration.create"]);
    assert_eq!(actions(&script, &format!("?from={later}")).await, ["server_configuration.create"]);
    assert_eq!(actions(&administrator, "?q=100%25_SCR").await, ["server_configuration.create"]);
    assert_eq!(actions(&administrator, "?q=100%25xscr").await, Vec::<String>::new());
    assert!(actions(&administrator, &format!("?to={later}")).await.contains(&"token.create".to_owned()));
    assert!(
        !actions(&administrator, &format!("?to={later}&actor_kind=token")).await.contains(&"token.create".to_owned())
    );
    let invited = entries(&administrator, "?q=invitation&direction=ascending").await;
    assert!(invited.len() >= 2 && invited[0].number < invited[1].number, "{invited:?}");

    for direction in ["ascending", "descending"] {
        let all = entries(&administrator, &format!("?direction={direction}")).await;
        let (mut paged, mut cursor) = (vec![], String::new());
        loop {
            let query = format!("{PATH}?direction={direction}&limit=2{cursor}");
            let page: Page<AuditEntry> = administrator.get(&query).await.expect(200).json();
            paged.extend(page.items);
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, all, "{direction}");
        administrator.get(&format!("{PATH}?q=x{cursor}")).await.expect_problem(422, "cursor");
    }
    for (query, wrong) in [("actor_kind=robot", "actor_kind"), ("from=yesterday", "from"), ("action=x", "action")] {
        administrator.get(&format!("{PATH}?{query}")).await.expect_problem(422, wrong);
    }
    operator.get(PATH).await.expect(403);
    app.anonymous().get(PATH).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_kept_as_csv_by_scripts_and_by_a_link() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { provider, administrator, .. } = app.workplace().await;
    administrator.create_configuration("=1+1, \"quoted\"").await;
    let csv = administrator.get(&format!("{PATH}.csv?q=server_configuration&direction=ascending")).await.expect(200);
    let disposition = csv.headers["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.contains("audit-log_stoplist_2026-11-24T12-00-00Z.csv"), "{disposition}");
    let text = String::from_utf8(csv.body).expect("UTF-8");
    let mut lines = text.split_terminator("\r\n");
    assert_eq!(
        lines.next(),
        Some("number,at,actor_kind,actor_name,action,object,before,after,comment,client_address,request_id,hash")
    );
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].contains(",user,administrator@first.example,server_configuration.create,"), "{text}");
    assert!(lines[1].contains(r#"=1+1, \""quoted\"""#), "{text}");

    // Downloads of lists are not enabled for this account; its own doings are its own.
    let body = json!({ "parameters": { "language": "ja", "bom": true, "actor_kind": "user" } });
    let link: DownloadLink = administrator.post(&format!("{PATH}/download-links"), &body).await.expect(201).json();
    let linked = app.anonymous().get(&link.url).await.expect(200);
    let linked = String::from_utf8(linked.body).expect("UTF-8");
    assert!(linked.starts_with("\u{feff}番号,日時,") && linked.contains(",ユーザー,"), "{linked}");
    assert_eq!(actions(&administrator, "?limit=1").await, ["download"], "who kept it is in it");
    // A provider outside of all accounts gets the provider's own.
    let link: DownloadLink = provider.post(&format!("{PATH}/download-links"), &json!({})).await.expect(201).json();
    let own = String::from_utf8(app.anonymous().get(&link.url).await.expect(200).body).expect("UTF-8");
    assert!(own.contains("provider@example.com") && !own.contains("administrator@first.example"), "{own}");

    let wrong = json!({ "parameters": { "reason": "unknown_user" } });
    administrator.post(&format!("{PATH}/download-links"), &wrong).await.expect_problem(422, "/parameters/reason");
    let body = json!({ "name": "reader", "scopes": ["manage"] });
    let script: ApiTokenSecret = administrator.post("/api/v1/tokens", &body).await.expect(201).json();
    let script = app.client(Some(script.secret));
    let refused: Problem = script.post(&format!("{PATH}/download-links"), &json!({})).await.expect(403).json();
    assert!(refused.detail.contains("for browsers"));
    script.get(&format!("{PATH}.csv")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_the_log_ends_with_the_right_to_read_it() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    let second = app.member(&administrator, "second@first.example", "administrator").await;
    let link: DownloadLink = second.post(&format!("{PATH}/download-links"), &json!({})).await.expect(201).json();
    app.anonymous().get(&link.url).await.expect(200);
    let second = user(&administrator, "second@first.example").await;
    change(&administrator, &second, json!({ "role": "viewer" })).await.expect(200);
    app.anonymous().get(&link.url).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_make_one_chain() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { provider, administrator, .. } = app.workplace().await;
    let other = app.administrator(&provider, "second").await;
    let made = (0..24).map(|n| {
        let client = if n % 3 == 0 { &other } else { &administrator };
        async move { client.create_configuration(&format!("Number {n}")).await }
    });
    join_all(made).await;
    let verification = check(&app, &[]).await;
    assert_eq!(verification.logs.len(), 3, "two accounts and the provider");
    for log in verification.logs {
        assert_eq!((log.problem, log.unchained), (None, 0), "{:?}", log.account_id);
    }
    let made = entries(&administrator, "?q=server_configuration.create").await;
    assert_eq!(made.len(), 1 + 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_removed_or_rewritten_entry_shows() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    for n in 0..4 {
        administrator.create_configuration(&format!("Number {n}")).await;
    }
    let account = account_id(&administrator).await;
    let last = entries(&administrator, "?limit=1").await.remove(0);
    assert!(last.number > 5);
    let noted = [last.hash.clone(), "ab".repeat(32)];
    let verification = check(&app, &noted).await;
    assert!(verification.logs.iter().all(|log| log.problem.is_none()), "{verification:?}");
    assert_eq!(verification.unknown_hashes, noted[1..], "what was noted is still there");
    assert_eq!(verification.logs.iter().find(|log| log.account_id == Some(account)).unwrap().hash, last.hash);

    // Each column counts.
    for column in ["actor_name", "action", "object", "after_value", "client_address", "request_id", "actor_kind"] {
        let original = format!("UPDATE audit_log SET {column} = 'x' || {column} WHERE account_id = $1 AND number = 3");
        tamper(&app, &original, account).await;
        assert_eq!(problem(&app, account).await.unwrap(), "entry 3 was changed, or does not follow the one before it");
        let back = format!("UPDATE audit_log SET {column} = substr({column}, 2) WHERE account_id = $1 AND number = 3");
        tamper(&app, &back, account).await;
        assert_eq!(problem(&app, account).await, None, "{column}");
    }
    tamper(&app, "UPDATE audit_log SET at = at + 1 WHERE account_id = $1 AND number = 3", account).await;
    assert!(problem(&app, account).await.is_some());
    tamper(&app, "UPDATE audit_log SET at = at - 1 WHERE account_id = $1 AND number = 3", account).await;
    assert_eq!(problem(&app, account).await, None);

    // The last entries are gone, and the end does not know it.
    tamper(&app, &format!("DELETE FROM audit_log WHERE account_id = $1 AND number = {}", last.number), account).await;
    let cut = problem(&app, account).await.unwrap();
    assert_eq!(cut, format!("it ends with entry {}, but {} were written", last.number - 1, last.number));
    // Somebody made the end fit: only the noted hash tells.
    let fitting = "UPDATE audit_chains SET length = length - 1, hash = (SELECT hash FROM audit_log \
                   WHERE account_id = $1 ORDER BY number DESC LIMIT 1) WHERE account_id = $1";
    tamper(&app, fitting, account).await;
    assert_eq!(problem(&app, account).await, None);
    assert_eq!(check(&app, &noted[..1]).await.unknown_hashes, noted[..1]);
    // Removed from the middle.
    tamper(&app, "DELETE FROM audit_log WHERE account_id = $1 AND number = 2", account).await;
    assert_eq!(problem(&app, account).await.unwrap(), "entry 2 is missing");
    tamper(&app, "DELETE FROM audit_chains WHERE account_id = $1", account).await;
    assert_eq!(problem(&app, account).await.unwrap(), "its end is not known any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_from_before_the_chain_stay_and_are_counted() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    let account = account_id(&administrator).await;
    let old = entries(&administrator, "").await.len();
    // As the migration leaves a log.
    tamper(&app, "UPDATE audit_log SET hash = '' WHERE account_id = $1", account).await;
    tamper(&app, "DELETE FROM audit_chains WHERE account_id = $1", account).await;
    administrator.create_configuration("New").await;
    let log = check(&app, &[]).await.logs.into_iter().find(|log| log.account_id == Some(account)).unwrap();
    assert_eq!((log.problem, log.unchained), (None, i64::try_from(old).unwrap()));
    assert_eq!(log.entries, log.unchained + 1);
    // A hash that is taken away later is no old entry.
    tamper(
        &app,
        &format!("UPDATE audit_log SET hash = '' WHERE number = {} AND account_id = $1", log.entries),
        account,
    )
    .await;
    assert!(problem(&app, account).await.is_some());
}
