//! The daily run: once a local day, whatever happens.

use super::*;
use backend::service::{distributions, runs};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::ConnectionTrait;
use shared::account::Account;

async fn scheduled(scene: &Scene) -> Vec<NaiveDate> {
    let runs: Page<Run> = scene.get("/runs").await;
    runs.items.iter().filter_map(|run| run.scheduled_for).collect()
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// Queues the run that is due at a time, and performs it.
async fn nightly(scene: &Scene, time: &str) -> Run {
    let state = &scene.app.running.state;
    scene.app.clock.set(at(time));
    runs::schedule(state).await.expect("a look at the clock");
    let run = scene.get::<Page<Run>>("/runs").await.items.remove(0);
    runs::perform(state, run.id).await.expect("a run");
    scene.get(&format!("/runs/{}", run.id)).await
}

async fn move_to_time_zone(scene: &Scene, time_zone: &str) {
    let request = scene.admin().request(Method::PATCH, &scene.place.path("")).header("If-Match", "\"1\"");
    scene.admin().send(request.json(&json!({ "name": "Main", "time_zone": time_zone }))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheduled_run_fires_at_its_minute_and_missed_nights_are_made_up_once() {
    let scene = Scene::start().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    assert_eq!(json!(scene.settings().await.next_execution), "2026-11-25T00:00:00Z");
    scene.app.clock.set("2026-11-24T23:59:59Z".parse().expect("a time"));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(scheduled(&scene).await.is_empty(), "not a second early");
    scene.app.clock.set("2026-11-25T00:00:00Z".parse().expect("a time"));
    let runs = scene.until("/runs", |page: &Page<Run>| !page.items.is_empty()).await;
    scene.finished(runs.items[0].id).await;
    assert_eq!(scene.blocked("in_effect").await, ["dead@example.com"]);
    assert_eq!(json!(scene.settings().await.next_execution), "2026-11-26T00:00:00Z");
    // Three nights later.
    scene.app.clock.set("2026-11-28T09:30:00Z".parse().expect("a time"));
    scene.until("/runs", |page: &Page<Run>| page.items.len() > 1).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(scheduled(&scene).await, [day("2026-11-28"), day("2026-11-25")]);
    assert_eq!(json!(scene.settings().await.next_execution), "2026-11-29T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_schedulers_make_one_run() {
    let scene = Scene::start().await;
    let other = if TestApp::is_postgres() { Some(scene.app.start_another_node().await) } else { None };
    scene.app.clock.set("2026-11-25T00:00:00Z".parse().expect("a time"));
    let states = [Some(&scene.app), other.as_ref()].map(|app| app.map(|app| app.running.state.clone()));
    let racers: Vec<_> = (0..16)
        .filter_map(|n| states[n % 2].clone())
        .map(|state| tokio::spawn(async move { runs::schedule(&state).await }))
        .collect();
    for racer in racers {
        racer.await.expect("no panic").expect("scheduled");
    }
    // Those who found another one at it did not wait.
    scene.until("/runs", |page: &Page<Run>| !page.items.is_empty()).await;
    assert_eq!(scheduled(&scene).await, [day("2026-11-25")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_had_its_run_has_no_second_one_at_a_later_timing() {
    let scene = Scene::start().await;
    scene.app.clock.set("2026-11-25T00:00:00Z".parse().expect("a time"));
    scene.until("/runs", |page: &Page<Run>| !page.items.is_empty()).await;
    let saved = scene.change_settings(|body| body["execute_timing"] = json!("15:00")).await.expect(200);
    assert_eq!(json!(saved.json::<RunSettings>().next_execution), "2026-11-26T15:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_run_stays_due_whatever_settings_are_saved_before_it_is_made_up() {
    let scene = Scene::start_without_jobs().await;
    scene.app.clock.set(at("2026-11-25T09:00:00Z"));
    let still_due = async || {
        assert_eq!(scene.settings().await.next_execution, at("2026-11-25T00:00:00Z"));
    };
    scene.change_settings(|body| body["watch_warning"] = json!(7)).await.expect(200);
    still_due().await;
    move_to_time_zone(&scene, "Europe/London").await;
    still_due().await;
    let provider = scene.app.sign_in("provider@example.com").await;
    for plan in ["standard", "professional"] {
        let account = provider.items::<Account>("/api/v1/provider/accounts").await.remove(0);
        let path = format!("/api/v1/provider/accounts/{}", account.id);
        let request = provider.request(Method::PATCH, &path).header("If-Match", format!("\"{}\"", account.revision));
        provider.send(request.json(&json!({ "plan": plan }))).await.expect(200);
    }
    still_due().await;
    runs::schedule(&scene.app.running.state).await.expect("a look at the clock");
    assert_eq!(scheduled(&scene).await, [day("2026-11-25")]);
    assert_eq!(scene.settings().await.next_execution, at("2026-11-26T00:00:00Z"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_scheduled_keeps_no_other_from_its_run() {
    let scene = Scene::start_without_jobs().await;
    scene.app.sign_in("administrator@first.example").await.create_configuration("Broken").await;
    let state = &scene.app.running.state;
    let broken = "UPDATE server_configurations SET execute_timing = '', next_run_at = 0 WHERE name = 'Broken'";
    state.db.connection().execute_unprepared(broken).await.expect("an update");
    scene.app.clock.set(at("2026-11-25T00:00:00Z"));
    runs::schedule(state).await.expect("all others are scheduled");
    assert_eq!(scheduled(&scene).await, [day("2026-11-25")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_not_before_it_was_due_where_the_clock_is_behind() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let midnight = at("2026-11-25T00:00:00Z");
    scene.app.clock.set(midnight);
    runs::schedule(state).await.expect("a look at the clock");
    let run = scene.get::<Page<Run>>("/runs").await.items.remove(0);
    // As another node has it.
    scene.app.clock.set(at("2026-11-24T23:59:59Z"));
    runs::perform(state, run.id).await.expect("a run");
    let run: Run = scene.get(&format!("/runs/{}", run.id)).await;
    assert_eq!((run.started_at, run.finished_at), (Some(midnight), Some(midnight)));
    assert_eq!(scene.settings().await.previous_execution, Some(midnight));
    let blocks: Page<BlockedAddress> = scene.get("/blocked-addresses").await;
    assert_eq!(blocks.items.iter().map(|block| block.blocked_at).collect::<Vec<_>>(), [midnight]);
    let id = run.distribution_id.expect("a distribution");
    distributions::perform(state, id).await.expect("a distribution");
    let distribution: Distribution = scene.get(&format!("/distributions/{id}")).await;
    assert_eq!(distribution.published_at, Some(midnight));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_of_each_night_end_with_their_own_night() {
    let scene = Scene::start_without_jobs().await;
    move_to_time_zone(&scene, "Europe/Prague").await;
    scene.change_settings(|body| body["watch_period_days"] = json!(1)).await.expect(200);
    // Which night it is in Prague; on the 28th of March there are 23 hours until the next one.
    for (time, cancelled) in [
        ("2027-03-27T23:00:00Z", 0),
        ("2027-03-28T22:00:00Z", 1),
        // Begins some minutes late, and the next one does not.
        ("2027-03-29T22:04:00Z", 1),
        ("2027-03-30T22:00:00Z", 1),
        // Missed, and made up in the morning.
        ("2027-04-01T07:30:00Z", 1),
        ("2027-04-01T22:00:00Z", 1),
    ] {
        scene.errors(&format!("{}@example.com", time.replace(':', "-")), "unknown_user", 1).await;
        let run = nightly(&scene, time).await;
        assert_eq!((run.cancelled, run.blocked.len()), (cancelled, 1), "{time}");
    }
    // What was blocked in the middle of a day stays for a whole one.
    scene.app.clock.set(at("2027-04-02T10:00:00Z"));
    let body = json!({ "addresses": ["by-hand@example.com"] });
    scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
    assert_eq!(nightly(&scene, "2027-04-02T22:00:00Z").await.cancelled, 1);
    assert_eq!(nightly(&scene, "2027-04-03T22:00:00Z").await.cancelled, 1);
}
