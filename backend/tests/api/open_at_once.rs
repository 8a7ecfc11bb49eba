//! How much one session or token may have open at the same time, and that who goes away makes room.

use crate::{
    lists::Scene,
    support::{TestApp, Workplace, client::Client},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::Problem;
use std::time::Duration;
use tokio::time::Instant;

/// Longer than anything may take here.
const LONG: Duration = Duration::from_secs(20);

/// A stream or download that is open, or why not.
async fn open(client: &Client, path: &str) -> Result<reqwest::Response, StatusCode> {
    let answer = client.request(reqwest::Method::GET, path).send().await.expect("an answer");
    let status = answer.status();
    if status.is_success() { Ok(answer) } else { Err(status) }
}

/// That one more is refused, and with what.
async fn refused(client: &Client, path: &str) {
    let answer = client.get(path).await.expect(429);
    assert_eq!(answer.headers["retry-after"], "5");
    let problem: Problem = answer.json();
    assert_eq!(problem.kind, "/problems/too-many-requests");
    assert!(problem.detail.contains("open already"), "{problem:?}");
}

async fn ask(client: &Client) {
    let inquiry = json!({ "category": "other", "subject": "Hours", "text": "When?" });
    client.post("/api/v1/inquiries", &inquiry).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_fifty_live_streams_and_whoever_goes_away_makes_room() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let (client, path) = (&place.administrator, "/api/v1/live");
    let open_all = async || futures::future::join_all((0..50).map(|_| open(client, path))).await;
    let streams = open_all().await;
    assert!(streams.iter().all(Result::is_ok), "{streams:?}");
    for path in [path, &place.path("/live")] {
        refused(client, path).await;
    }
    let other = app.sign_in("administrator@first.example").await;
    drop(open(&other, path).await.expect("another session has its own"));
    drop(streams);
    // Who went away is noticed when there is something to tell.
    let begun = Instant::now();
    while open(client, path).await.is_err() {
        assert!(begun.elapsed() < LONG, "nobody made room");
        ask(&other).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What an agent holds that has the newest list.
async fn newest(agent: &Client) -> String {
    let me: Value = agent.get("/api/v1/agent").await.expect(200).json();
    format!("epoch={}&version={}", me["epoch"].as_str().expect("an epoch"), me["version"])
}

/// The status of an agent's call that waits so many seconds for something new.
async fn wait(agent: &Client, held: &str, seconds: u32) -> u16 {
    let path = format!("/api/v1/agent/list?{held}&wait={seconds}");
    agent.get(&path).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_has_twenty_calls_that_wait_and_they_end_when_it_is_gone() {
    let app = TestApp::start_without_jobs().await;
    let place: Workplace = app.workplace().await;
    let (agent, _) = place.mail_server(&app, "mx1").await;
    let (another, _) = place.mail_server(&app, "mx2").await;
    let held = newest(&agent).await;
    let mut statuses = futures::future::join_all((0..25).map(|_| wait(&agent, &held, 5))).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[204; 20].as_slice(), &[429; 5]].concat());

    let calls = futures::future::join_all((0..20).map(|_| wait(&agent, &held, 1)));
    assert!(
        tokio::time::timeout(Duration::from_millis(300), calls).await.is_err(),
        "they wait, until the agent is gone"
    );
    assert_eq!(wait(&another, &held, 0).await, 204, "another agent has its own");
    let begun = Instant::now();
    while wait(&agent, &held, 0).await != 204 {
        assert!(begun.elapsed() < LONG, "nobody made room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_brings_nothing_after_its_token_was_renewed() {
    let scene = Scene::start_without_jobs().await;
    let (agent, mail_server) = scene.place.mail_server(&scene.app, "mx1").await;
    let held = newest(&agent).await;
    let publish = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let path = scene.place.path(&format!("/mail-servers/{mail_server}/token"));
        scene.admin().post(&path, &json!({})).await.expect(200);
        scene.errors("dead@example.com", "unknown_user", 1).await;
        scene.run_by_hand().await;
    };
    let (status, ()) = tokio::join!(wait(&agent, &held, 30), publish);
    assert_eq!(status, 401);
}
