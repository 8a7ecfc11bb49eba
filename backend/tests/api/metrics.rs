//! What monitoring is told: every figure moves with what it is about.

use crate::support::{TestApp, Workplace};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    Problem,
    agent_sync::{Acknowledgement, AgentIdentity},
    run::Run,
};
use std::{collections::BTreeMap, time::Duration};

/// The series and their values.
struct Figures(BTreeMap<String, f64>);

impl Figures {
    async fn of(app: &TestApp) -> Self {
        let answer = reqwest::get(format!("http://{}/metrics", app.running.address)).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.expect("text");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.filter_map(|line| line.rsplit_once(' '));
        Self(series.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect())
    }

    #[track_caller]
    fn get(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.0.keys()))
    }
}

/// Reads until a series has a value; answers what is read after that: the lists are read before the counters, and
/// what is published in between is in these only.
async fn until(app: &TestApp, series: &str, value: f64) -> Figures {
    for _ in 0..500 {
        if Figures::of(app).await.0.get(series) == Some(&value) {
            return Figures::of(app).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{series} does not become {value}: {:#?}", Figures::of(app).await.0);
}

async fn report(app: &TestApp, place: &Workplace, address: &str) -> Value {
    let events = json!([
        { "id": address, "address": address, "outcome": "error", "reason": "unknown_user", "occurred_at": app.clock.now() },
        { "id": "wrong", "address": "no address", "outcome": "error", "occurred_at": app.clock.now() },
    ]);
    place.administrator.post(&place.path("/delivery-events"), &events).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_runs_distributions_and_releases_are_counted() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let before = Figures::of(&app).await;
    for zero in [
        "stoplist_runs_total{outcome=\"done\",trigger=\"immediate\"}",
        "stoplist_runs_total{outcome=\"failed\",trigger=\"schedule\"}",
        "stoplist_run_attempts_failed_total",
        "stoplist_blocks_total{reason=\"unknown_user\"}",
        "stoplist_distributions_published_total{kind=\"release\"}",
        "stoplist_delivery_events_total{status=\"accepted\"}",
        "stoplist_releases_total{status=\"released\"}",
        "stoplist_list_mismatches_total",
        "stoplist_list_addresses{state=\"in_effect\"}",
        "stoplist_jobs_waiting",
        "stoplist_run_schedule_delay_seconds",
    ] {
        assert_eq!(before.get(zero), 0.0, "{zero}");
    }
    assert_eq!(before.get("stoplist_database_up"), 1.0);
    assert_eq!(before.get("stoplist_server_configurations"), 1.0);
    assert!(before.get("process_resident_memory_bytes") > 0.0);

    report(&app, &place, "dead@example.com").await;
    report(&app, &place, "dead@example.com").await;
    let _: Run = place.administrator.post(&place.path("/runs"), &json!({})).await.expect(202).json();
    let figures = until(&app, "stoplist_distributions_published_total{kind=\"run\"}", 1.0).await;
    for (series, value) in [
        ("stoplist_delivery_events_total{status=\"accepted\"}", 1.0),
        ("stoplist_delivery_events_total{status=\"duplicate\"}", 1.0),
        ("stoplist_delivery_events_total{status=\"rejected\"}", 2.0),
        ("stoplist_runs_total{outcome=\"done\",trigger=\"immediate\"}", 1.0),
        ("stoplist_run_duration_seconds_count{trigger=\"immediate\"}", 1.0),
        ("stoplist_blocks_total{reason=\"unknown_user\"}", 1.0),
        ("stoplist_runs_unfinished{state=\"running\"}", 0.0),
        ("stoplist_distributions_incomplete{state=\"queued\"}", 0.0),
    ] {
        assert_eq!(figures.get(series), value, "{series}");
    }
    let now = app.clock.now().timestamp() as f64;
    assert_eq!(figures.get("stoplist_run_last_timestamp_seconds{outcome=\"done\"}"), now);
    let last = format!("stoplist_run_last_done_timestamp_seconds{{server_configuration=\"{}\"}}", place.configuration);
    assert_eq!(figures.get(&last), now);
    assert_eq!(figures.get("stoplist_list_addresses{state=\"in_effect\"}"), 1.0);

    let body = json!({ "addresses": ["dead@example.com", "alive@example.com", "@"] });
    place.administrator.post(&place.path("/releases"), &body).await.expect(200);
    let figures = Figures::of(&app).await;
    for status in ["released", "not_blocked", "not_valid"] {
        assert_eq!(figures.get(&format!("stoplist_releases_total{{status=\"{status}\"}}")), 1.0);
    }
    assert_eq!(figures.get("stoplist_distributions_published_total{kind=\"release\"}"), 1.0);
    assert_eq!(figures.get("stoplist_list_addresses{state=\"in_effect\"}"), 0.0);
    let all: Vec<_> = figures.0.keys().filter(|series| series.contains('@')).collect();
    assert!(all.is_empty(), "addresses: {all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_servers_and_what_waits_are_told() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let (agent, _) = place.mail_server(&app, "one").await;
    place.mail_server(&app, "two").await;
    let mail_servers = |state: &str| {
        format!("stoplist_mail_servers{{server_configuration=\"{}\",state=\"{state}\"}}", place.configuration)
    };
    assert_eq!(Figures::of(&app).await.get(&mail_servers("waiting")), 2.0);

    let identity: AgentIdentity = agent.get("/api/v1/agent").await.expect(200).json();
    let figures = Figures::of(&app).await;
    assert_eq!((figures.get(&mail_servers("waiting")), figures.get(&mail_servers("late"))), (1.0, 1.0));
    let mut held =
        Acknowledgement { epoch: identity.epoch, version: 0, count: 0, checksum: shared::ListChecksum::EMPTY };
    agent.post("/api/v1/agent/acknowledgements", &held).await.expect(200);
    let figures = Figures::of(&app).await;
    assert_eq!(figures.get(&mail_servers("in_sync")), 1.0);
    assert!(!figures.0.contains_key(&mail_servers("late")), "no mail server is late any more");
    held.count = 1;
    agent.post("/api/v1/agent/acknowledgements", &held).await.expect(200);
    let figures = Figures::of(&app).await;
    assert_eq!((figures.get(&mail_servers("mismatch")), figures.get("stoplist_list_mismatches_total")), (1.0, 1.0));
    app.clock.set(app.clock.now() + TimeDelta::minutes(3));
    assert_eq!(Figures::of(&app).await.get(&mail_servers("silent")), 1.0);

    report(&app, &place, "dead@example.com").await;
    let run: Run = place.administrator.post(&place.path("/runs"), &json!({})).await.expect(202).json();
    let figures = Figures::of(&app).await;
    let waiting = ["stoplist_runs_unfinished{state=\"queued\"}", "stoplist_jobs_waiting"];
    assert_eq!(waiting.map(|series| figures.get(series)), [1.0, 1.0]);
    let state = &app.running.state;
    backend::service::runs::perform(state, run.id).await.expect("a run");
    let figures = Figures::of(&app).await;
    assert_eq!(figures.get("stoplist_list_addresses{state=\"pending\"}"), 1.0);
    assert_eq!(figures.get("stoplist_distributions_incomplete{state=\"queued\"}"), 1.0);
    let full = backend::service::Error::StorageFull(anyhow::anyhow!("no room"));
    backend::service::runs::failed(state, run.id, &full).await.expect("nothing to do");
    assert_eq!(Figures::of(&app).await.get("stoplist_run_attempts_failed_total"), 0.0);

    let path = place.path(&format!("/runs/{}", run.id));
    let run: Run = place.administrator.get(&path).await.expect(200).json();
    let distribution = run.distribution_id.expect("a distribution");
    backend::service::distributions::failed(state, distribution, &full).await.expect("a note");
    backend::service::distributions::perform(state, distribution).await.expect("a distribution");
    let figures = Figures::of(&app).await;
    assert_eq!(figures.get("stoplist_distribution_attempts_failed_total"), 1.0);
    assert_eq!(figures.get("stoplist_distributions_incomplete{state=\"published\"}"), 1.0);
    // By tomorrow the scheduled run of this night is due, and nobody schedules here.
    app.clock.set(app.clock.now() + TimeDelta::days(1));
    assert!(Figures::of(&app).await.get("stoplist_run_schedule_delay_seconds") > 3_600.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_until_the_last_mail_server_acknowledged_is_measured() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let (agent, _) = place.mail_server(&app, "one").await;
    report(&app, &place, "dead@example.com").await;
    let run: Run = place.administrator.post(&place.path("/runs"), &json!({})).await.expect(202).json();
    let state = &app.running.state;
    backend::service::runs::perform(state, run.id).await.expect("a run");
    let run: Run = place.administrator.get(&place.path(&format!("/runs/{}", run.id))).await.expect(200).json();
    let distribution = run.distribution_id.expect("a distribution");
    backend::service::distributions::perform(state, distribution).await.expect("a distribution");
    app.clock.set(app.clock.now() + TimeDelta::seconds(7));
    let identity: AgentIdentity = agent.get("/api/v1/agent").await.expect(200).json();
    let checksum = [shared::AddressKey::from_stored("dead@example.com".to_owned())].iter().collect();
    let held = Acknowledgement { epoch: identity.epoch, version: identity.version, count: 1, checksum };
    agent.post("/api/v1/agent/acknowledgements", &held).await.expect(200);
    let figures = Figures::of(&app).await;
    assert_eq!(figures.get("stoplist_distribution_duration_seconds_sum{kind=\"run\"}"), 7.0);
    assert_eq!(figures.get("stoplist_distribution_duration_seconds_bucket{kind=\"run\",le=\"10\"}"), 1.0);
    assert_eq!(figures.get("stoplist_distribution_duration_seconds_bucket{kind=\"run\",le=\"5\"}"), 0.0);
    assert_eq!(figures.get("stoplist_distributions_incomplete{state=\"published\"}"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_somebody_made_up_leave_no_series() {
    let app = TestApp::start().await;
    let place = app.workplace().await;
    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", app.running.address);
    let by_name = http.request(Method::from_bytes(b"MADEUP1").expect("a method"), url("/"));
    let by_override = http.post(url(&place.path("/uploads"))).header("X-HTTP-Method-Override", "MADEUP2");
    for (request, allow) in [(by_name, "GET, HEAD"), (by_override, "GET, HEAD, OPTIONS, POST")] {
        let answer = request.send().await.expect("an answer");
        let headers = answer.headers().clone();
        assert_eq!((answer.status().as_u16(), headers["allow"].to_str().expect("text")), (405, allow));
        assert!(headers.contains_key("content-security-policy"), "{headers:?}");
        let problem: Problem = answer.json().await.expect("a problem");
        assert_eq!(problem.kind, "/problems/method-not-allowed");
        assert_eq!(problem.request_id.as_deref(), headers["x-request-id"].to_str().ok());
    }
    // By the same client: it is counted when an answer was sent to its end.
    let answer = http.get(url("/metrics")).send().await.expect("an answer");
    let series = answer.text().await.expect("text");
    assert!(series.contains("method=\"POST\"") && !series.contains("MADEUP"), "{series}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_because_of_a_suspended_account() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let (agent, _) = place.mail_server(&app, "one").await;
    agent.get("/api/v1/agent").await.expect(200);
    let run: Run = place.administrator.post(&place.path("/runs"), &json!({})).await.expect(202).json();
    backend::service::runs::perform(&app.running.state, run.id).await.expect("a run");
    app.clock.set(app.clock.now() + TimeDelta::days(1));
    let delay = "stoplist_run_schedule_delay_seconds";
    let of_configuration = format!("server_configuration=\"{}\"", place.configuration);
    let silent = format!("stoplist_mail_servers{{{of_configuration},state=\"silent\"}}");
    let last = format!("stoplist_run_last_done_timestamp_seconds{{{of_configuration}}}");
    let figures = Figures::of(&app).await;
    assert_eq!(figures.get(&silent), 1.0);
    assert!(figures.get(&last) > 0.0 && figures.get(delay) > 3_600.0);

    let provider = app.sign_in("provider@example.com").await;
    for suspended in [true, false] {
        let accounts = provider.get("/api/v1/provider/accounts").await.expect(200).json::<Value>();
        let account = &accounts["items"][0];
        let path = format!("/api/v1/provider/accounts/{}", account["id"].as_str().expect("an id"));
        let request = provider.request(Method::PATCH, &path).json(&json!({ "suspended": suspended }));
        provider.send(request.header("If-Match", format!("\"{}\"", account["revision"]))).await.expect(200);
        let figures = Figures::of(&app).await;
        assert_eq!([&silent, &last].map(|series| figures.0.contains_key(series)), [!suspended; 2]);
        assert_eq!(figures.get(delay) > 0.0, !suspended);
        assert_eq!(figures.get("stoplist_server_configurations"), 1.0);
    }
}
