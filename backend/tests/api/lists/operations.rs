//! List operations: what they do as a whole, and what is left when they are cancelled, killed, or fail.

use super::*;
use backend::{
    service::{Error, list_operations},
    store::{
        blocked_addresses::{Chosen, Counting, Filter},
        search::Effort,
    },
};
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use shared::{
    list_operation::{BulkReleasePreview, ListOperation, ListOperationState},
    run::FailureCause,
};

pub(super) fn addresses(range: std::ops::Range<u32>, domain: &str) -> Vec<String> {
    range.map(|n| format!("a{n:02}@{domain}")).collect()
}

/// Twelve blocks of which ten are at one domain, published.
async fn blocked(scene: &Scene) -> Vec<String> {
    let mut all = addresses(0..10, "one.example");
    all.extend(addresses(0..2, "two.example"));
    scene.unknown_users(&all).await;
    scene.run_by_hand().await;
    all.sort();
    all
}

pub(crate) async fn release(scene: &Scene, body: Value) -> ListOperation {
    scene.admin().post(&scene.place.path("/bulk-releases"), &body).await.expect(202).json()
}

pub(crate) async fn post(scene: &Scene, id: Uuid, what: &str) -> crate::support::client::Response {
    scene.admin().post(&scene.place.path(&format!("/list-operations/{id}/{what}")), &json!({})).await
}

pub(super) async fn operation(scene: &Scene, id: Uuid) -> ListOperation {
    scene.get(&format!("/list-operations/{id}")).await
}

/// Steps until nothing is left to do.
pub(crate) async fn finish(scene: &Scene, id: Uuid, rows: usize) -> ListOperation {
    while list_operations::step(&scene.app.running.state, id, rows).await.expect("a step") {}
    let operation = operation(scene, id).await;
    assert!(operation.state.is_final(), "{operation:?}");
    operation
}

