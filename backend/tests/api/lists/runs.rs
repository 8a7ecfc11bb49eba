//! Runs.

mod locks;
mod steps;

use super::*;
use backend::{
    service::{Error, distributions, runs},
    store::{
        blocked_addresses::ending::{self, BEFORE_ALL, Ending, Place},
        change_sets,
    },
};
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use shared::{Reason, list::RemovalCause, run::FailureCause};

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_blocks_from_its_frequency_on() {
    let scene = Scene::start().await;
    for (reason, frequency) in [
        ("unknown_host", 1),
        ("unknown_user", 1),
        ("resend_timeout", 3),
        ("reception_rejected", 10),
        ("address_format", 1),
    ] {
        scene.errors(&format!("{reason}@enough.example"), reason, frequency).await;
        if frequency > 1 {
            scene.errors(&format!("{reason}@almost.example"), reason, frequency - 1).await;
        }
    }
    scene.errors("other@never.example", "other", 50).await;
    scene.errors("blocked_address@never.example", "blocked_address", 50).await;
    let (run, _) = scene.run_now().await;
    assert_eq!(run.blocked.iter().map(|count| count.count).sum::<i64>(), 5);
    let expected = ["address_format", "reception_rejected", "resend_timeout", "unknown_host", "unknown_user"]
        .map(|r| format!("{r}@enough.example"));
    assert_eq!(scene.blocked("in_effect").await, expected);
    scene.errors("resend_timeout@almost.example", "resend_timeout", 1).await;
    let (run, _) = scene.run_now().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "resend_timeout", "count": 1 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_reason_in_the_tables_order_names_the_block() {
    let scene = Scene::start().await;
    scene.errors("both@example.com", "address_format", 1).await;
    scene.errors("both@example.com", "unknown_host", 1).await;
    scene.errors("both@example.com", "resend_timeout", 2).await;
    let (run, _) = scene.run_now().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "unknown_host", "count": 1 }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_conditions_apply_to_what_is_already_counted() {
    let scene = Scene::start().await;
    scene.errors("slow@example.com", "resend_timeout", 2).await;
    let (run, _) = scene.run_now().await;
    assert!(run.blocked.is_empty());
    let saved =
        scene.change_settings(|body| condition(body, "resend_timeout")["frequency"] = json!(2)).await.expect(200);
    assert_eq!(saved.json::<RunSettings>().conditions[2].frequency, 2);
    let (run, _) = scene.run_now().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "resend_timeout", "count": 1 }]));
}

