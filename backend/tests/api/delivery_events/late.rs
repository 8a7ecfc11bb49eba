//! Errors that come after the count of their address was reset, and happened before it: from a mail server that was
//! cut off, for example.

use super::{at, delivered, error};
use crate::lists::Scene;
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::list::Exemption;

const DAY: i64 = 86_400;

fn error_at(id: &str, address: &str, reason: &str, seconds: i64) -> Value {
    let mut event = error(id, address, reason);
    event["occurred_at"] = at(seconds).into();
    event
}

/// How many addresses the next run blocks.
async fn blocked_by_run(scene: &Scene) -> i64 {
    let (run, _) = scene.run_by_hand().await;
    run.blocked.iter().map(|count| count.count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_from_before_the_end_of_an_exemption_do_not_count() {
    let scene = Scene::start_without_jobs().await;
    scene.report(&[error("1", "taro@example.com", "unknown_user")]).await;
    // One that has no count at all.
    let added = json!({ "addresses": ["hana@example.com"] });
    scene.admin().post(&scene.place.path("/blocked-addresses"), &added).await.expect(200);
    assert_eq!(blocked_by_run(&scene).await, 1);
    scene.release(&["taro@example.com", "hana@example.com"]).await;
    let exemptions: Vec<Exemption> = scene.admin().items(&scene.place.path("/exemptions")).await;
    assert_eq!(exemptions.len(), 2);
    for exemption in exemptions {
        scene.admin().delete(&scene.place.path(&format!("/exemptions/{}", exemption.id))).await.expect(204);
    }

    scene
        .report(&[
            error_at("2", "taro@example.com", "unknown_user", -30),
            error_at("3", "taro@example.com", "unknown_host", -30),
            error_at("4", "hana@example.com", "unknown_user", -30),
        ])
        .await;
    assert_eq!(blocked_by_run(&scene).await, 0, "only what happened since counts");
    let log: Value = scene.get("/delivery-events?outcome=error").await;
    assert_eq!(log["items"].as_array().expect("events").len(), 4, "the log shows it all the same");

    let new = ["taro@example.com", "hana@example.com"].map(|address| error_at(address, address, "unknown_host", 0));
    scene.report(&new).await;
    assert_eq!(blocked_by_run(&scene).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_from_before_the_end_of_a_watch_period_do_not_count() {
    let scene = Scene::start_without_jobs().await;
    scene.change_settings(|body| body["watch_period_days"] = json!(1)).await.expect(200);
    scene.report(&[error("1", "taro@example.com", "unknown_user")]).await;
    assert_eq!(blocked_by_run(&scene).await, 1);
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(2));
    let (run, _) = scene.run_by_hand().await;
    assert_eq!((run.cancelled, run.blocked.len()), (1, 0));

    let spooled = [
        error_at("2", "taro@example.com", "unknown_user", DAY),
        error_at("3", "taro@example.com", "unknown_host", 2 * DAY - 60),
    ];
    scene.report(&spooled).await;
    assert_eq!(blocked_by_run(&scene).await, 0);
    scene.report(&[error_at("4", "taro@example.com", "unknown_user", 2 * DAY)]).await;
    assert_eq!(blocked_by_run(&scene).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_from_before_a_disabled_condition_was_cancelled_do_not_count() {
    let scene = Scene::start_without_jobs().await;
    scene.report(&[error("1", "taro@example.com", "unknown_user")]).await;
    assert_eq!(blocked_by_run(&scene).await, 1);
    let disable = |body: &mut Value| {
        body["conditions"][1]["enabled"] = json!(false);
        body["cancel_blocking"] = json!(["unknown_user"]);
    };
    scene.change_settings(disable).await.expect(200);
    assert_eq!(blocked_by_run(&scene).await, 0);

    let spooled = ["unknown_user", "unknown_host"].map(|reason| error_at(reason, "taro@example.com", reason, -30));
    scene.report(&spooled).await;
    scene.change_settings(|body| body["conditions"][1]["enabled"] = json!(true)).await.expect(200);
    assert_eq!(blocked_by_run(&scene).await, 0);
    scene.report(&[error_at("2", "taro@example.com", "unknown_user", 0)]).await;
    assert_eq!(blocked_by_run(&scene).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_from_before_a_delivery_that_came_first_does_not_count() {
    let scene = Scene::start_without_jobs().await;
    scene.report(&[delivered("1", "hana@example.com", -30)]).await;
    scene.change_settings(|body| body["success_resets_count"] = json!(true)).await.expect(200);
    scene.report(&[delivered("2", "taro@example.com", -30)]).await;
    let spooled =
        [-60_i64, -30].map(|seconds| error_at(&seconds.to_string(), "taro@example.com", "unknown_user", seconds));
    scene.report(&spooled).await;
    assert_eq!(blocked_by_run(&scene).await, 0, "nor that of the same moment");
    scene.report(&[error_at("3", "hana@example.com", "unknown_user", -60)]).await;
    assert_eq!(blocked_by_run(&scene).await, 1, "that delivery reset nothing");
    scene.report(&[error_at("4", "taro@example.com", "unknown_user", -29)]).await;
    assert_eq!(blocked_by_run(&scene).await, 1);
}
