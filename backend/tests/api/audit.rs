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

/// Changes the database behind the service's back, or says why it does not let itself be changed.
async fn try_to_tamper(app: &TestApp, sql: &str, account: Uuid) -> Result<(), String> {
    let connection = app.running.state.db.connection();
    let statement = store::statement(connection, sql, [account.into()]);
    connection.execute_raw(statement).await.map(|_| ()).map_err(|error| error.to_string())
}

async fn tamper(app: &TestApp, sql: &str, account: Uuid) {
    try_to_tamper(app, sql, account).await.expect("the database takes it");
}

/// Takes away what refuses to change the log, as somebody could who owns the database.
async fn disarm(app: &TestApp) {
    let triggers: &[(&str, &str)] = if TestApp::is_postgres() {
        &[
            ("audit_log_change", "audit_log"),
            ("audit_chains_update", "audit_chains"),
            ("audit_chains_delete", "audit_chains"),
        ]
    } else {
        &[
            ("audit_log_update", ""),
            ("audit_log_delete", ""),
            ("audit_log_replace", ""),
            ("audit_chains_update", ""),
            ("audit_chains_delete", ""),
            ("audit_chains_replace", ""),
        ]
    };
    for (trigger, table) in triggers {
        let on = if table.is_empty() { String::new() } else { format!(" ON {table}") };
        run(app, &format!("DROP TRIGGER {trigger}{on}")).await;
    }
}

async fn run(app: &TestApp, sql: &str) {
    app.running.state.db.connection().execute_unprepared(sql).await.expect(sql);
}

/// The columns of the log, as the database has them.
async fn columns(app: &TestApp) -> Vec<String> {
    let connection = app.running.state.db.connection();
    let sql = if TestApp::is_postgres() {
        "SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'audit_log'"
    } else {
        "SELECT name FROM pragma_table_info('audit_log')"
    };
    let rows = connection.query_all_raw(store::statement(connection, sql, [])).await.expect("the columns");
    rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect()
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
    // By whom, and what it is about: its name stands in what was before or after.
    assert_eq!(actions(&administrator, "?q=100%25_SCR").await, ["server_configuration.create", "token.create"]);
    assert_eq!(actions(&administrator, "?q=by%20script").await, ["server_configuration.create"]);
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
    // With its own entry, which has the search.
    assert_eq!(lines.len(), 3, "{text}");
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
    disarm(&app).await;
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
    run(&app, "CREATE TABLE kept AS SELECT * FROM audit_log").await;
    for column in columns(&app).await {
        let (value, expected) = match column.as_str() {
            "id" => ("account_id".to_owned(), "entry 3 was changed"),
            "actor_id" => ("id".to_owned(), "entry 3 was changed"),
            "at" => ("at + 1".to_owned(), "entry 3 was changed"),
            "account_id" => ("id".to_owned(), "entry 3 is missing"),
            "number" => ("number + 1000".to_owned(), "entry 3 is missing"),
            text => (format!("'x' || COALESCE({text}, '')"), "entry 3 was changed"),
        };
        let sql = format!("UPDATE audit_log SET {column} = {value} WHERE account_id = $1 AND number = 3");
        tamper(&app, &sql, account).await;
        let found = problem(&app, account).await.unwrap_or_default();
        assert!(found.starts_with(expected), "{column}: {found:?}");
        run(&app, "DELETE FROM audit_log").await;
        run(&app, "INSERT INTO audit_log SELECT * FROM kept").await;
        assert_eq!(problem(&app, account).await, None, "{column}");
    }

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
async fn the_database_only_adds_to_the_log() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    let account = account_id(&administrator).await;
    let log = entries(&administrator, "").await;
    let mut changes = vec![
        "UPDATE audit_log SET comment = 'x' WHERE account_id = $1 AND number = 1",
        "DELETE FROM audit_log WHERE account_id = $1",
        "INSERT INTO audit_log SELECT * FROM audit_log WHERE account_id = $1 ON CONFLICT (id) DO UPDATE SET comment = 'x'",
        "UPDATE audit_chains SET length = length - 1 WHERE account_id = $1",
        "DELETE FROM audit_chains WHERE account_id = $1",
        "INSERT INTO audit_chains SELECT account_id, 1, '' FROM audit_chains WHERE account_id = $1 \
         ON CONFLICT (account_id) DO UPDATE SET length = excluded.length",
    ];
    if !TestApp::is_postgres() {
        // These remove rows, of the same id or number, without asking who refuses to remove them.
        changes.extend([
            "INSERT OR REPLACE INTO audit_log (id, account_id, number, at, actor_kind, actor_name, action, object) \
             SELECT id, account_id, number, at, actor_kind, actor_name, action, 'x' FROM audit_log WHERE account_id = $1",
            "REPLACE INTO audit_log (id, account_id, number, at, actor_kind, actor_name, action, object) \
             SELECT randomblob(16), account_id, 1, at, actor_kind, actor_name, action, 'x' FROM audit_log \
             WHERE account_id = $1",
            "REPLACE INTO audit_chains (account_id, length, hash) VALUES ($1, 1, '')",
        ]);
    }
    for sql in changes {
        let refused = try_to_tamper(&app, sql, account).await.expect_err(sql);
        assert!(refused.contains("the audit log is append-only"), "{sql}: {refused}");
    }
    assert_eq!(entries(&administrator, "").await, log);
    assert_eq!(problem(&app, account).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_gone_as_a_whole_shows() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    let account = account_id(&administrator).await;
    disarm(&app).await;
    for table in ["audit_log", "audit_chains"] {
        tamper(&app, &format!("DELETE FROM {table} WHERE account_id = $1"), account).await;
    }
    assert_eq!(problem(&app, account).await.as_deref(), Some("nothing of it is left"));
    for table in ["audit_log", "audit_chains"] {
        run(&app, &format!("DELETE FROM {table}")).await;
    }
    let logs = check(&app, &[]).await.logs;
    assert!(logs.iter().any(|log| log.account_id.is_none() && log.problem.is_some()), "the provider's: {logs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_from_before_the_chain_stay_and_are_counted() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    disarm(&app).await;
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
