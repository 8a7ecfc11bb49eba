//! What the console shows whole has an end.

use crate::support::{TestApp, client::Response, rows};
use backend::store::mail_servers;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::{Problem, RefusalCode, session::Me};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn there_are_a_thousand_of_what_is_shown_whole() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let me: Me = place.administrator.get("/api/v1/me").await.expect(200).json();
    let (account, now) = (me.account_id.expect("an account"), app.clock.now());
    let tx = app.running.state.db.begin().await.expect("a transaction");
    // One of each is left to be made; the account has a user and a server configuration.
    for n in 0..999 {
        let id = Uuid::now_v7();
        if n < 998 {
            rows::server_configuration(&tx, account, id, &n.to_string(), now).await;
            rows::invitation(&tx, account, me.user_id, id, &format!("{n}@first.example"), now).await;
        }
        mail_servers::insert(&tx, place.configuration, id, &n.to_string(), now).await.expect("a mail server");
        rows::token(&tx, account, id, &n.to_string(), now).await;
    }
    tx.commit().await.expect("all of them");
    let mail_servers = place.path("/mail-servers");
    for (path, body) in [
        ("/api/v1/server-configurations", (|name| json!({ "name": name, "time_zone": "UTC" })) as fn(&str) -> Value),
        ("/api/v1/invitations", |name| json!({ "email": format!("{name}@first.example"), "role": "viewer" })),
        ("/api/v1/tokens", |name| json!({ "name": name, "scopes": ["read"] })),
        (&mail_servers, |name| json!({ "name": name })),
    ] {
        // All at once, of which none may count what the others are about to make.
        let administrator = &place.administrator;
        let answers = join_all((0..8).map(|n| {
            let body = body(&format!("last{n}"));
            async move { administrator.post(path, &body).await }
        }))
        .await;
        let is_made = |answer: &Response| answer.status == StatusCode::CREATED;
        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_made);
        assert_eq!(made.len(), 1, "{path}");
        for refused in refused {
            assert_eq!(refused.expect(409).json::<Problem>().code, Some(RefusalCode::TooMany), "{path}");
        }
    }
}
