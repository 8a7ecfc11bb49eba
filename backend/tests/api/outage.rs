//! The database is away for a while, or its disk is full: requests are told so, and afterwards everything goes on by
//! itself.

use crate::support::{TestApp, Workplace, client::Client};
use futures::StreamExt;
use reqwest::Method;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use shared::{
    Page, Problem,
    delivery_event::{BatchResult, DeliveryEvent},
    run::{Run, RunState},
    session::ApiTokenSecret,
};
use std::{fs, path::Path, process::Command, time::Duration};

/// Longer than anything here may take to recover.
const PATIENCE: Duration = Duration::from_secs(40);

/// Tries until it is done, or for [`PATIENCE`].
async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let begun = tokio::time::Instant::now();
    while !look().await {
        assert!(begun.elapsed() < PATIENCE, "not yet: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn status(app: &TestApp, path: &str) -> u16 {
    reqwest::get(format!("http://{}{path}", app.running.address)).await.expect("an answer").status().as_u16()
}

fn events(app: &TestApp, batch: &str, count: usize) -> Vec<Value> {
    let event = |n| {
        json!({ "id": format!("{batch}-{n}"), "address": format!("{batch}-{n}@example.com"), "outcome": "error",
            "reason": "unknown_user", "reply": "x".repeat(500), "occurred_at": app.clock.now() })
    };
    (0..count).map(event).collect()
}

/// "Run now", until it is done.
async fn run_now(place: &Workplace) -> Run {
    let run: Run = place.administrator.post(&place.path("/runs"), &json!({})).await.expect(202).json();
    let path = place.path(&format!("/runs/{}", run.id));
    let mut last = run;
    until("the run is done", async || {
        last = place.administrator.get(&path).await.expect(200).json();
        last.state == RunState::Done
    })
    .await;
    last
}

/// A SQLite file does not go away.
mod on_postgres {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn requests_jobs_and_wake_ups_recover_when_the_database_comes_back() {
        let app = TestApp::start().await;
        let place = app.workplace().await;
        let other = app.start_another_node().await;
        let url = app.settings.database_url.clone();
        let (server, name) = url.rsplit_once('/').expect("a database in the URL");
        let server = Database::connect(format!("{server}/postgres")).await.expect("the server");
        let set = async |sql: String| server.execute_unprepared(&sql).await.expect("the server obeys");
        set(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")).await;
        set(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;

        let answer = place.administrator.get(&place.path("")).await.expect(503);
        assert_eq!(answer.json::<Problem>().kind, "/problems/unavailable");
        assert_eq!(answer.headers["retry-after"], "5");
        place.administrator.post(&place.path("/runs"), &json!({})).await.expect(503);
        assert_eq!((status(&app, "/readyz").await, status(&app, "/healthz").await), (503, 200));
        let metrics = reqwest::get(format!("http://{}/metrics", app.running.address)).await.expect("an answer");
        assert!(metrics.text().await.expect("text").contains("\nstoplist_database_up 0\n"));
        // Long enough that workers, heartbeats and listeners have noticed it.
        tokio::time::sleep(Duration::from_secs(3)).await;
        set(format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")).await;
        until("both nodes are ready", async || {
            status(&app, "/readyz").await == 200 && status(&other, "/readyz").await == 200
        })
        .await;
        place.administrator.post(&place.path("/delivery-events"), &events(&app, "after", 3)).await.expect(200);
        let run = run_now(&place).await;
        assert_eq!(run.blocked[0].count, 3);

        // Live streams have no other way to hear of what another node did.
        let request = place.administrator.request(Method::GET, &place.path("/live"));
        let mut pieces = request.send().await.expect("a stream").bytes_stream();
        pieces.next().await.expect("a first piece").expect("bytes");
        let elsewhere = sign_in(&other).await;
        until("a change on the other node is heard", async || {
            elsewhere.post(&place.path("/runs"), &json!({})).await.expect(202);
            let piece = tokio::time::timeout(Duration::from_secs(1), pieces.next()).await;
            piece.is_ok_and(|piece| piece.expect("the stream goes on").expect("bytes").starts_with(b"event:"))
        })
        .await;
    }

    // On SQLite the disk of the whole service is full: e2e/clients/tests/disk.test.mjs.
    #[tokio::test(flavor = "multi_thread")]
    async fn an_upload_that_meets_a_full_disk_changes_no_list() {
        let app = TestApp::start().await;
        let place = app.workplace().await;
        let client = &place.administrator;
        let connection = app.running.state.db.connection();
        let run = async |sql: &str| {
            connection.execute_unprepared(sql).await.expect("PostgreSQL obeys");
        };
        let send = async |file: &'static str| {
            let request = client.request(Method::POST, &place.path("/uploads")).header("Tus-Resumable", "1.0.0");
            let request = request.header("Content-Type", "application/offset+octet-stream");
            client.send(request.header("Upload-Length", file.len()).body(file)).await
        };
        let read = async |path: &str, over: &[&str]| {
            let mut found = Value::Null;
            until("it is over", async || {
                found = client.get(path).await.expect(200).json();
                over.iter().any(|state| found["state"] == *state)
            })
            .await;
            found
        };
        run(&full_disk("upload_pieces")).await;
        assert_eq!(send("a@example.com\n").await.expect(507).json::<Problem>().kind, "/problems/storage-full");
        run(ROOM_AGAIN).await;

        run(&full_disk("upload_addresses")).await;
        let path = send("a@example.com\n").await.expect(201).headers["location"].to_str().expect("a path").to_owned();
        let upload = read(&path, &["ready", "failed"]).await;
        assert_eq!((&upload["state"], &upload["failure"]["code"]), (&json!("failed"), &json!("disk_full")));
        run(ROOM_AGAIN).await;
        let again = client.request(Method::PUT, &format!("{path}/reading")).json(&json!({}));
        client.send(again).await.expect(202);
        assert_eq!(read(&path, &["ready", "failed"]).await["state"], "ready");

        run(&full_disk("blocked_addresses")).await;
        let registration = format!("{path}/registration");
        let body = json!({ "delivery_timing": "next_execution" });
        let queued: Value = client.post(&registration, &body).await.expect(202).json();
        let operation = place.path(&format!("/list-operations/{}", queued["id"].as_str().expect("an id")));
        let operation = read(&operation, &["done", "failed"]).await;
        assert_eq!(operation["state"], "failed", "{operation}");
        let list: Value = client.get(&place.path("/blocked-addresses")).await.expect(200).json();
        assert_eq!(list["total"]["count"], 0);
        run(ROOM_AGAIN).await;
        let queued: Value = client.post(&registration, &body).await.expect(202).json();
        let operation = place.path(&format!("/list-operations/{}", queued["id"].as_str().expect("an id")));
        assert_eq!(read(&operation, &["done", "failed"]).await["counts"]["added"], 1);
    }
}

async fn sign_in(app: &TestApp) -> Client {
    app.sign_in("administrator@first.example").await
}

/// A small disk in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status();
        assert!(mounted.is_ok_and(|status| status.success()), "mounting a tmpfs needs root: run this test as root");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        use std::io::Write;
        let mut file = fs::File::create(self.path().join("filler")).expect("a file");
        for size in [64 * 1024, 4 * 1024] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.path().join("filler")).expect("the filler");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the service may still have its files open.
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(std::thread::panicking() || unmounted.is_ok_and(|status| status.success()), "the tmpfs stays mounted");
    }
}