pub(super) async fn exempt(scene: &Scene) -> Vec<String> {
    let page: Page<shared::list::Exemption> = scene.get("/exemptions?sort=address&direction=ascending&limit=500").await;
    page.items.into_iter().map(|exemption| exemption.address).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_release_is_counted_before_performed_as_a_whole_and_undone() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    let mut all = addresses(0..30, "one.example");
    all.extend(addresses(0..2, "two.example"));
    scene.unknown_users(&all).await;
    scene.run_now().await;
    agent.sync(0).await;
    let filter = json!({ "filter": { "domain": "one.example", "reason": "unknown_user" }, "dry_run": true });
    let preview = scene.admin().post(&scene.place.path("/bulk-releases"), &filter).await.expect(200);
    let preview: BulkReleasePreview = preview.json();
    assert_eq!((preview.count, preview.sample.len()), (30, 20));
    assert_eq!(scene.blocked("in_effect").await.len(), 32, "only counted");

    let body = json!({ "filter": { "domain": "one.example" }, "comment": "their server was broken" });
    let queued = release(&scene, body).await;
    assert_eq!(queued.state, ListOperationState::Queued);
    let path = format!("/list-operations/{}", queued.id);
    let done = scene.until(&path, |operation: &ListOperation| operation.state.is_final()).await;
    assert_eq!((done.state, done.total, done.done, done.counts.removed), (ListOperationState::Done, Some(30), 30, 30));
    let distribution: Distribution =
        scene.get(&format!("/distributions/{}", done.distribution_id.expect("a distribution"))).await;
    assert_eq!((distribution.removed, distribution.count), (30, Some(2)));
    agent.sync(0).await;
    assert_eq!(agent.keys.len(), 2);
    let exemptions: Value = scene.get("/exemptions").await;
    assert_eq!(exemptions["total"]["count"], 30);
    assert_eq!(exemptions["items"][0]["comment"], "their server was broken");
    post(&scene, done.id, "cancel").await.expect(409);

    // An exemption that ended since is not part of the undo.
    let ended = exemptions["items"][0].clone();
    let path = scene.place.path(&format!("/exemptions/{}", ended["id"].as_str().expect("an id")));
    scene.admin().delete(&path).await.expect(204);
    let undo: ListOperation = post(&scene, done.id, "undo").await.expect(202).json();
    post(&scene, done.id, "undo").await.expect(409);
    let path = format!("/list-operations/{}", undo.id);
    let undone = scene.until(&path, |operation: &ListOperation| operation.state.is_final()).await;
    assert_eq!((undone.state, undone.counts.added), (ListOperationState::Done, 29));
    assert_eq!(operation(&scene, done.id).await.undone_by, Some(undo.id));
    agent.sync(0).await;
    assert_eq!(agent.keys.len(), 31, "on every mail server at once");
    assert!(!agent.holds(ended["address"].as_str().expect("an address")));
    assert!(exempt(&scene).await.is_empty());
    post(&scene, done.id, "undo").await.expect(409);
    post(&scene, undo.id, "undo").await.expect(409);
    let all: Page<ListOperation> = scene.get("/list-operations").await;
    assert_eq!(all.items.iter().map(|operation| operation.id).collect::<Vec<_>>(), [undo.id, done.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_is_cancelled_leaves_the_lists_as_they_were() {
    let scene = Scene::start_without_jobs().await;
    let all = blocked(&scene).await;
    let state = &scene.app.running.state;
    let queued = release(&scene, json!({ "filter": { "domain": "one.example" } })).await;
    let waiting = release(&scene, json!({ "filter": { "domain": "two.example" } })).await;
    for _ in 0..3 {
        assert!(list_operations::step(state, queued.id, 2).await.expect("a step"));
        assert_eq!(scene.blocked("in_effect").await, all, "nothing shows before it is done");
        assert!(exempt(&scene).await.is_empty());
        assert!(!list_operations::step(state, waiting.id, 2).await.expect("no step"), "one after the other");
    }
    assert_eq!(operation(&scene, queued.id).await.counts.removed, 6);
    let cancelling: ListOperation = post(&scene, queued.id, "cancel").await.expect(202).json();
    assert_eq!(cancelling.state, ListOperationState::Cancelling);
    post(&scene, queued.id, "cancel").await.expect(202);
    // Killed and begun again between any two steps.
    assert!(list_operations::step(state, queued.id, 4).await.expect("a step"));
    let cancelled = finish(&scene, queued.id, 4).await;
    assert_eq!((cancelled.state, cancelled.error), (ListOperationState::Cancelled, None));
    assert_eq!(scene.blocked("in_effect").await, all);
    assert!(exempt(&scene).await.is_empty());
    post(&scene, queued.id, "cancel").await.expect(409);
    post(&scene, queued.id, "undo").await.expect(409);

    let cancelled: ListOperation = post(&scene, waiting.id, "cancel").await.expect(202).json();
    assert_eq!(cancelled.state, ListOperationState::Cancelled, "it had not begun");
    let (_, distribution) = scene.run_by_hand().await;
    assert_eq!((distribution.added, distribution.removed, distribution.count), (0, 0, Some(12)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_says_why_and_is_tried_again() {
    let scene = Scene::start().await;
    blocked_now(&scene).await;
    let connection = scene.app.running.state.db.connection();
    connection.execute_unprepared("ALTER TABLE removed_blocks RENAME TO hidden").await.expect("a renamed table");
    let queued = release(&scene, json!({ "filter": { "domain": "one.example" } })).await;
    let path = format!("/list-operations/{}", queued.id);
    let failing = scene.until(&path, |operation: &ListOperation| operation.error.is_some()).await;
    assert_eq!((failing.state, failing.error_cause), (ListOperationState::Running, Some(FailureCause::Internal)));
    connection.execute_unprepared("ALTER TABLE hidden RENAME TO removed_blocks").await.expect("a renamed table");
    let done = scene.until(&path, |operation: &ListOperation| operation.state.is_final()).await;
    assert_eq!((done.state, done.error, done.counts.removed), (ListOperationState::Done, None, 10));
    assert_eq!(done.error_cause, None);
    assert_eq!(scene.blocked("in_effect").await, addresses(0..2, "two.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_is_given_up_leaves_the_lists_as_they_were_and_the_next_has_its_turn() {
    let scene = Scene::start_without_jobs().await;
    let all = blocked(&scene).await;
    let state = &scene.app.running.state;
    let queued = release(&scene, json!({ "filter": { "domain": "one.example" } })).await;
    list_operations::step(state, queued.id, 4).await.expect("a step");
    let away = Error::Unavailable(anyhow::anyhow!("a cable is cut"));
    list_operations::failed(state, queued.id, &away).await.expect("a note");
    let failing = operation(&scene, queued.id).await;
    let why = "the database does not answer: a cable is cut";
    assert_eq!((failing.state, failing.error.as_deref()), (ListOperationState::Running, Some(why)));
    assert_eq!(failing.error_cause, Some(FailureCause::DatabaseUnavailable));
    let connection = state.db.connection();
    connection.execute_unprepared("UPDATE list_operations SET attempts = 8").await.expect("an update");
    let failed = finish(&scene, queued.id, 3).await;
    assert_eq!(failed.error_cause, failing.error_cause);
    let error = failed.error.expect("an error");
    assert_eq!((failed.state, error), (ListOperationState::Failed, format!("given up after 8 attempts: {why}")));
    assert_eq!(scene.blocked("in_effect").await, all);
    assert!(exempt(&scene).await.is_empty());
    post(&scene, queued.id, "undo").await.expect(409);
    let next = release(&scene, json!({ "filter": { "domain": "two.example" } })).await;
    let done = finish(&scene, next.id, 3).await;
    assert_eq!((done.state, done.counts.removed), (ListOperationState::Done, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_an_operation_is_taken_back_at_once() {
    let scene = Scene::start_without_jobs().await;
    let all = blocked(&scene).await;
    let state = &scene.app.running.state;
    let queued = release(&scene, json!({ "filter": { "domain": "one.example" } })).await;
    list_operations::step(state, queued.id, 4).await.expect("a step");
    let full = Error::StorageFull(anyhow::anyhow!("no room"));
    list_operations::failed(state, queued.id, &full).await.expect("a note");
    assert_eq!(operation(&scene, queued.id).await.state, ListOperationState::Cancelling, "others need the room");
    let failed = finish(&scene, queued.id, 3).await;
    let error = Some("the disk is full: no room".to_owned());
    assert_eq!((failed.state, failed.error), (ListOperationState::Failed, error));
    assert_eq!(failed.error_cause, Some(FailureCause::DiskFull));
    assert_eq!(scene.blocked("in_effect").await, all);
    // One that has not begun yet as well.
    let queued = release(&scene, json!({ "filter": { "domain": "one.example" } })).await;
    list_operations::failed(state, queued.id, &full).await.expect("a note");
    assert_eq!(finish(&scene, queued.id, 3).await.state, ListOperationState::Failed);
}

/// As [`blocked`], with the jobs at work.
pub(super) async fn blocked_now(scene: &Scene) -> Vec<String> {
    let mut all = addresses(0..10, "one.example");
    all.extend(addresses(0..2, "two.example"));
    scene.unknown_users(&all).await;
    scene.run_now().await;
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_goes_on_after_the_start() {
    let scene = Scene::start_without_jobs().await;
    blocked(&scene).await;
    let queued = release(&scene, json!({ "filter": { "q": "A0" } })).await;
    list_operations::step(&scene.app.running.state, queued.id, 3).await.expect("a step");
    let jobs = if TestApp::is_postgres() { "apalis.jobs" } else { "Jobs" };
    let connection = scene.app.running.state.db.connection();
    connection.execute_unprepared(&format!("DELETE FROM {jobs}")).await.expect("a lost job");
    let scene = scene.restart().await;
    let path = format!("/list-operations/{}", queued.id);
    let done = scene.until(&path, |operation: &ListOperation| operation.state.is_final()).await;
    assert_eq!((done.state, done.counts.removed), (ListOperationState::Done, 12));
    assert!(scene.blocked("in_effect").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_release_that_is_not_valid_is_refused() {
    let scene = Scene::start().await;
    let path = scene.place.path("/bulk-releases");
    for (body, pointer) in [
        (json!({}), "/filter"),
        (json!({ "filter": {} }), "/filter"),
        (json!({ "filter": { "q": "a" }, "upload_id": Uuid::nil() }), "/upload_id"),
        (json!({ "filter": { "state": "releasing" } }), "/filter/state"),
        (json!({ "filter": { "colour": "red" } }), "/filter/colour"),
        (json!({ "filter": { "q": "" } }), "/filter/q"),
        // Looked for, it would be no condition.
        (json!({ "filter": { "q": " \u{3000}" } }), "/filter/q"),
        (json!({ "filter": { "q": " ", "reason": "unknown_user" } }), "/filter/q"),
        (json!({ "upload_id": Uuid::nil() }), "/upload_id"),
        (json!({ "filter": { "q": "a" }, "comment": "x".repeat(501) }), "/comment"),
    ] {
        scene.admin().post(&path, &body).await.expect_problem(422, pointer);
    }
    let page: Page<ListOperation> = scene.get("/list-operations").await;
    assert!(page.items.is_empty());
    post(&scene, Uuid::nil(), "cancel").await.expect(404);
    post(&scene, Uuid::nil(), "undo").await.expect(404);
    let queued = release(&scene, json!({ "filter": { "q": "a" } })).await;
    let other = scene.app.administrator(&scene.place.provider, "other").await;
    other.get(&scene.place.path(&format!("/list-operations/{}", queued.id))).await.expect(404);
    let foreign = other.create_configuration("Main").await;
    other.get(&format!("/api/v1/server-configurations/{foreign}/list-operations/{}", queued.id)).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_the_middle_of_a_bulk_release_counts() {
    let scene = Scene::start_without_jobs().await;
    blocked(&scene).await;
    let state = &scene.app.running.state;
    let queued = release(&scene, json!({ "filter": { "domain": "one.example" } })).await;
    for _ in 0..2 {
        list_operations::step(state, queued.id, 3).await.expect("a step");
    }
    // Released by hand: one that was taken off already and one that was not.
    let released = scene.release(&["a00@one.example", "a09@one.example", "a01@two.example"]).await;
    assert!(released.items.iter().all(|item| json!(item.status) == "released"), "{released:?}");
    // Added: one that is on the list until the release is done.
    let body = json!({ "addresses": ["a01@one.example"] });
    let answer = scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
    assert_eq!(answer.json::<Value>()["items"][0]["status"], "already_blocked");
    // A run in the middle: new errors of blocked addresses block nothing twice.
    scene.unknown_users(&addresses(0..10, "one.example")).await;
    let (run, distribution) = scene.run_by_hand().await;
    assert!(run.blocked.is_empty(), "{run:?}");
    assert_eq!(distribution.count, Some(9));
    let done = finish(&scene, queued.id, 3).await;
    assert_eq!((done.state, done.counts.removed), (ListOperationState::Done, 8));
    assert_eq!(scene.blocked("in_effect").await, ["a00@two.example"]);
    let undo: ListOperation = post(&scene, queued.id, "undo").await.expect(202).json();
    let undone = finish(&scene, undo.id, 3).await;
    assert_eq!(undone.counts.added, 8, "what was released by hand stays released");
    assert_eq!(exempt(&scene).await, ["a00@one.example", "a01@two.example", "a09@one.example"]);
}

/// Asks for the registration of an upload of these addresses at the next execution.
pub(super) async fn register(scene: &Scene, addresses: &[String]) -> ListOperation {
    let upload = sums::upload(scene, addresses).await;
    let path = scene.place.path(&format!("/uploads/{upload}/registration"));
    scene.admin().post(&path, &json!({ "delivery_timing": "next_execution" })).await.expect(202).json()
}

pub(super) async fn add(scene: &Scene, addresses: &[&str]) {
    let body = json!({ "addresses": addresses });
    scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
}

fn a_second_passes(scene: &Scene) {
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::seconds(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_release_leaves_what_was_not_on_the_list_when_it_was_asked_for() {
    let scene = Scene::start_without_jobs().await;
    let all = blocked(&scene).await;
    let state = &scene.app.running.state;
    let filter = json!({ "filter": { "domain": "one.example" } });
    let registration = register(&scene, &addresses(10..15, "one.example")).await;
    assert!(list_operations::step(state, registration.id, 3).await.expect("a step"));
    a_second_passes(&scene);
    // What the registration blocks is older than this, but nobody can see it yet.
    let dry_run = json!({ "filter": filter["filter"], "dry_run": true });
    let preview = scene.admin().post(&scene.place.path("/bulk-releases"), &dry_run).await.expect(200);
    assert_eq!(preview.json::<BulkReleasePreview>().count, 10);
    let queued = release(&scene, filter.clone()).await;
    // In the same millisecond.
    add(&scene, &["a15@one.example"]).await;
    assert_eq!(finish(&scene, registration.id, 3).await.counts.added, 5);
    let done = finish(&scene, queued.id, 3).await;
    assert_eq!((done.state, done.total, done.counts.removed), (ListOperationState::Done, Some(10), 10));
    assert_eq!(exempt(&scene).await, addresses(0..10, "one.example"));
    assert_eq!(scene.blocked("pending").await, addresses(10..16, "one.example"));

    // An undo that has not begun yet: it blocks again with the times of the old blocks.
    let undo: ListOperation = post(&scene, queued.id, "undo").await.expect(202).json();
    a_second_passes(&scene);
    let queued = release(&scene, filter).await;
    assert_eq!(finish(&scene, undo.id, 3).await.counts.added, 10);
    assert_eq!(finish(&scene, queued.id, 3).await.counts.removed, 6);
    assert_eq!(scene.blocked("in_effect").await, all);

    // What is published in between was not in effect.
    add(&scene, &["a16@one.example"]).await;
    let queued = release(&scene, json!({ "filter": { "domain": "one.example", "state": "in_effect" } })).await;
    scene.run_by_hand().await;
    assert_eq!(finish(&scene, queued.id, 3).await.counts.removed, 10);
    assert_eq!(scene.blocked("in_effect").await, ["a00@two.example", "a01@two.example", "a16@one.example"]);
    sums::prove(&scene, "in the end").await;
}

/// So little that a list of some dozens is walked in many pieces, unless an index may name what is looked for.
const PIECES: [Effort; 2] = [
    Effort { probe: 7, walk: 14, time: Duration::MAX, candidates: 0 },
    Effort { probe: 7, walk: 14, time: Duration::MAX, candidates: 100 },
];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bulk_release_is_about_is_the_same_walked_in_pieces_or_named_by_an_index() {
    let scene = Scene::start_without_jobs().await;
    for range in [0..10, 10..31, 31..50] {
        scene.unknown_users(&addresses(range.clone(), "one.example")).await;
        scene.unknown_users(&addresses(range.start..range.start + 3, "two.example")).await;
        scene.run_by_hand().await;
        a_second_passes(&scene);
    }
    let page: Page<BlockedAddress> = scene.get("/blocked-addresses?sort=date&direction=ascending&limit=500").await;
    assert_eq!(page.items.len(), 59);
    let connection = scene.app.running.state.db.connection();
    let texts = [None, Some("A1"), Some("1@two"), Some("example"), Some("nobody"), Some("9"), Some("'")];
    for (text, domain) in texts.into_iter().flat_map(|text| [None, Some("two.example")].map(|domain| (text, domain))) {
        let matches = |block: &&BlockedAddress| {
            text.is_none_or(|text| block.address.contains(&text.to_lowercase()))
                && domain.is_none_or(|domain| block.address.ends_with(domain))
        };
        let expected: Vec<&BlockedAddress> = page.items.iter().filter(matches).collect();
        for effort in PIECES.into_iter().chain([Effort::default()]) {
            let what = format!("{text:?} {domain:?} {effort:?}");
            let filter =
                Filter { text: text.map(str::to_owned), domain: domain.map(str::to_owned), ..Filter::default() };
            let chosen = Chosen { server_configuration_id: scene.place.configuration, filter, seen: None, effort };
            let mut counting = Counting::default();
            while chosen.count_on(connection, &mut counting).await.expect("a count") {}
            assert_eq!(counting.count, expected.len() as i64, "{what}");
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let next = chosen.next(connection, counting.count, after, 4).await.expect("blocks");
                assert!(next.blocks.len() <= 4, "{what}");
                found.extend(next.blocks.into_iter().map(|(_, id)| id));
                after = next.after;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected.iter().map(|block| block.id).collect::<Vec<_>>(), "{what}");
            let newest = chosen.newest(connection, 5).await.expect("blocks");
            assert!(newest.iter().eq(expected.iter().rev().take(5).copied()), "{what}: {newest:?}");
        }
    }
}
