//! Downloads: exactly what the search finds, as CSV.

mod again;
mod cut;
mod filters;
mod links;
mod moving;

use crate::support::{TestApp, Workplace, client::Client, start_of_test};
use chrono::TimeDelta;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use shared::{
    Page, Problem,
    account::Account,
    delivery_event::{BatchResult, DeliveryEvent},
    list::{BlockedAddress, Exemption},
    list_operation::{ListOperation, ListOperationCounts, ListOperationState},
    run::{Distribution, DistributionState, Run, RunState},
    session::ApiTokenSecret,
    upload::{RecordCounts, Upload, UploadState},
};
use std::time::Duration;

/// An account that may download.
struct Scene {
    app: TestApp,
    place: Workplace,
}

impl Scene {
    async fn new() -> Self {
        let scene = Self::disabled().await;
        scene.enable().await;
        scene
    }

    async fn disabled() -> Self {
        Self::on(TestApp::start().await).await
    }

    async fn on(app: TestApp) -> Self {
        let place = app.workplace().await;
        Self { app, place }
    }

    async fn enable(&self) {
        self.allow(true).await;
    }

    async fn allow(&self, downloads_enabled: bool) {
        let provider = &self.place.provider;
        let account = provider.get("/api/v1/provider/accounts").await.json::<Page<Account>>().items.remove(0);
        let path = format!("/api/v1/provider/accounts/{}", account.id);
        let request = provider.request(Method::PATCH, &path).header("If-Match", format!("\"{}\"", account.revision));
        provider.send(request.json(&json!({ "downloads_enabled": downloads_enabled }))).await.expect(200);
    }

    fn admin(&self) -> &Client {
        &self.place.administrator
    }

    async fn report(&self, events: &[Value]) {
        for batch in events.chunks(6_000) {
            let answer = self.admin().post(&self.place.path("/delivery-events"), &batch).await.expect(200);
            assert_eq!(answer.json::<BatchResult>().accepted as usize, batch.len());
        }
    }

    /// "Run now", until its distribution is published.
    async fn run(&self) {
        let run: Run = self.admin().post(&self.place.path("/runs"), &json!({})).await.expect(202).json();
        let done: Run = self.until(&format!("/runs/{}", run.id), |run: &Run| run.state == RunState::Done).await;
        let path = format!("/distributions/{}", done.distribution_id.expect("a distribution"));
        self.until(&path, |distribution: &Distribution| distribution.state != DistributionState::Queued).await;
    }

