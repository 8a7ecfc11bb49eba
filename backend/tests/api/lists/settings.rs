//! Run settings.

use super::{runs::condition, *};
use shared::run_settings::{ExecuteTimingPreview, WatchPeriodPreview};

#[tokio::test(flavor = "multi_thread")]
async fn settings_begin_with_the_manuals_and_change_under_if_match() {
    let scene = Scene::start().await;
    let path = scene.place.path("/run-settings");
    let answer = scene.admin().get(&path).await.expect(200);
    let settings: RunSettings = answer.json();
    assert_eq!(answer.headers["etag"], format!("\"{}\"", settings.revision));
    let frequencies: Vec<u32> = settings.conditions.iter().map(|condition| condition.frequency).collect();
    assert_eq!(frequencies, [1, 1, 3, 10, 1]);
    assert!(settings.conditions.iter().all(|condition| condition.enabled));

    let mut body = json!({ "execute_timing": "03:30", "watch_period_days": 90, "watch_warning": 500,
        "success_resets_count": true, "conditions": settings.conditions, "delivery_timing": "next_execution" });
    let put = async |tag: Option<String>, body: &Value| {
        let request = scene.admin().request(Method::PUT, &path).json(body);
        let request = if let Some(tag) = tag { request.header("If-Match", tag) } else { request };
        scene.admin().send(request).await
    };
    let tag = format!("\"{}\"", settings.revision);
    put(None, &body).await.expect(428);
    put(Some("\"99\"".to_owned()), &body).await.expect(412);
    put(Some("x".to_owned()), &body).await.expect(412);
    let saved: RunSettings = put(Some(tag.clone()), &body).await.expect(200).json();
    assert_eq!((saved.watch_period_days, saved.watch_warning, saved.success_resets_count), (Some(90), 500, true));
    assert_eq!(json!(saved.next_execution), "2026-11-25T03:30:00Z");
    put(Some(tag), &body).await.expect(412);

    let tag = format!("\"{}\"", saved.revision);
    for (change, pointer) in [
        (json!({ "execute_timing": "24:00" }), "/execute_timing"),
        (json!({ "watch_period_days": 0 }), "/watch_period_days"),
        (json!({ "conditions": [] }), "/conditions"),
        (json!({ "surprise": 1 }), "/surprise"),
    ] {
        let mut wrong = body.clone();
        wrong.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        put(Some(tag.clone()), &wrong).await.expect_problem(422, pointer);
    }
    condition(&mut body, "unknown_user")["frequency"] = json!(0);
    put(Some(tag.clone()), &body).await.expect_problem(422, "/conditions/1/frequency");
    assert_eq!(scene.settings().await, saved, "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_of_an_execute_timing_knows_of_todays_run() {
    let scene = Scene::start_without_jobs().await;
    let path = scene.place.path("/run-settings/execute-timing-preview");
    let preview = async |timing: &str| {
        let body = json!({ "execute_timing": timing });
        scene.admin().post(&path, &body).await.expect(200).json::<ExecuteTimingPreview>().next_execution
    };
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
    assert_eq!(preview("18:00").await, at("2026-11-24T18:00:00Z"));
    scene.app.clock.set(at("2026-11-25T00:01:00Z"));
    backend::service::runs::schedule(&scene.app.running.state).await.expect("today's run");
    assert_eq!(preview("18:00").await, at("2026-11-26T18:00:00Z"));
    scene.change_settings(|body| body["execute_timing"] = json!("18:00")).await.expect(200);
    assert_eq!(scene.settings().await.next_execution, preview("18:00").await);
    let wrong = json!({ "execute_timing": "24:00" });
    scene.admin().post(&path, &wrong).await.expect_problem(422, "/execute_timing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delivery_timing_now_runs_at_once() {
    let scene = Scene::start().await;
    scene.errors("slow@example.com", "resend_timeout", 1).await;
    scene
        .change_settings(|body| {
            condition(body, "resend_timeout")["frequency"] = json!(1);
            body["delivery_timing"] = json!("now");
        })
        .await
        .expect(200);
    let runs = scene.until("/runs", |page: &Page<Run>| !page.items.is_empty()).await;
    let (run, distribution) = scene.finished(runs.items[0].id).await;
    assert_eq!((run.blocked.len(), distribution.added), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_names_days_on_which_many_blocks_would_end() {
    let scene = Scene::start().await;
    let addresses: Vec<String> = (0..7).map(|n| format!("a{n}@example.com")).collect();
    scene.unknown_users(&addresses).await;
    scene.run_now().await;
    let preview = async |limit: Option<u32>| {
        let mut body = json!({ "watch_period_days": 10, "watch_warning": 5 });
        if let Some(limit) = limit {
            body["watch_daily_limit"] = json!(limit);
        }
        let path = scene.place.path("/run-settings/watch-period-preview");
        scene.admin().post(&path, &body).await.expect(200).json::<WatchPeriodPreview>()
    };
    // Blocked on 24 November at noon: ten days later at noon, so by the run of the night after.
    assert_eq!(json!(preview(None).await), json!({ "heavy_days": [{ "day": "2026-12-05", "count": 7 }] }));
    assert_eq!(json!(preview(Some(5)).await), json!({ "heavy_days": [] }));
    // As many by a run that was missed in the night after and is made up in the morning: they end with its night's.
    let addresses: Vec<String> = (0..7).map(|n| format!("b{n}@example.com")).collect();
    scene.unknown_users(&addresses).await;
    scene.app.clock.set("2026-11-25T09:30:00Z".parse().expect("a time"));
    let runs = scene.until("/runs", |page: &Page<Run>| page.items.len() == 2).await;
    scene.finished(runs.items[0].id).await;
    assert_eq!(json!(preview(None).await), json!({ "heavy_days": [{ "day": "2026-12-05", "count": 14 }] }));
}
