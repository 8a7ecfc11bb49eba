//! The people of an account: inviting, changing, leaving, passwords, second factors, sessions, browsers.

mod devices;
mod invitations;
pub mod mails;
mod passwords;
pub mod second_factors;
mod sessions;
mod users;

use crate::support::{
    TestApp,
    client::{Client, Response},
};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{
    Problem,
    session::Me,
    user::{PasswordResetLink, User},
};
use uuid::Uuid;

/// Finds a user by address.
pub async fn user(manager: &Client, email: &str) -> User {
    let users: Vec<User> = manager.items("/api/v1/users").await;
    users.into_iter().find(|user| user.email == email).expect("a user with this address")
}

/// Changes a user as they were read.
pub async fn change(manager: &Client, user: &User, change: Value) -> Response {
    let request = manager.request(Method::PATCH, &format!("/api/v1/users/{}", user.id)).json(&change);
    manager.send(request.header("If-Match", format!("\"{}\"", user.revision))).await
}

/// Signs in with a password; the answer is not checked.
async fn sign_in(app: &TestApp, email: &str, password: &str) -> Response {
    app.anonymous().post("/api/v1/sessions", &json!({ "email": email, "password": password })).await
}

/// A link that sets the password of a user.
async fn reset_link(manager: &Client, user: Uuid) -> String {
    let made = manager.post(&format!("/api/v1/users/{user}/password-reset"), &json!({})).await.expect(201);
    made.json::<PasswordResetLink>().link
}

async fn me(client: &Client) -> Me {
    client.get("/api/v1/me").await.expect(200).json()
}

/// What a problem says, without what differs from request to request.
fn said(answer: &Response) -> Problem {
    Problem { request_id: None, ..answer.json() }
}

/// The audit log's actions on an account, or outside of all, oldest first, with who did it; and all of its text.
async fn audited(app: &TestApp, account: Option<Uuid>) -> (Vec<(String, String)>, String) {
    let connection = app.running.state.db.connection();
    let sql =
        "SELECT account_id, action, actor_name, object, before_value, after_value, comment FROM audit_log ORDER BY id";
    let rows = connection.query_all_raw(backend::store::statement(connection, sql, [])).await.expect("the audit log");
    let mut text = String::new();
    let mut acts = vec![];
    for row in rows {
        let column = |name: &str| row.try_get::<Option<String>>("", name).expect("a text").unwrap_or_default();
        for name in ["object", "before_value", "after_value", "comment"] {
            text.push_str(&column(name));
        }
        if row.try_get::<Option<Uuid>>("", "account_id").expect("an id") == account {
            acts.push((column("action"), column("actor_name")));
        }
    }
    (acts, text)
}
