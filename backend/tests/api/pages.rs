//! Pages of the lists that the console shows whole, and of one's own sessions.

use crate::support::{TestApp, client::Client, rows};
use backend::store::{
    DatabaseTransaction, mail_servers,
    sessions::{self, NewSession},
    statement, users,
};
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{
    Page,
    page::Direction,
    session::{ApiTokenSecret, Me, Role},
};
use uuid::Uuid;

/// A list, the table with its rows, and the field that they are ordered by.
struct List {
    path: String,
    table: &'static str,
    order: (&'static str, Direction),
}

/// A page of a list: the ids of its rows, and the cursor of the next page.
async fn page(client: &Client, path: &str, query: &str) -> (Vec<Uuid>, Option<String>) {
    let page: Page<Value> = client.get(&format!("{path}?{query}")).await.expect(200).json();
    (page.items.iter().map(id_of).collect(), page.next_cursor)
}

/// All pages of a list.
async fn walk(client: &Client, path: &str, limit: usize) -> Vec<Uuid> {
    let (mut seen, mut cursor) = (vec![], String::new());
    loop {
        let (ids, next) = page(client, path, &format!("limit={limit}{cursor}")).await;
        assert!(ids.len() == limit || next.is_none() && !ids.is_empty(), "{path}: {ids:?}");
        seen.extend(ids);
        let Some(next) = next else { return seen };
        cursor = format!("&cursor={next}");
    }
}

fn id_of(row: &Value) -> Uuid {
    row["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// Four of each, two and two made at the same moment.
async fn insert_four(tx: &DatabaseTransaction, me: &Me, configuration: Uuid, start: chrono::DateTime<chrono::Utc>) {
    let account = me.account_id.expect("an account");
    for n in [2, 0, 3, 1] {
        let (id, at) = (Uuid::now_v7(), start + TimeDelta::seconds(n / 2));
        // In the list, two spellings of an address are one.
        let (email, email_key) = (format!("User{n}@first.example"), format!("user{n}@first.example"));
        let user = users::User {
            id,
            account_id: Some(account),
            email: email.clone(),
            password_hash: String::new(),
            role: Role::Viewer,
            active: true,
        };
        users::insert(tx, &user, &email_key, at).await.expect("a user");
        rows::invitation(tx, account, me.user_id, id, &email, at).await;
        rows::token(tx, account, id, &n.to_string(), at).await;
        let session = NewSession {
            id,
            user_id: me.user_id,
            family_hash: id.to_string(),
            refresh_hash: id.to_string(),
            created_at: at,
            expires_at: at + TimeDelta::days(1),
            client_address: None,
            user_agent: None,
        };
        sessions::insert(tx, session).await.expect("a session");
        let name = format!("Main {n}");
        mail_servers::insert(tx, configuration, id, &name, at).await.expect("a mail server");
        rows::server_configuration(tx, account, id, &name, at).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_through_a_list_without_a_gap_or_a_double() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let (client, db) = (&place.administrator, &app.running.state.db);
    let me: Me = client.get("/api/v1/me").await.expect(200).json();
    let tx = db.begin().await.expect("a transaction");
    insert_four(&tx, &me, place.configuration, app.clock.now()).await;
    tx.commit().await.expect("all of them");

    let by = |field| (field, Direction::Ascending);
    let newest = |field| (field, Direction::Descending);
    let lists = [
        ("/api/v1/users".to_owned(), "users", by("email")),
        ("/api/v1/invitations".to_owned(), "invitations", newest("created_at")),
        ("/api/v1/tokens".to_owned(), "api_tokens", newest("created_at")),
        ("/api/v1/me/sessions".to_owned(), "sessions", newest("last_used_at")),
        ("/api/v1/server-configurations".to_owned(), "server_configurations", by("name")),
        (place.path("/mail-servers"), "mail_servers", by("name")),
    ]
    .map(|(path, table, order)| List { path, table, order });
    let mut cursors = vec![];
    for List { path, table, order: (field, direction) } in &lists {
        let rows: Vec<Value> = client.items(path).await;
        assert!(rows.len() >= 4, "{path}: {rows:?}");
        let mut sorted = rows.clone();
        sorted.sort_by_key(|row| (row[field].as_str().expect("a text").to_lowercase(), id_of(row)));
        if *direction == Direction::Descending {
            sorted.reverse();
        }
        assert_eq!(rows, sorted, "{path}");
        let ids: Vec<Uuid> = rows.iter().map(id_of).collect();
        for limit in 1..=3 {
            assert_eq!(walk(client, path, limit).await, ids, "{path} by {limit}");
        }
        for limit in ["0", "501", "x"] {
            client.get(&format!("{path}?limit={limit}")).await.expect_problem(422, "limit");
        }

        // The row that the cursor was made of is removed.
        let (first, next) = page(client, path, "limit=2").await;
        let cursor = next.expect("a second page");
        let tx = db.begin().await.expect("a transaction");
        let removal = statement(&tx, format!("DELETE FROM {table} WHERE id = $1"), [first[1].into()]);
        assert_eq!(tx.execute_raw(removal).await.expect("a removal").rows_affected(), 1, "{path}");
        tx.commit().await.expect("a removal");
        assert_eq!(
            page(client, path, &format!("limit=500&cursor={cursor}")).await,
            (ids[2..].to_vec(), None),
            "{path}"
        );
        cursors.push((path, cursor));
    }
    for List { path, .. } in &lists {
        for (of, cursor) in cursors.iter().filter(|(of, _)| *of != path) {
            let answer = client.get(&format!("{path}?cursor={cursor}")).await;
            assert_eq!(answer.status, 422, "the cursor of {of} at {path}");
            answer.expect_problem(422, "cursor");
        }
    }
    // The same lists of others.
    let provider = ["/api/v1/users", "/api/v1/invitations", "/api/v1/me/sessions"];
    for (path, cursor) in cursors.iter().filter(|(path, _)| provider.contains(&path.as_str())) {
        place.provider.get(&format!("{path}?cursor={cursor}")).await.expect_problem(422, "cursor");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_limited_token_are_full_of_what_it_may_touch() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let mut made = vec![];
    for name in ["A", "B", "C", "D"] {
        made.push(place.administrator.create_configuration(name).await);
    }
    let own = [made[1], made[3]];
    let limited = json!({ "name": "limited", "scopes": ["read"], "server_configuration_ids": own });
    let token: ApiTokenSecret = place.administrator.post("/api/v1/tokens", &limited).await.expect(201).json();
    let script = app.client(Some(token.secret));
    for limit in [1, 2, 3] {
        assert_eq!(walk(&script, "/api/v1/server-configurations", limit).await, own, "by {limit}");
    }
}
