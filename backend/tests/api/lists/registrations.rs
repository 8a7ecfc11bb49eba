//! Registrations of uploads, and releases by upload.

use super::operations::{addresses, blocked_now, exempt, finish, operation, post, release};
use super::*;
use backend::service::list_operations;
use shared::list_operation::{BulkReleasePreview, ListOperation, ListOperationState};

async fn register(scene: &Scene, upload: Uuid, body: Value) -> ListOperation {
    let path = scene.place.path(&format!("/uploads/{upload}/registration"));
    scene.admin().post(&path, &body).await.expect(202).json()
}

async fn upload_state(scene: &Scene, upload: Uuid) -> Value {
    scene.get::<Value>(&format!("/uploads/{upload}")).await["state"].clone()
}

/// Until an operation is over, with the jobs at work.
async fn over(scene: &Scene, id: Uuid) -> ListOperation {
    let path = format!("/list-operations/{id}");
    scene.until(&path, |operation: &ListOperation| operation.state.is_final()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_blocks_what_is_new_as_a_whole_and_is_undone() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    scene.unknown_users(&["blocked@one.example".to_owned(), "exempt@one.example".to_owned()]).await;
    scene.run_now().await;
    scene.release(&["exempt@one.example"]).await;
    let mut file = addresses(0..50, "one.example");
    file.extend(["A07@One.example", "Blocked@one.example", "exempt@one.example"].map(str::to_owned));
    let upload = sums::upload(&scene, &file).await;
    let queued =
        register(&scene, upload, json!({ "delivery_timing": "next_execution", "comment": "from the old system" }))
            .await;
    let done = over(&scene, queued.id).await;
    let counts = done.counts;
    assert_eq!((done.state, done.total, done.done), (ListOperationState::Done, Some(53), 53));
    assert_eq!((counts.added, counts.duplicates, counts.already_blocked, counts.exempt), (50, 1, 1, 1));
    assert_eq!(upload_state(&scene, upload).await, "registered");
    assert_eq!(scene.blocked("pending").await.len(), 50, "until the next distribution");
    let path = scene.place.path(&format!("/uploads/{upload}/registration"));
    scene.admin().post(&path, &json!({ "delivery_timing": "now" })).await.expect(409);
    agent.sync(0).await;
    assert_eq!(agent.keys.len(), 1);
    scene.run_now().await;
    agent.sync(0).await;
    assert_eq!(agent.keys.len(), 51);

    // Released since: the undo leaves it as it is.
    scene.release(&["a00@one.example"]).await;
    // Its errors count when it is not blocked any more.
    scene.errors("a01@one.example", "unknown_user", 1).await;
    let undo: ListOperation = post(&scene, done.id, "undo").await.expect(202).json();
    let undone = over(&scene, undo.id).await;
    assert_eq!((undone.state, undone.counts.removed), (ListOperationState::Done, 49));
    assert_eq!(upload_state(&scene, upload).await, "undone");
    agent.sync(0).await;
    assert_eq!(agent.keys.len(), 1, "at once");
    assert_eq!(exempt(&scene).await, ["a00@one.example", "exempt@one.example"]);
    let (run, _) = scene.run_now().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "unknown_user", "count": 1 }]));

    // What was undone can be registered again, and at once; also what is exempt.
    let body = json!({ "delivery_timing": "now", "block_exempt": true });
    let done = over(&scene, register(&scene, upload, body).await.id).await;
    assert_eq!((done.counts.added, done.counts.exempt, done.counts.already_blocked), (50, 0, 2));
    scene.finished(done.run_id.expect("a run")).await;
    agent.sync(0).await;
    assert_eq!(agent.keys.len(), 52);
    assert!(exempt(&scene).await.is_empty());
    let undo: ListOperation = post(&scene, done.id, "undo").await.expect(202).json();
    assert_eq!(over(&scene, undo.id).await.counts.removed, 50);
    assert_eq!(exempt(&scene).await, ["a00@one.example", "exempt@one.example"], "exempt again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_registered_once_however_often_it_is_asked_for() {
    let scene = Scene::start_without_jobs().await;
    let upload = sums::upload(&scene, &addresses(0..5, "one.example")).await;
    let path = scene.place.path(&format!("/uploads/{upload}/registration"));
    let body = json!({ "delivery_timing": "next_execution" });
    let (one, other) = tokio::join!(scene.admin().post(&path, &body), scene.admin().post(&path, &body));
    let (taken, refused) = if one.status == 202 { (one, other) } else { (other, one) };
    taken.expect(202);
    let problem: Value = refused.expect(409).json();
    assert_eq!(problem["detail"], "it is being registered already");
    let operations: Page<ListOperation> = scene.get("/list-operations").await;
    assert_eq!(operations.items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_of_one_configuration_come_one_after_the_other() {
    let scene = Scene::start().await;
    let (first, second) = (addresses(0..20, "one.example"), addresses(10..30, "one.example"));
    let (first, second) = (sums::upload(&scene, &first).await, sums::upload(&scene, &second).await);
    let body = json!({ "delivery_timing": "now" });
    let (first, second) = (register(&scene, first, body.clone()).await, register(&scene, second, body.clone()).await);
    let (first, second) = (over(&scene, first.id).await, over(&scene, second.id).await);
    // Workers may take up the later one first.
    let (first, second, left) = if first.counts.added == 20 { (first, second, 20..30) } else { (second, first, 0..10) };
    assert_eq!((first.counts.added, second.counts.added, second.counts.already_blocked), (20, 10, 10));
    scene.finished(second.run_id.expect("a run")).await;
    assert_eq!(scene.blocked("in_effect").await.len(), 30);
    // The undo of the first leaves what only the second has blocked.
    let undo: ListOperation = post(&scene, first.id, "undo").await.expect(202).json();
    assert_eq!(over(&scene, undo.id).await.counts.removed, 20);
    assert_eq!(scene.blocked("in_effect").await, addresses(left, "one.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_cancelled_leaves_nothing_and_can_be_begun_again() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    scene.unknown_users(&["a03@one.example".to_owned()]).await;
    scene.run_by_hand().await;
    scene.release(&["a03@one.example"]).await;
    let upload = sums::upload(&scene, &addresses(0..12, "one.example")).await;
    let body = json!({ "delivery_timing": "next_execution", "block_exempt": true });
    let queued = register(&scene, upload, body.clone()).await;
    assert_eq!(upload_state(&scene, upload).await, "registering");
    scene.admin().delete(&scene.place.path(&format!("/uploads/{upload}"))).await.expect(409);
    for _ in 0..2 {
        assert!(list_operations::step(state, queued.id, 5).await.expect("a step"));
        assert!(scene.blocked("pending").await.is_empty());
        assert_eq!(exempt(&scene).await, ["a03@one.example"]);
    }
    // An address that is blocked by itself stays, whatever becomes of the registration.
    let addition = json!({ "addresses": ["a05@one.example"] });
    let answer = scene.admin().post(&scene.place.path("/blocked-addresses"), &addition).await.expect(200);
    assert_eq!(answer.json::<Value>()["items"][0]["status"], "added");
    // Errors of an address that was about to be blocked are judged after it.
    scene.unknown_users(&["a01@one.example".to_owned()]).await;
    let (run, _) = scene.run_by_hand().await;
    assert!(run.blocked.is_empty());
    post(&scene, queued.id, "cancel").await.expect(202);
    let cancelled = finish(&scene, queued.id, 5).await;
    assert_eq!(cancelled.state, ListOperationState::Cancelled);
    assert_eq!(scene.blocked("in_effect").await, ["a05@one.example"]);
    assert_eq!(exempt(&scene).await, ["a03@one.example"]);
    assert_eq!(upload_state(&scene, upload).await, "ready");
    let (run, _) = scene.run_by_hand().await;
    assert_eq!(run.blocked.iter().map(|count| count.count).sum::<i64>(), 1);
    let done = finish(&scene, register(&scene, upload, body).await.id, 5).await;
    assert_eq!((done.counts.added, done.counts.already_blocked), (10, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_waits_for_the_one_at_work_whatever_becomes_of_that() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    let (first, second) = (addresses(0..10, "one.example"), addresses(5..15, "one.example"));
    let (first, second) = (sums::upload(&scene, &first).await, sums::upload(&scene, &second).await);
    let body = json!({ "delivery_timing": "next_execution" });
    let (first, second) = (register(&scene, first, body.clone()).await, register(&scene, second, body).await);
    assert!(list_operations::step(state, first.id, 8).await.expect("a step"));
    assert!(!list_operations::step(state, second.id, 8).await.expect("no step"));
    assert_eq!(operation(&scene, second.id).await.state, ListOperationState::Queued);
    post(&scene, first.id, "cancel").await.expect(202);
    assert!(!list_operations::step(state, second.id, 8).await.expect("no step"), "some of it is to be taken back");
    assert_eq!(finish(&scene, first.id, 3).await.state, ListOperationState::Cancelled);
    let done = finish(&scene, second.id, 8).await;
    assert_eq!((done.counts.added, done.counts.already_blocked), (10, 0));
    assert_eq!(scene.blocked("pending").await, addresses(5..15, "one.example"));
    sums::prove(&scene, "after both").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_the_middle_of_a_registration_blocks_and_publishes_its_own_only() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    scene.change_settings(|body| body["watch_period_days"] = json!(5)).await.expect(200);
    scene.unknown_users(&["a06@one.example".to_owned(), "a09@one.example".to_owned()]).await;
    scene.run_by_hand().await;
    agent.sync(0).await;
    scene.app.clock.set(scene.app.clock.now() + chrono::TimeDelta::days(6));
    let upload = sums::upload(&scene, &addresses(0..10, "one.example")).await;
    let queued = register(&scene, upload, json!({ "delivery_timing": "next_execution" })).await;
    // Up to a06, which is blocked already.
    list_operations::step(state, queued.id, 7).await.expect("a step");
    // The run ends both old blocks, before and after the place of the registration, and judges new errors of addresses
    // that the registration has come by, will come by, and does not know.
    let new_errors = ["a01@one.example", "a08@one.example", "other@one.example"].map(str::to_owned);
    scene.unknown_users(&new_errors).await;
    let (run, distribution) = scene.run_by_hand().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "unknown_user", "count": 2 }]));
    assert_eq!((run.cancelled, distribution.count), (2, Some(2)));
    agent.sync(0).await;
    assert_eq!(agent.keys, BTreeSet::from(["a08@one.example", "other@one.example"].map(str::to_owned)));
    sums::prove(&scene, "in the middle").await;
    let done = finish(&scene, queued.id, 7).await;
    assert_eq!((done.counts.added, done.counts.already_blocked), (8, 2), "a09 again, and not a06 and a08");
    assert_eq!(scene.blocked("in_effect").await, ["a08@one.example", "other@one.example"]);
    let (run, distribution) = scene.run_by_hand().await;
    assert!(run.blocked.is_empty(), "a01 is blocked: {run:?}");
    assert_eq!((distribution.added, distribution.count), (8, Some(10)));
    agent.sync(0).await;
    assert_eq!(scene.blocked("in_effect").await, agent.keys.iter().cloned().collect::<Vec<_>>());
    sums::prove(&scene, "in the end").await;
}

/// An agent that holds an old block of `old@one.example` which a run has ended, by a distribution that still waits.
async fn ended_and_not_distributed(scene: &Scene) -> (ModelAgent, Uuid) {
    let mut agent = ModelAgent::new(scene, "mx1").await;
    scene.change_settings(|body| body["watch_period_days"] = json!(5)).await.expect(200);
    scene.unknown_users(&["old@one.example".to_owned()]).await;
    scene.run_by_hand().await;
    scene.app.clock.set(scene.app.clock.now() + chrono::TimeDelta::days(6));
    let run: Run = scene.admin().post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
    backend::service::runs::perform(&scene.app.running.state, run.id).await.expect("a run");
    let run: Run = scene.get(&format!("/runs/{}", run.id)).await;
    agent.sync(0).await;
    assert!(agent.holds("old@one.example"));
    (agent, run.distribution_id.expect("a distribution"))
}

async fn distribute(scene: &Scene, id: Uuid) {
    backend::service::distributions::perform(&scene.app.running.state, id).await.expect("a distribution");
    sums::prove(scene, "after the distribution").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_release_takes_off_what_an_older_block_keeps_on_the_mail_servers() {
    let scene = Scene::start_without_jobs().await;
    let (mut agent, waiting) = ended_and_not_distributed(&scene).await;
    let body = json!({ "addresses": ["old@one.example"] });
    scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
    let again = scene.app.clock.now();
    scene.app.clock.set(again + chrono::TimeDelta::hours(1));
    let queued = release(&scene, json!({ "filter": { "domain": "one.example" } })).await;
    let done = finish(&scene, queued.id, 10).await;
    assert_eq!((done.state, done.counts.removed), (ListOperationState::Done, 1));
    agent.sync(0).await;
    assert!(agent.keys.is_empty(), "not only after the next distribution");
    sums::prove(&scene, "released").await;
    let releasing: Page<BlockedAddress> = scene.get("/blocked-addresses").await;
    assert!(releasing.items.is_empty(), "every mail server let go: {releasing:?}");

    let undo: ListOperation = post(&scene, done.id, "undo").await.expect(202).json();
    assert_eq!(finish(&scene, undo.id, 10).await.counts.added, 1);
    let page: Page<BlockedAddress> = scene.get("/blocked-addresses").await;
    let found: Vec<_> = page.items.iter().map(|block| (block.reason.as_str(), block.blocked_at)).collect();
    assert_eq!(found, [("registered", again)], "the block that was released");
    agent.sync(0).await;
    assert!(agent.holds("old@one.example"));
    distribute(&scene, waiting).await;
    agent.sync(0).await;
    assert!(agent.holds("old@one.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_undo_of_a_registration_takes_off_what_an_older_block_keeps_on_the_mail_servers() {
    let scene = Scene::start_without_jobs().await;
    let (mut agent, waiting) = ended_and_not_distributed(&scene).await;
    let upload = sums::upload(&scene, &["old@one.example", "new@one.example"].map(str::to_owned)).await;
    let queued = register(&scene, upload, json!({ "delivery_timing": "next_execution" })).await;
    assert_eq!(finish(&scene, queued.id, 10).await.counts.added, 2);
    let undo: ListOperation = post(&scene, queued.id, "undo").await.expect(202).json();
    assert_eq!(finish(&scene, undo.id, 10).await.counts.removed, 2);
    agent.sync(0).await;
    assert!(agent.keys.is_empty());
    sums::prove(&scene, "undone").await;
    assert!(scene.blocked("pending").await.is_empty() && exempt(&scene).await.is_empty());
    distribute(&scene, waiting).await;
    agent.sync(0).await;
    assert!(agent.keys.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_does_not_expire_while_a_list_operation_needs_it() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    let all = addresses(0..4, "one.example");
    scene.unknown_users(&all).await;
    scene.run_by_hand().await;
    let (released, idle) = (sums::upload(&scene, &all).await, sums::upload(&scene, &all).await);
    let queued = release(&scene, json!({ "upload_id": released })).await;
    list_operations::step(state, queued.id, 2).await.expect("a step");
    scene.app.clock.set(scene.app.clock.now() + chrono::TimeDelta::days(2));
    backend::service::uploads::expire(state).await.expect("expired");
    scene.admin().get(&scene.place.path(&format!("/uploads/{idle}"))).await.expect(410);
    assert_eq!(upload_state(&scene, released).await, "ready");
    let done = finish(&scene, queued.id, 2).await;
    assert_eq!((done.state, done.counts.removed), (ListOperationState::Done, 4));
    backend::service::uploads::expire(state).await.expect("expired");
    scene.admin().get(&scene.place.path(&format!("/uploads/{released}"))).await.expect(410);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_addresses_of_an_upload_are_released_as_a_whole() {
    let scene = Scene::start().await;
    let all = blocked_now(&scene).await;
    let mut file = addresses(0..3, "one.example");
    file.extend(["A02@one.example", "other@one.example"].map(str::to_owned));
    let upload = sums::upload(&scene, &file).await;
    let body = json!({ "upload_id": upload, "dry_run": true });
    let preview = scene.admin().post(&scene.place.path("/bulk-releases"), &body).await.expect(200);
    assert_eq!(preview.json::<BulkReleasePreview>().count, 3);
    let done = over(&scene, release(&scene, json!({ "upload_id": upload })).await.id).await;
    assert_eq!((done.counts.removed, done.counts.duplicates, done.counts.not_blocked), (3, 1, 1));
    assert_eq!(scene.blocked("in_effect").await.len(), all.len() - 3);
    assert_eq!(exempt(&scene).await, addresses(0..3, "one.example"));
    assert_eq!(upload_state(&scene, upload).await, "ready");
    let undo: ListOperation = post(&scene, done.id, "undo").await.expect(202).json();
    assert_eq!(over(&scene, undo.id).await.counts.added, 3);
    assert_eq!(scene.blocked("in_effect").await, all);
}

/// The test steps it, and leaves one row: whoever waited for its end would wait for ever.
#[tokio::test(flavor = "multi_thread")]
async fn releases_and_events_do_not_wait_for_a_registration() {
    const STEPS: usize = 60;
    const ROWS: usize = 50;
    let scene = Scene::start_without_jobs().await;
    let single: Vec<String> = (0..10).map(|n| format!("single{n}@one.example")).collect();
    scene.unknown_users(&single).await;
    scene.run_by_hand().await;
    let file: Vec<String> = (0..=STEPS * ROWS).map(|n| format!("many{n}@two.example")).collect();
    let upload = sums::upload(&scene, &file).await;
    let queued = register(&scene, upload, json!({ "delivery_timing": "next_execution" })).await;
    let stepped = async {
        for _ in 0..STEPS {
            assert!(list_operations::step(&scene.app.running.state, queued.id, ROWS).await.expect("a step"));
        }
    };
    let answered = async {
        for (n, address) in single.iter().enumerate() {
            let released = scene.release(&[address]).await;
            assert_eq!(json!(released.items[0].status), "released");
            scene.errors(&format!("event{n}@one.example"), "unknown_user", 1).await;
        }
    };
    let (answered, ()) = tokio::join!(tokio::time::timeout(PATIENCE, answered), stepped);
    answered.expect("they wait for the registration");
    let meanwhile = operation(&scene, queued.id).await;
    assert_eq!((meanwhile.state, meanwhile.done), (ListOperationState::Running, (STEPS * ROWS) as i64));
    assert!(scene.blocked("in_effect").await.is_empty() && scene.blocked("pending").await.is_empty());
    let done = finish(&scene, queued.id, ROWS).await;
    assert_eq!((done.state, done.counts.added), (ListOperationState::Done, (STEPS * ROWS + 1) as i64));
}
