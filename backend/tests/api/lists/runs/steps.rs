//! Runs in steps: nothing of a run counts until all of it does, whatever happens between two steps. The random histories
//! (`history.rs`) do the same with everything else in between.

use super::*;
use shared::list_operation::{ListOperation, ListOperationState};
use shared::run_settings::DeliveryTiming;

/// A run that has taken `steps` steps of two rows, and is not done.
async fn begun(scene: &Scene, steps: usize) -> Uuid {
    let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
    for _ in 0..steps {
        assert!(runs::step(&scene.app.running.state, run.id, 2).await.expect("a step"), "more is left");
    }
    run.id
}

/// Takes the other steps and publishes.
async fn finish(scene: &Scene, id: Uuid) -> (Run, Distribution) {
    let state = &scene.app.running.state;
    runs::perform(state, id).await.expect("a run");
    let run: Run = scene.get(&format!("/runs/{id}")).await;
    let distribution = run.distribution_id.expect("a distribution");
    distributions::perform(state, distribution).await.expect("a distribution");
    (run, scene.get(&format!("/distributions/{distribution}")).await)
}

fn addresses(letter: char, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{letter}{n}@example.com")).collect()
}

async fn registration(scene: &Scene, addresses: &[String]) -> ListOperation {
    let upload = sums::upload(scene, addresses).await;
    let body = json!({ "block_exempt": false, "delivery_timing": DeliveryTiming::NextExecution });
    let path = scene.place.path(&format!("/uploads/{upload}/registration"));
    scene.admin().post(&path, &body).await.expect(202).json()
}

