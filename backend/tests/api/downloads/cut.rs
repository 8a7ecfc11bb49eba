//! Downloads that are not read to their end.

use super::{Scene, error};
use crate::support::{TestApp, client::Client};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_frees_its_connection() {
    let scene = Scene::new().await;
    report_much(&scene).await;
    let path = scene.place.path("/delivery-events.csv");
    for _ in 0..10 {
        drop(begun(scene.admin(), &path).await);
        drop(begun(scene.admin(), &format!("{path}?q=nothing")).await);
    }
    // Those that stay are four of a session, or its links, on SQLite two of an account; what is refused is not begun.
    let (mut open, most) = (Vec::new(), if TestApp::is_postgres() { 4 } else { 2 });
    for _ in 0..most {
        open.push(begun(scene.admin(), &path).await);
    }
    let link = json!({ "list": "delivery_events" });
    let link = scene.admin().post(&scene.place.path("/download-links"), &link).await.expect(201);
    let link = link.json::<shared::download::DownloadLink>().url;
    for path in [&path, &link] {
        let refused = scene.admin().get(path).await.expect(429);
        assert_eq!(refused.headers["retry-after"], "5");
    }
    let stranger = scene.app.administrator(&scene.place.provider, "second").await;
    drop(begun(&stranger, "/api/v1/audit-log.csv").await);
    drop(open);
    // More downloads were cut than there are connections: each of them gave its own back.
    let dropped = tokio::time::Instant::now();
    // On PostgreSQL one connection listens for wake-ups, always.
    while used_connections(&scene.app) != i64::from(TestApp::is_postgres()) {
        assert!(dropped.elapsed() < Duration::from_secs(10), "{} are still used", used_connections(&scene.app));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(scene.download("/delivery-events.csv").await.1.len(), 20_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_reading_keeps_no_place() {
    let app = TestApp::start_where(|settings| settings.patience.download = Duration::from_millis(300)).await;
    let scene = Scene::on(app).await;
    scene.enable().await;
    report_much(&scene).await;
    let path = scene.place.path("/delivery-events.csv");
    let mut stopped = Vec::new();
    for _ in 0..4 {
        stopped.push(begun(scene.admin(), &path).await);
    }
    // The last has its place from one of them, whose reader still holds the connection.
    drop(begun(scene.admin(), &path).await);
    let read = futures::future::join_all(stopped.into_iter().map(reqwest::Response::bytes)).await;
    assert!(read.iter().any(Result::is_err), "what broke off looks whole");
}

/// More than what lies ready between both ends, or a download would be over before it is read.
async fn report_much(scene: &Scene) {
    let events: Vec<Value> = (0..20_000).map(|n| error(&format!("u{n}@example.com"), &"x".repeat(1_000), n)).collect();
    scene.report(&events).await;
}

/// A download of which a piece is here, as soon as those before have made room for it.
async fn begun(client: &Client, path: &str) -> reqwest::Response {
    let asked = tokio::time::Instant::now();
    loop {
        // Compressed, all of it would lie ready at once.
        let request = client.request(Method::GET, path).header("Accept-Encoding", "identity");
        // A connection that was kept may be closed just now.
        let answer = request.send().await;
        match answer {
            Ok(mut answer) if answer.status() == 200 => {
                answer.chunk().await.expect("a piece").expect("not the end");
                return answer;
            }
            Ok(refused) => assert_eq!(refused.status(), 429),
            Err(_) => {}
        }
        assert!(asked.elapsed() < Duration::from_secs(20), "no download begins");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// For a moment less than none: a connection that is closed is counted off before it is no longer idle.
fn used_connections(app: &TestApp) -> i64 {
    let (size, idle) = match app.running.state.db.pool() {
        backend::service::Pool::Sqlite(pool) => (pool.size(), pool.num_idle()),
        backend::service::Pool::Postgres(pool) => (pool.size(), pool.num_idle()),
    };
    i64::from(size) - i64::try_from(idle).expect("a few")
}
