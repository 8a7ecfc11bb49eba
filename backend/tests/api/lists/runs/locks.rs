//! Who waits for whom. On SQLite everybody who writes waits for everybody else.

use super::*;
use backend::{store, store::statement};
use tokio::time::{Instant, sleep, timeout};

async fn request(scene: &Scene) -> Uuid {
    scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json::<Run>().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_of_one_configuration_does_not_hold_up_the_schedule_of_others() {
    if !TestApp::is_postgres() {
        return;
    }
    let scene = Scene::start_without_jobs().await;
    let other = scene.app.sign_in("administrator@first.example").await.create_configuration("Other").await;
    let state = &scene.app.running.state;
    let long_run = state.db.begin().await.expect("a transaction");
    change_sets::lock(&long_run, scene.place.configuration).await.expect("an answer").expect("the lock");
    scene.app.clock.set("2026-11-25T00:00:00Z".parse().expect("a time"));
    timeout(PATIENCE, runs::schedule(state)).await.expect("it does not wait").expect("the other is scheduled");
    let of_other = format!("/api/v1/server-configurations/{other}/runs");
    assert_eq!(scene.admin().items::<Run>(&of_other).await.len(), 1);
    assert_eq!(scene.get::<Page<Run>>("/runs").await.items, []);
    long_run.commit().await.expect("its end");
    runs::schedule(state).await.expect("a look at the clock");
    assert_eq!(scene.get::<Page<Run>>("/runs").await.items.len(), 1);
    assert_eq!(scene.admin().items::<Run>(&of_other).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_job_waits_for_a_long_step_of_a_run() {
    if !TestApp::is_postgres() {
        return;
    }
    let scene = Scene::start_without_jobs().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let (state, configuration) = (scene.app.running.state.clone(), scene.place.configuration);
    let (long, next) = (request(&scene).await, request(&scene).await);
    // It cannot look who is exempt.
    let obstacle = state.db.begin().await.expect("a transaction");
    obstacle.execute_unprepared("LOCK TABLE exemptions IN ACCESS EXCLUSIVE MODE").await.expect("the lock");
    let performing = tokio::spawn({
        let state = state.clone();
        async move { runs::perform(&state, long).await }
    });
    let at_work = async || {
        let probe = state.db.begin().await.expect("a transaction");
        let lock = change_sets::try_lock(&probe, configuration).await.expect("an answer");
        let run = store::runs::get(&probe, long).await.expect("an answer").expect("the run").run;
        probe.commit().await.expect("its end");
        lock.is_none() && run.state == RunState::Running
    };
    let begun = Instant::now();
    while !at_work().await {
        assert!(begun.elapsed() < PATIENCE, "it does not begin");
        sleep(Duration::from_millis(20)).await;
    }
    for id in [long, next] {
        timeout(PATIENCE, runs::perform(&state, id)).await.expect("it does not wait").expect("nothing to do");
    }
    let stored = store::runs::get(state.db.connection(), long).await.expect("an answer").expect("the run");
    assert_eq!(stored.attempts, 1);

    obstacle.commit().await.expect("its end");
    performing.await.expect("no panic").expect("a run");
    assert_eq!(scene.get::<Run>(&format!("/runs/{long}")).await.state, RunState::Done);
    runs::perform(&state, next).await.expect("a run");
    assert_eq!(scene.get::<Run>(&format!("/runs/{next}")).await.state, RunState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_and_a_change_of_its_mail_server_do_not_wait_for_each_other() {
    let scene = Scene::start_without_jobs().await;
    let (_, mail_server) = scene.place.mail_server(&scene.app, "mx1").await;
    let state = &scene.app.running.state;
    // As an acknowledgement has them: first the list, then the mail server.
    let acknowledging = state.db.begin().await.expect("a transaction");
    change_sets::lock(&acknowledging, scene.place.configuration).await.expect("an answer").expect("the lock");
    let (admin, path) = (scene.admin().clone(), scene.place.path(&format!("/mail-servers/{mail_server}")));
    let changing = tokio::spawn(async move {
        let request = admin.request(Method::PATCH, &path).header("If-Match", "\"1\"");
        admin.send(request.json(&json!({ "active": false }))).await
    });
    // Until it waits.
    sleep(Duration::from_millis(500)).await;
    let seen = "UPDATE mail_servers SET last_seen_at = 1 WHERE id = $1";
    let seen = statement(&acknowledging, seen, [mail_server.into()]);
    timeout(PATIENCE, acknowledging.execute_raw(seen)).await.expect("it does not wait").expect("an update");
    acknowledging.commit().await.expect("its end");
    changing.await.expect("no panic").expect(200);
}
