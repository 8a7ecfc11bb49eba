//! Delivery events: reported in batches, counted once, and searched.

mod late;
mod refusing;
mod reporting;
mod retention;
mod searching;

use crate::support::{TestApp, Workplace, client::Client, start_of_test};
use chrono::TimeDelta;
use reqwest::{Method, header::CONTENT_TYPE};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{
    Page, Reason,
    delivery_event::{BatchResult, DeliveryEvent, ItemStatus, Outcome},
    list::{BlockedAddress, ReleaseResult, ReleaseStatus},
    run::{Run, RunState},
    session::ApiTokenSecret,
};
use std::collections::BTreeMap;

/// A service, an account and a script that may report events.
struct Scene {
    app: TestApp,
    workplace: Workplace,
    script: Client,
}

impl Scene {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let workplace = app.workplace().await;
        let script = token(&app, &workplace.administrator, "events").await;
        Self { app, workplace, script }
    }

    fn path(&self) -> String {
        self.workplace.path("/delivery-events")
    }

    async fn report(&self, events: &[Value]) -> BatchResult {
        self.script.post(&self.path(), &events).await.expect(200).json()
    }

    async fn report_ndjson(&self, body: String) -> BatchResult {
        let request = self.script.request(Method::POST, &self.path());
        let request = request.header(CONTENT_TYPE, "application/x-ndjson").body(body);
        self.script.send(request).await.expect(200).json()
    }

    /// "Run now", until it is done.
    async fn run(&self) {
        let administrator = &self.workplace.administrator;
        let run: Run = administrator.post(&self.workplace.path("/runs"), &json!({})).await.expect(202).json();
        let path = self.workplace.path(&format!("/runs/{}", run.id));
        while administrator.get(&path).await.expect(200).json::<Run>().state != RunState::Done {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    async fn search(&self, query: &str) -> Page<DeliveryEvent> {
        self.workplace.administrator.get(&format!("{}?{query}", self.path())).await.expect(200).json()
    }

    async fn found(&self, query: &str) -> Vec<String> {
        self.search(query).await.items.into_iter().map(|event| event.address).collect()
    }

    /// The counts of every address and reason.
    async fn tallies(&self) -> BTreeMap<(String, String), i64> {
        let connection = self.app.running.state.db.connection();
        let sql = "SELECT address_key, reason, count FROM error_tallies WHERE server_configuration_id = $1";
        let statement = backend::store::statement(connection, sql, [self.workplace.configuration.into()]);
        let rows = connection.query_all_raw(statement).await.expect("tallies");
        let text = |row: &sea_orm::QueryResult, column| row.try_get::<String>("", column).expect("a text");
        rows.iter()
            .map(|row| ((text(row, "address_key"), text(row, "reason")), row.try_get("", "count").expect("a number")))
            .collect()
    }

    async fn tally(&self, address: &str, reason: Reason) -> Option<i64> {
        self.tallies().await.get(&(address.to_owned(), reason.to_string())).copied()
    }
}

async fn token(app: &TestApp, administrator: &Client, scope: &str) -> Client {
    let body = json!({ "name": format!("{scope} script"), "scopes": [scope] });
    let secret = administrator.post("/api/v1/tokens", &body).await.expect(201).json::<ApiTokenSecret>();
    app.client(Some(secret.secret))
}

fn error(id: &str, address: &str, reason: &str) -> Value {
    json!({
        "id": id, "address": address, "outcome": "error", "reason": reason,
        "smtp_code": 550, "status": "5.1.1", "reply": "no such user", "occurred_at": at(-60),
    })
}

fn delivered(id: &str, address: &str, seconds: i64) -> Value {
    json!({ "id": id, "address": address, "outcome": "delivered", "occurred_at": at(seconds) })
}

/// Seconds from the test's present.
fn at(seconds: i64) -> String {
    (start_of_test() + TimeDelta::seconds(seconds)).to_rfc3339()
}

fn statuses(result: &BatchResult) -> Vec<ItemStatus> {
    result.items.iter().map(|item| item.status).collect()
}
