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
async fn registrations_of_one_configuration_come_one_after_the_other() {
    let scene = Scene::start().await;
    let (first, second) = (addresses(0..20, "one.example"), addresses(10..30, "one.example"));
    let (first, second) = (sums::upload(&scene, &first).await, sums::upload(&scene, &second).await);
    let body = json!({ "delivery_timing": "now" });
    let (first, second) = (register(&scene, first, body.clone()).await, register(&scene, second, body.clone()).await);
    let (first, second) = (over(&scene, first.id).await, over(&scene, second.id).await);
    assert_eq!((first.counts.added, second.counts.added, second.counts.already_blocked), (20, 10, 10));
    scene.finished(second.run_id.expect("a run")).await;
    assert_eq!(scene.blocked("in_effect").await.len(), 30);
    // The undo of the first leaves what only the second has blocked.
    let undo: ListOperation = post(&scene, first.id, "undo").await.expect(202).json();
    assert_eq!(over(&scene, undo.id).await.counts.removed, 20);
    assert_eq!(scene.blocked("in_effect").await, addresses(20..30, "one.example"));
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

#[tokio::test(flavor = "multi_thread")]
async fn releases_and_events_do_not_wait_for_a_registration() {
    let scene = Scene::start().await;
    let single: Vec<String> = (0..10).map(|n| format!("single{n}@one.example")).collect();
    scene.unknown_users(&single).await;
    scene.run_now().await;
    let file: Vec<String> = (0..20_000).map(|n| format!("many{n}@two.example")).collect();
    let upload = sums::upload(&scene, &file).await;
    let queued = register(&scene, upload, json!({ "delivery_timing": "next_execution" })).await;
    let mut slowest = Duration::ZERO;
    for (n, address) in single.iter().enumerate() {
        let begun = tokio::time::Instant::now();
        let released = scene.release(&[address]).await;
        assert_eq!(json!(released.items[0].status), "released");
        scene.errors(&format!("event{n}@one.example"), "unknown_user", 1).await;
        slowest = slowest.max(begun.elapsed());
    }
    let meanwhile: ListOperation = operation(&scene, queued.id).await;
    println!("{:?} after {} rows: the slowest release and event took {slowest:?}", meanwhile.state, meanwhile.done);
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    let done = over(&scene, queued.id).await;
    assert_eq!((done.state, done.counts.added), (ListOperationState::Done, 20_000));
}
