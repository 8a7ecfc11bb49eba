//! Change sets that are not ready: what they add does not count yet, what they take off still does.

use super::*;
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;

async fn execute(scene: &Scene, sql: &str) {
    let connection = scene.app.running.state.db.connection();
    connection.execute_unprepared(sql).await.expect("a statement");
}

/// A run by hand without its distribution.
async fn run(scene: &Scene) -> (Run, Uuid) {
    let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
    backend::service::runs::perform(&scene.app.running.state, run.id).await.expect("a run");
    let run: Run = scene.get(&format!("/runs/{}", run.id)).await;
    let distribution = run.distribution_id.expect("a distribution");
    (run, distribution)
}

async fn publish(scene: &Scene, distribution: Uuid) -> Distribution {
    backend::service::distributions::perform(&scene.app.running.state, distribution).await.expect("a distribution");
    scene.get(&format!("/distributions/{distribution}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_a_set_that_is_not_ready_are_not_on_the_list() {
    let scene = Scene::start_without_jobs().await;
    scene.change_settings(|body| body["watch_period_days"] = json!(1)).await.expect(200);
    scene.unknown_users(&["a@example.com".to_owned()]).await;
    let (_, waiting) = run(&scene).await;
    execute(&scene, "UPDATE change_sets SET ready = FALSE").await;

    assert!(scene.blocked("pending").await.is_empty(), "not shown");
    let page: Page<BlockedAddress> = scene.get("/blocked-addresses").await;
    assert_eq!(page.total.map(|total| total.count), Some(0), "not counted");
    assert_eq!(json!(scene.release(&["a@example.com"]).await.items[0].status), "not_blocked");
    assert_eq!(publish(&scene, waiting).await.added, 0, "not published");
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(2));
    scene.errors("a@example.com", "unknown_user", 1).await;
    let (run_, _) = run(&scene).await;
    assert_eq!((run_.cancelled, run_.blocked.len()), (0, 0), "neither cancelled nor blocked twice");

    execute(&scene, "UPDATE change_sets SET ready = TRUE").await;
    assert_eq!(scene.blocked("pending").await, ["a@example.com"]);
    let (run_, distribution) = run(&scene).await;
    assert_eq!(run_.cancelled, 1, "its watch period is over");
    assert_eq!(publish(&scene, distribution).await.count, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_set_that_is_not_ready_takes_off_is_still_on_the_list() {
    let scene = Scene::start_without_jobs().await;
    let addresses = ["a@example.com".to_owned(), "b@example.com".to_owned()];
    scene.unknown_users(&addresses).await;
    let (_, distribution) = run(&scene).await;
    publish(&scene, distribution).await;
    scene.change_settings(|body| body["watch_period_days"] = json!(1)).await.expect(200);
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(2));
    let (cancelling, waiting) = run(&scene).await;
    assert_eq!(cancelling.cancelled, 2);
    execute(&scene, "UPDATE change_sets SET ready = FALSE WHERE removed_count > 0").await;

    assert_eq!(scene.blocked("in_effect").await, addresses);
    assert!(scene.blocked("releasing").await.is_empty());
    let page: Page<BlockedAddress> = scene.get("/blocked-addresses").await;
    assert_eq!(page.total.map(|total| total.count), Some(2));
    let distribution = publish(&scene, waiting).await;
    assert_eq!((distribution.removed, distribution.version), (0, Some(1)));
    // New errors are for a run after it: the address is blocked.
    scene.unknown_users(&addresses).await;
    let (again, _) = run(&scene).await;
    assert!(again.blocked.is_empty(), "{again:?}");

    // A release does not wait for it.
    let released = scene.release(&["a@example.com"]).await;
    assert_eq!(json!(released.items[0].status), "released");
    let path = format!("/distributions/{}", released.distribution_id.expect("a distribution"));
    let distribution: Distribution = scene.get(&path).await;
    assert_eq!((distribution.removed, distribution.count), (1, Some(1)));

    execute(&scene, "UPDATE change_sets SET ready = TRUE").await;
    let (after, distribution) = run(&scene).await;
    assert_eq!(after.blocked.iter().map(|count| count.count).sum::<i64>(), 1, "its errors were not forgotten");
    let distribution = publish(&scene, distribution).await;
    assert_eq!((distribution.added, distribution.removed, distribution.count), (1, 1, Some(1)));
    assert_eq!(scene.blocked("in_effect").await, ["b@example.com"]);
}