/// A list of `a0` to `a4`, whose watch period is over, and errors of `b0` to `b4`.
async fn with_both() -> Scene {
    let scene = Scene::start_without_jobs().await;
    scene.unknown_users(&addresses('a', 5)).await;
    scene.run_by_hand().await;
    scene.change_settings(|body| body["watch_period_days"] = json!(1)).await.expect(200);
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(2));
    scene.unknown_users(&addresses('b', 5)).await;
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_run_counts_until_all_of_it_does() {
    let scene = with_both().await;
    // Two steps end a0 to a3, the third a4 and blocks b0.
    let id = begun(&scene, 4).await;
    assert_eq!(scene.blocked("in_effect").await, addresses('a', 5));
    assert!(scene.blocked("pending").await.is_empty());
    let running: Run = scene.get(&format!("/runs/{id}")).await;
    assert_eq!((running.state, running.cancelled, running.blocked.len()), (RunState::Running, 0, 0));
    sums::prove(&scene, "in the middle").await;

    let (run, distribution) = finish(&scene, id).await;
    assert_eq!((run.state, run.cancelled, run.blocked[0].count), (RunState::Done, 5, 5));
    assert_eq!((distribution.added, distribution.removed, distribution.count), (5, 5, Some(5)));
    assert_eq!(scene.blocked("in_effect").await, addresses('b', 5));
    sums::prove(&scene, "at the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_an_address_in_the_middle_of_a_run_holds() {
    let scene = with_both().await;
    let id = begun(&scene, 4).await;
    // Ended by the run, but on the list: released, and off it at once.
    let released = scene.release(&["a0@example.com", "b0@example.com"]).await;
    let statuses = released.items.iter().map(|item| json!(item.status)).collect::<Vec<_>>();
    assert_eq!(statuses, [json!("released"), json!("not_blocked")], "b0 is not on the list yet");
    assert_eq!(scene.blocked("in_effect").await, addresses('a', 5)[1..]);
    // About to be blocked by the run: on the list by hand.
    let body = json!({ "addresses": ["b0@example.com", "a1@example.com"] });
    let added: Value = scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200).json();
    assert_eq!(
        (&added["items"][0]["status"], &added["items"][1]["status"]),
        (&json!("added"), &json!("already_blocked"))
    );
    // Looked at already, and it fails for the first time now.
    scene.errors("aaa@example.com", "unknown_user", 1).await;
    sums::prove(&scene, "in the middle").await;

    let (run, distribution) = finish(&scene, id).await;
    assert_eq!((run.cancelled, run.blocked[0].count), (4, 4), "what became of a0 and b0 was not its doing");
    assert_eq!((distribution.added, distribution.removed), (5, 4));
    assert_eq!(scene.blocked("in_effect").await, addresses('b', 5));
    let (run, _) = scene.run_by_hand().await;
    assert_eq!(run.blocked[0].count, 1, "what failed meanwhile is for the next run");
    assert!(scene.blocked("in_effect").await.contains(&"aaa@example.com".to_owned()));
    sums::prove(&scene, "at the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_given_up_takes_back_what_it_prepared_and_the_next_does_it_all() {
    let scene = with_both().await;
    scene.errors("host@example.com", "unknown_host", 1).await;
    scene.run_by_hand().await;
    scene.unknown_users(&addresses('c', 5)).await;
    let cancel = |body: &mut Value| {
        condition(body, "unknown_host")["enabled"] = json!(false);
        body["cancel_blocking"] = json!(["unknown_host"]);
    };
    scene.change_settings(cancel).await.expect(200);
    let before = scene.blocked("in_effect").await;
    let state = &scene.app.running.state;

    // The blocks of the condition, the marks of all counts and some of the blocks.
    let id = begun(&scene, 9).await;
    state.db.connection().execute_unprepared("UPDATE runs SET attempts = 8").await.expect("an update");
    let away = Error::Unavailable(anyhow::anyhow!("a cable is cut"));
    runs::failed(state, id, &away).await.expect("a note");
    let path = format!("/runs/{id}");
    assert_eq!(scene.get::<Run>(&path).await.state, RunState::Running, "until all of it is taken back");
    runs::step(state, id, 2).await.expect("a step");
    assert_eq!(scene.blocked("in_effect").await, before);
    sums::prove(&scene, "while it is taken back").await;
    runs::perform(state, id).await.expect("the rest");
    let given_up: Run = scene.get(&path).await;
    assert_eq!((given_up.state, given_up.error_cause), (RunState::Failed, Some(FailureCause::DatabaseUnavailable)));
    assert_eq!(scene.blocked("in_effect").await, before);
    assert!(scene.blocked("pending").await.is_empty());
    sums::prove(&scene, "after it").await;

    let (run, distribution) = scene.run_by_hand().await;
    assert_eq!((run.blocked[0].count, distribution.added, distribution.removed), (5, 5, 1));
    assert!(!scene.blocked("in_effect").await.contains(&"host@example.com".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_gets_its_room_back_and_the_run_begins_anew() {
    let scene = with_both().await;
    let (state, id) = (&scene.app.running.state, begun(&scene, 4).await);
    let full = Error::StorageFull(anyhow::anyhow!("no room"));
    runs::failed(state, id, &full).await.expect("a note");
    runs::perform(state, id).await.expect("all is taken back");
    let waiting: Run = scene.get(&format!("/runs/{id}")).await;
    assert_eq!((waiting.state, waiting.error_cause), (RunState::Running, Some(FailureCause::DiskFull)));
    let prepared = "SELECT 1 AS one FROM change_sets WHERE NOT ready";
    let connection = state.db.connection();
    let left = connection.query_one_raw(backend::store::statement(connection, prepared, [])).await.expect("an answer");
    assert!(left.is_none(), "nothing is left of it");
    // What makes room does not wait for the next attempt.
    let operation = registration(&scene, &addresses('d', 1)).await;
    while backend::service::list_operations::step(state, operation.id, 10).await.expect("a step") {}
    let path = format!("/list-operations/{}", operation.id);
    assert_eq!(scene.get::<ListOperation>(&path).await.state, ListOperationState::Done);
    sums::prove(&scene, "taken back").await;
    let (run, distribution) = finish(&scene, id).await;
    assert_eq!((run.error, run.cancelled, distribution.added, distribution.removed), (None, 5, 6, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_in_another_process() {
    let scene = with_both().await;
    let id = begun(&scene, 4).await;
    let scene = scene.restart().await;
    let (run, _) = scene.finished(id).await;
    assert_eq!((run.cancelled, run.blocked[0].count), (5, 5));
    // The run that was missed meanwhile is made up, too: either distribution may come first.
    let published = |all: &Page<Distribution>| {
        (all.items.iter().map(|one| one.added).sum::<i64>(), all.items.iter().map(|one| one.removed).sum::<i64>())
    };
    scene.until("/distributions", |all| published(all) == (10, 5)).await;
    assert_eq!(scene.blocked("in_effect").await, addresses('b', 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_operation_waits_for_a_run_and_a_run_does_not_wait_for_it() {
    let scene = with_both().await;
    let state = &scene.app.running.state;
    let registration = registration(&scene, &addresses('d', 5)).await;
    let path = format!("/list-operations/{}", registration.id);
    let step = async || backend::service::list_operations::step(state, registration.id, 2).await.expect("a step");
    assert!(step().await, "more is left");
    let id = begun(&scene, 2).await;
    for _ in 0..10 {
        assert!(!step().await, "it waits");
    }
    assert_eq!(scene.get::<ListOperation>(&path).await.done, 2);
    let (run, distribution) = finish(&scene, id).await;
    assert_eq!((run.cancelled, run.blocked[0].count, distribution.added), (5, 5, 5), "nothing of the registration");
    while step().await {}
    let done: ListOperation = scene.get(&path).await;
    assert_eq!((done.state, done.counts.added), (ListOperationState::Done, 5));
    sums::prove(&scene, "at the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_ended_before_it_was_published_was_never_on_a_list() {
    let scene = Scene::start_without_jobs().await;
    scene.change_settings(|body| body["watch_period_days"] = json!(1)).await.expect(200);
    let body = json!({ "addresses": ["a0@example.com", "a1@example.com"] });
    scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(2));
    scene.errors("b0@example.com", "unknown_user", 1).await;
    let id = begun(&scene, 1).await;
    let state = &scene.app.running.state;
    runs::perform(state, id).await.expect("a run");
    let run: Run = scene.get(&format!("/runs/{id}")).await;
    assert_eq!((run.cancelled, run.blocked[0].count), (2, 1));
    let released = scene.release(&["a0@example.com"]).await;
    assert_eq!(json!(released.items[0].status), json!("not_blocked"));
    sums::prove(&scene, "before it is published").await;
    let distribution = run.distribution_id.expect("a distribution");
    distributions::perform(state, distribution).await.expect("a distribution");
    let distribution: Distribution = scene.get(&format!("/distributions/{distribution}")).await;
    assert_eq!((distribution.version, distribution.added, distribution.removed), (Some(1), 1, 0));
    assert!(scene.blocked("releasing").await.is_empty(), "no mail server has to be told");
    sums::prove(&scene, "published").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_period_that_is_changed_in_the_middle_of_a_run_ends_nothing_more() {
    let scene = with_both().await;
    let id = begun(&scene, 1).await;
    scene.change_settings(|body| body["watch_period_days"] = json!(30)).await.expect(200);
    let (run, distribution) = finish(&scene, id).await;
    assert_eq!((run.cancelled, distribution.added, distribution.removed), (2, 5, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_perform_a_run_once() {
    let scene = with_both().await;
    let (state, id) = (&scene.app.running.state, begun(&scene, 2).await);
    let (one, other) = tokio::join!(runs::perform(state, id), runs::perform(state, id));
    one.and(other).expect("a run, and nothing to do");
    let run: Run = scene.get(&format!("/runs/{id}")).await;
    assert_eq!((run.state, run.cancelled, run.blocked[0].count), (RunState::Done, 5, 5));
    sums::prove(&scene, "at the end").await;
}
