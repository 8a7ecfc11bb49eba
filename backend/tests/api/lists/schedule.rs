//! The daily run: once a local day, whatever happens.

use super::*;
use chrono::NaiveDate;

async fn scheduled(scene: &Scene) -> Vec<NaiveDate> {
    let runs: Page<Run> = scene.get("/runs").await;
    runs.items.iter().filter_map(|run| run.scheduled_for).collect()
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
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
        .map(|state| tokio::spawn(async move { backend::service::runs::schedule(&state).await }))
        .collect();
    for racer in racers {
        racer.await.expect("no panic").expect("scheduled");
    }
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