pub(super) fn condition<'a>(body: &'a mut Value, reason: &str) -> &'a mut Value {
    let conditions = body["conditions"].as_array_mut().expect("conditions");
    conditions.iter_mut().find(|condition| condition["reason"] == reason).expect("the condition")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_period_ends_blocks_oldest_first_up_to_the_daily_limit() {
    // Without a scheduler, whose run would take a part of the day's limit.
    let scene = Scene::start_without_jobs().await;
    let addresses: Vec<String> = (0..5).map(|n| format!("a{n}@example.com")).collect();
    scene.unknown_users(&addresses[..2]).await;
    scene.run_by_hand().await;
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::minutes(1));
    scene.unknown_users(&addresses[2..]).await;
    scene.run_by_hand().await;
    scene
        .change_settings(|body| {
            body["watch_period_days"] = json!(30);
            body["watch_daily_limit"] = json!(3);
            body["execute_timing"] = json!("23:00");
        })
        .await
        .expect(200);
    let start = scene.app.clock.now();
    scene.app.clock.set(start + TimeDelta::days(30) - TimeDelta::minutes(2));
    let (run, _) = scene.run_by_hand().await;
    assert_eq!(run.cancelled, 0, "not yet");
    scene.app.clock.set(start + TimeDelta::days(30));
    let (run, _) = scene.run_by_hand().await;
    assert_eq!(run.cancelled, 3);
    let left = scene.blocked("in_effect").await;
    assert!(left.iter().all(|address| addresses[2..].contains(address)), "the oldest went first: {left:?}");
    let (run, _) = scene.run_by_hand().await;
    assert_eq!(run.cancelled, 0, "the limit is for the day");
    scene.app.clock.set(start + TimeDelta::days(31));
    let (run, _) = scene.run_by_hand().await;
    assert_eq!(run.cancelled, 2);
    assert!(run.blocked.is_empty(), "the counts began anew");
    let exemptions: Value = scene.get("/exemptions").await;
    assert_eq!(exemptions["items"], json!([]), "cancelled is not exempt");
    scene.unknown_users(&addresses[..1]).await;
    let (run, _) = scene.run_by_hand().await;
    assert_eq!(run.blocked.len(), 1, "a new error blocks again");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_blocking_ends_the_blocks_of_a_disabled_reason() {
    let scene = Scene::start().await;
    scene.errors("user@example.com", "unknown_user", 1).await;
    scene.errors("host@example.com", "unknown_host", 1).await;
    scene.run_now().await;
    let disable = |reason: &'static str, cancel: Value| {
        move |body: &mut Value| {
            condition(body, reason)["enabled"] = json!(false);
            body["cancel_blocking"] = cancel;
        }
    };
    scene
        .change_settings(disable("unknown_user", json!(["unknown_host"])))
        .await
        .expect_problem(422, "/cancel_blocking/0");
    scene.change_settings(disable("unknown_host", json!([]))).await.expect(200);
    scene.change_settings(disable("unknown_user", json!(["unknown_user"]))).await.expect(200);
    assert_eq!(scene.blocked("in_effect").await.len(), 2, "only at the delivery timing");
    let (_, distribution) = scene.run_now().await;
    assert_eq!((distribution.added, distribution.removed), (0, 1));
    assert_eq!(scene.blocked("in_effect").await, ["host@example.com"], "disabled without it: the block stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_publishes_nothing_else_that_is_pending() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    let run = async || {
        let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
        backend::service::runs::perform(state, run.id).await.expect("a run");
        let run: Run = scene.get(&format!("/runs/{}", run.id)).await;
        run.distribution_id.expect("a distribution")
    };
    scene.unknown_users(&["old@example.com".to_owned()]).await;
    backend::service::distributions::perform(state, run().await).await.expect("a distribution");
    scene.unknown_users(&["new@example.com".to_owned(), "never@example.com".to_owned()]).await;
    let waiting = run().await;
    let never = scene.release(&["never@example.com"]).await;
    assert_eq!(never.distribution_id, None, "no mail server ever knew it");
    let released = scene.release(&["old@example.com"]).await;
    let distribution: Distribution =
        scene.get(&format!("/distributions/{}", released.distribution_id.expect("a distribution"))).await;
    assert_eq!((distribution.version, distribution.added, distribution.removed), (Some(2), 0, 1));
    assert_eq!(distribution.count, Some(0));
    assert_eq!(scene.blocked("pending").await, ["new@example.com"]);
    backend::service::distributions::perform(state, waiting).await.expect("a distribution");
    let distribution: Distribution = scene.get(&format!("/distributions/{waiting}")).await;
    assert_eq!((distribution.version, distribution.added, distribution.count), (Some(3), 1, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_leaves_the_list_says_why_and_is_tried_again() {
    let scene = Scene::start().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let connection = scene.app.running.state.db.connection();
    connection.execute_unprepared("ALTER TABLE exemptions RENAME TO hidden").await.expect("a renamed table");
    let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
    let path = format!("/runs/{}", run.id);
    let failing = scene.until(&path, |run: &Run| run.error.is_some()).await;
    assert_eq!((failing.state, failing.error_cause), (RunState::Running, Some(FailureCause::Internal)));
    assert!(scene.blocked("pending").await.is_empty());
    connection.execute_unprepared("ALTER TABLE hidden RENAME TO exemptions").await.expect("a renamed table");
    let (run, distribution) = scene.finished(run.id).await;
    assert_eq!((run.error, run.error_cause, distribution.added), (None, None, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_run_or_a_distribution_failed_has_a_name() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    let connection = state.db.connection();
    let request = || async {
        let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
        run.id
    };
    let run = |id| {
        let scene = &scene;
        async move { scene.get::<Run>(&format!("/runs/{id}")).await }
    };
    let (away, full) = (anyhow::anyhow!("a cable is cut"), anyhow::anyhow!("no room"));
    let (away, full) = (Error::Unavailable(away), Error::StorageFull(full));

    // A process that ends in the middle can say nothing.
    let interrupted = request().await;
    connection.execute_unprepared("UPDATE runs SET attempts = 8").await.expect("an update");
    runs::perform(state, interrupted).await.expect("a note");
    let given_up = run(interrupted).await;
    assert_eq!((given_up.state, given_up.error_cause), (RunState::Failed, Some(FailureCause::Interrupted)));

    let failing = request().await;
    runs::failed(state, failing, &away).await.expect("a note");
    assert_eq!(run(failing).await.error_cause, Some(FailureCause::DatabaseUnavailable));
    runs::perform(state, failing).await.expect("a run");
    let done = run(failing).await;
    assert_eq!((done.state, done.error_cause), (RunState::Done, None));

    let id = done.distribution_id.expect("a distribution");
    distributions::failed(state, id, &full).await.expect("a note");
    let failed: Distribution = scene.get(&format!("/distributions/{id}")).await;
    assert_eq!((failed.state, failed.error_cause), (DistributionState::Queued, Some(FailureCause::DiskFull)));
    distributions::perform(state, id).await.expect("a distribution");
    let published: Distribution = scene.get(&format!("/distributions/{id}")).await;
    assert_eq!((published.error, published.error_cause), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_a_distribution_that_a_crash_interrupted_are_finished_after_the_start() {
    let scene = Scene::start_without_jobs().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
    // As a process leaves it that dies in the middle: begun, and its job neither done nor waiting.
    let connection = scene.app.running.state.db.connection();
    connection.execute_unprepared("UPDATE runs SET state = 'running', attempts = 1").await.expect("an update");
    let jobs = if TestApp::is_postgres() { "apalis.jobs" } else { "Jobs" };
    connection.execute_unprepared(&format!("DELETE FROM {jobs}")).await.expect("a lost job");
    let scene = scene.restart().await;
    let (run, distribution) = scene.finished(run.id).await;
    assert_eq!((run.blocked.len(), distribution.version), (1, Some(1)));
    assert_eq!(scene.blocked("in_effect").await, ["dead@example.com"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_blocks_to_end_begins_after_the_one_before() {
    let scene = Scene::start_without_jobs().await;
    let addresses: Vec<String> = (0..5).map(|n| format!("a{n}@example.com")).collect();
    scene.unknown_users(&addresses).await;
    scene.run_by_hand().await;
    let (state, configuration, now) = (&scene.app.running.state, scene.place.configuration, scene.app.clock.now());
    let transaction = state.db.begin().await.expect("a transaction");
    let set = change_sets::create(&transaction, configuration, now).await.expect("a set");
    let last_after = async |what: Ending, after: Place| {
        ending::next_ending(&transaction, configuration, what, after, 2).await.expect("an answer")
    };
    let end = async |what: Ending, batch: (Place, Place)| {
        let cause = RemovalCause::WatchPeriod;
        let ended = ending::end_batch(&transaction, configuration, what, batch, cause, set.id, now).await;
        ended.expect("a batch").len()
    };
    let (old, unknown) = (Ending::MadeUntil(now), Ending::Reason(Reason::UnknownUser));
    let first = last_after(old, BEFORE_ALL).await.expect("two blocks");
    let second = last_after(old, first).await.expect("two more");
    let third = last_after(old, second).await.expect("one more");
    assert!(first < second && second < third, "{first:?} {second:?} {third:?}");
    assert_eq!(last_after(old, third).await, None);
    assert_eq!(end(old, (first, second)).await, 2, "what is before it stays");
    assert_eq!(last_after(unknown, first).await, Some(third));
    assert_eq!(end(unknown, (BEFORE_ALL, first)).await, 2);
    assert_eq!(end(unknown, (first, third)).await, 1);
    assert_eq!(last_after(unknown, BEFORE_ALL).await, None);
}