/// Whoever runs the service sees a full disk as such; nothing is half done, and nothing has to be restarted.
async fn a_batch_meets_a_full_disk(app: &TestApp, fill: impl AsyncFnOnce(), make_room: impl AsyncFnOnce()) {
    let place = app.workplace().await;
    place.administrator.post(&place.path("/delivery-events"), &events(app, "before", 10)).await.expect(200);
    run_now(&place).await;
    let token = json!({ "name": "script", "scopes": ["read"] });
    let token: ApiTokenSecret = place.administrator.post("/api/v1/tokens", &token).await.expect(201).json();
    let reader = app.client(Some(token.secret));

    fill().await;
    let batch = events(app, "full", 5_000);
    let answer = place.administrator.post(&place.path("/delivery-events"), &batch).await.expect(507);
    assert_eq!(answer.json::<Problem>().kind, "/problems/storage-full");
    assert_eq!((status(app, "/readyz").await, status(app, "/metrics").await), (200, 200));
    let page: Page<DeliveryEvent> =
        reader.get(&place.path("/delivery-events?q=full-&limit=1")).await.expect(200).json();
    assert!(page.items.is_empty(), "a part of the batch is stored: {page:?}");
    reader.get(&place.path("/blocked-addresses")).await.expect(200);

    make_room().await;
    let result: BatchResult =
        place.administrator.post(&place.path("/delivery-events"), &batch).await.expect(200).json();
    assert_eq!(result.accepted, 5_000, "nothing of it was stored before");
    let run = run_now(&place).await;
    assert_eq!(run.blocked.iter().map(|of| of.count).sum::<i64>(), 5_000, "each is counted once");
}

/// PostgreSQL says that its disk is full when a row is added to a table.
fn full_disk(table: &str) -> String {
    format!(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
         $$BEGIN RAISE EXCEPTION 'could not extend file: No space left' USING ERRCODE = '53100'; END$$; \
         CREATE TRIGGER full_disk AFTER INSERT ON {table} EXECUTE FUNCTION full_disk()"
    )
}

const ROOM_AGAIN: &str = "DROP FUNCTION full_disk CASCADE";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_changes_nothing() {
    if TestApp::is_postgres() {
        // The disk is the server's own; what it says when that is full is the same.
        let app = TestApp::start().await;
        let connection = app.running.state.db.connection();
        let run = async |sql: &str| {
            connection.execute_unprepared(sql).await.expect("PostgreSQL obeys");
        };
        a_batch_meets_a_full_disk(
            &app,
            async || run(&full_disk("error_tallies")).await,
            async || run(ROOM_AGAIN).await,
        )
        .await;
        return;
    }
    let disk = SmallDisk::mount(96);
    let app = TestApp::start_in(disk.path()).await;
    a_batch_meets_a_full_disk(&app, async || disk.fill(), async || disk.make_room()).await;
    app.running.stop();
    app.running.wait().await.expect("the service stops well");
}