    async fn until<T: serde::de::DeserializeOwned>(&self, path: &str, wanted: impl Fn(&T) -> bool) -> T {
        loop {
            let found: T = self.admin().get(&self.place.path(path)).await.expect(200).json();
            if wanted(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Blocks addresses by one error each.
    async fn block(&self, addresses: &[&str]) {
        let events: Vec<Value> = addresses.iter().map(|address| error(address, "no such user", 0)).collect();
        self.report(&events).await;
        self.run().await;
    }

    async fn release(&self, addresses: &[String], comment: &str) {
        for part in addresses.chunks(1_000) {
            let body = json!({ "addresses": part, "comment": comment });
            self.admin().post(&self.place.path("/releases"), &body).await.expect(200);
        }
    }

    async fn download(&self, path: &str) -> (HeaderMap, Vec<Vec<String>>) {
        let answer = self.admin().get(&self.place.path(path)).await.expect(200);
        let text = String::from_utf8(answer.body).expect("UTF-8");
        (answer.headers, parse(&text))
    }

    /// Every page of a list.
    async fn pages<T: serde::de::DeserializeOwned>(&self, path: &str) -> Vec<T> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.admin().get(&self.place.path(&format!("{path}&limit=500{cursor}"))).await.expect(200);
            let page: Page<T> = page.json();
            rows.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }
}

fn error(address: &str, reply: &str, seconds: i64) -> Value {
    json!({
        "id": uuid::Uuid::new_v4().to_string(), "address": address, "outcome": "error", "reason": "unknown_user",
        "smtp_code": 550, "status": "5.1.1", "reply": reply,
        "occurred_at": start_of_test() + TimeDelta::seconds(seconds - 3_600),
    })
}

/// Reads CSV as RFC 4180 has it.
fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (vec![], vec![], String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted => {
                assert_eq!(chars.next(), Some('\n'), "lines end with CRLF");
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => {
                assert!(quoted || c != '\n', "a bare line feed");
                field.push(c);
            }
        }
    }
    assert!(row.is_empty() && field.is_empty() && !quoted, "the last line ends too");
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_are_refused_until_the_provider_enables_them() {
    let scene = Scene::disabled().await;
    let paths =
        ["/blocked-addresses.csv", "/exemptions.csv", "/delivery-events.csv", "/delivery-events.csv?outcome=error"];
    for path in paths {
        let problem: Problem = scene.admin().get(&scene.place.path(path)).await.expect(403).json();
        assert_eq!(problem.kind, "/problems/downloads-disabled");
        assert!(problem.detail.contains("inquiry"), "{}", problem.detail);
    }
    scene.enable().await;
    for path in paths {
        assert_eq!(scene.download(path).await.1.len(), 1, "only the header");
    }
    let stranger = scene.app.administrator(&scene.place.provider, "stranger").await;
    let body = json!({ "name": "script", "scopes": ["events"] });
    let token = scene.admin().post("/api/v1/tokens", &body).await.expect(201).json::<ApiTokenSecret>();
    for path in paths {
        let path = scene.place.path(path);
        stranger.get(&path).await.expect(404);
        scene.app.client(Some(token.secret.clone())).get(&path).await.expect(403);
        scene.app.anonymous().get(&path).await.expect(401);
    }
    for wrong in ["limit", "cursor", "bom", "language", "surprise"] {
        for path in &paths[..3] {
            let path = scene.place.path(&format!("{path}?{wrong}=1"));
            scene.admin().get(&path).await.expect_problem(422, wrong);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocked_list_is_written_as_csv() {
    let scene = Scene::new().await;
    scene.block(&["Taro@Example.COM", "\"ta,ro\"@example.com", "=1+1@example.com", "hana@日本語.example"]).await;
    let (headers, rows) = scene.download("/blocked-addresses.csv?sort=address&direction=ascending").await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    let disposition = headers["content-disposition"].to_str().expect("ASCII");
    assert!(disposition.contains("filename=\"blocked-list_Main_2026-11-24T12-00-00Z.csv\""), "{disposition}");
    let header = ["address", "reason", "origin", "state", "blocked_at", "version", "removal_cause", "removed_at"];
    assert_eq!(rows[0], header);
    let addresses: Vec<_> = rows[1..].iter().map(|row| row[0].as_str()).collect();
    assert_eq!(addresses, ["\"ta,ro\"@example.com", "'=1+1@example.com", "hana@日本語.example", "Taro@Example.COM"]);
    let first = ["unknown_user", "condition", "in_effect", "2026-11-24T12:00:00Z", "1", "", ""];
    assert_eq!(rows[1][1..], first);

    let (headers, rows) = scene.download("/blocked-addresses.csv?q=taro&bom=true&language=ja").await;
    assert_eq!(rows[0][0], "\u{feff}メールアドレス");
    assert_eq!(rows[1][..4], ["Taro@Example.COM", "ユーザー不明", "停止条件", "適用中"]);
    assert_eq!(rows.len(), 2, "only what the search finds");
    let disposition = headers["content-disposition"].to_str().expect("ASCII");
    assert!(disposition.contains("filename*=UTF-8''%E9%85%8D%E4%BF%A1"), "{disposition}");

    let request = scene.admin().request(Method::GET, &scene.place.path("/blocked-addresses.csv"));
    let packed = request.header("Accept-Encoding", "gzip").send().await.expect("an answer");
    assert!(packed.bytes().await.expect("a body").starts_with(b"address,"), "the client unpacks it");
}

/// Uploads a file and registers it; answers what the analysis and the registration counted.
async fn register(scene: &Scene, file: Vec<u8>) -> (RecordCounts, ListOperationCounts) {
    let request = scene.admin().request(Method::POST, &scene.place.path("/uploads"));
    let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Length", file.len());
    let request = request.header("Content-Type", "application/offset+octet-stream").body(file);
    let id = scene.admin().send(request).await.expect(201).json::<Upload>().id;
    let wanted = |upload: &Upload| upload.state != UploadState::Analysing;
    let upload = scene.until(&format!("/uploads/{id}"), wanted).await;
    assert_eq!(upload.failure, None);
    let counted = upload.analysis.and_then(|analysis| analysis.counts).expect("counts");
    let registration = scene.place.path(&format!("/uploads/{id}/registration"));
    let answer = scene.admin().post(&registration, &json!({ "delivery_timing": "next_execution" })).await;
    let id = answer.expect(202).json::<ListOperation>().id;
    let wanted = |operation: &ListOperation| operation.state == ListOperationState::Done;
    (counted, scene.until(&format!("/list-operations/{id}"), wanted).await.counts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downloaded_list_can_be_uploaded_as_it_is() {
    let scene = Scene::new().await;
    let blocked =
        ["Taro@Example.COM", "\"ta,ro\"@example.com", "=1+1@example.com", "+81@example.com", "'-x@example.com"];
    scene.block(&blocked).await;
    scene.block(&["@released@example.com", "=released@example.com"]).await;
    scene.release(&["=released@example.com".to_owned()], "=1+1").await;
    let lists = async |scene: &Scene| {
        let (_, blocked) = scene.download("/blocked-addresses.csv").await;
        (blocked, scene.download("/exemptions.csv").await.1)
    };
    let before = lists(&scene).await;
    for (path, already_blocked, exempt) in [
        ("/blocked-addresses.csv?state=in_effect", 6, 0),
        ("/blocked-addresses.csv?state=in_effect&language=ja&bom=true", 6, 0),
        ("/exemptions.csv", 0, 1),
        ("/exemptions.csv?language=ja&bom=true", 0, 1),
    ] {
        let file = scene.admin().get(&scene.place.path(path)).await.expect(200).body;
        let (counts, registered) = register(&scene, file).await;
        let total = already_blocked + exempt;
        assert_eq!(counts, RecordCounts { total, already_blocked, exempt, ..RecordCounts::default() }, "{path}");
        let nothing = ListOperationCounts { already_blocked, exempt, ..ListOperationCounts::default() };
        assert_eq!(registered, nothing, "{path}");
        assert_eq!(lists(&scene).await, before, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_cancellation_list_and_the_logs_are_written_as_csv() {
    let scene = Scene::new().await;
    scene.block(&["taro@example.com"]).await;
    scene.release(&["taro@example.com".to_owned()], "\"asked\",\nby\u{1f}phone").await;
    let (_, rows) = scene.download("/exemptions.csv").await;
    assert_eq!(rows[0], ["address", "reason", "released_at", "comment"]);
    let released = ["taro@example.com", "unknown_user", "2026-11-24T12:00:00Z", "\"asked\",\nby phone"];
    assert_eq!(rows[1..], [released]);

    let mut delivered = error("hana@example.com", "=2.0.0 \u{1e}\u{1f} OK", 1);
    delivered["outcome"] = json!("delivered");
    delivered.as_object_mut().expect("an object").remove("reason");
    let (agent, _) = scene.place.mail_server(&scene.app, "mx1, Tokyo").await;
    agent.post(&scene.place.path("/delivery-events"), &json!([delivered])).await.expect(200);
    let (headers, rows) = scene.download("/delivery-events.csv").await;
    assert!(headers["content-disposition"].to_str().expect("ASCII").contains("delivery-log_Main_"));
    let header =
        ["occurred_at", "address", "outcome", "reason", "smtp_code", "status", "reply", "mail_server", "event_id"];
    assert_eq!(rows[0][..9], header);
    let id = delivered["id"].as_str().expect("an id");
    let newest = [
        "2026-11-24T11:00:01Z",
        "hana@example.com",
        "delivered",
        "",
        "550",
        "5.1.1",
        "'=2.0.0 \u{1e}  OK",
        "mx1, Tokyo",
        id,
        "2026-11-24T12:00:00Z",
    ];
    assert_eq!(rows[1], newest);
    assert_eq!(rows.len(), 3);
    let (headers, rows) = scene.download("/delivery-events.csv?outcome=error").await;
    assert!(headers["content-disposition"].to_str().expect("ASCII").contains("error-log_Main_"));
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1][1], "taro@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_download_is_what_all_pages_show() {
    let scene = Scene::new().await;
    // In two parts.
    let addresses: Vec<String> = (0..6_000).map(|n| format!("u{}@d{}.example", n * 7 % 6_000, n % 3)).collect();
    let events: Vec<Value> = addresses.iter().zip(0..).map(|(address, n)| error(address, "no", n % 50)).collect();
    // An agent that never comes again keeps what is released in the state "releasing".
    let (agent, _) = scene.place.mail_server(&scene.app, "mx1").await;
    scene.report(&events[..3_500]).await;
    scene.run().await;
    scene.app.clock.set(start_of_test() + TimeDelta::seconds(1));
    scene.report(&events[3_500..]).await;
    scene.run().await;
    acknowledge(&agent).await;
    let released: Vec<String> = addresses.iter().step_by(9).cloned().collect();
    scene.release(&released, "wrong").await;

    for search in [
        "sort=date&direction=descending",
        "sort=date&direction=ascending",
        "sort=address&direction=descending",
        "sort=address&direction=ascending&domain=d1.example",
        "q=7",
        "state=releasing&sort=address",
        "state=in_effect",
    ] {
        let shown: Vec<BlockedAddress> = scene.pages(&format!("/blocked-addresses?{search}")).await;
        let (_, rows) = scene.download(&format!("/blocked-addresses.csv?{search}")).await;
        let wanted: Vec<_> = shown.iter().map(|block| (block.address.as_str(), json!(block.state))).collect();
        let found: Vec<_> = rows[1..].iter().map(|row| (row[0].as_str(), json!(row[3]))).collect();
        assert!(wanted.len() > 200, "{search}: {}", wanted.len());
        assert!(wanted == found, "{search}");
    }
    for search in ["direction=ascending", "sort=address"] {
        let shown: Vec<Exemption> = scene.pages(&format!("/exemptions?{search}")).await;
        let (_, rows) = scene.download(&format!("/exemptions.csv?{search}")).await;
        assert_eq!(shown.len(), released.len());
        assert!(shown.iter().map(|row| &row.address).eq(rows[1..].iter().map(|row| &row[0])), "{search}");
    }
    for search in ["outcome=error", "direction=ascending&domain=d2.example"] {
        let shown: Vec<DeliveryEvent> = scene.pages(&format!("/delivery-events?{search}")).await;
        let (_, rows) = scene.download(&format!("/delivery-events.csv?{search}")).await;
        assert!(shown.len() > 1_500, "{search}");
        assert!(shown.iter().map(|event| &event.event_id).eq(rows[1..].iter().map(|row| &row[8])), "{search}");
    }
}

/// Acknowledges the published list.
async fn acknowledge(agent: &Client) {
    let list = agent.get("/api/v1/agent/list").await.expect(200);
    let header = list.body.split(|byte| *byte == b'\n').next().expect("a header line");
    let header: shared::agent_sync::ListHeader = serde_json::from_slice(header).expect("a header");
    let body = json!({ "epoch": header.epoch, "version": header.version, "count": header.count,
        "checksum": header.checksum });
    agent.post("/api/v1/agent/acknowledgements", &body).await.expect(200);
}
