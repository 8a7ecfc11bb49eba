//! Why is this blocked, and since when is it in effect?

use crate::lists::{
    ModelAgent, Scene,
    operations::{finish, post, release},
    sums,
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::{
    Problem, Reason,
    address_history::{AddressEvent, AddressEventKind, AddressHistory, AddressOnMailServer, Holding},
    list::{BlockState, Exemption, Origin, RemovalCause},
    list_operation::{ListOperation, ListOperationKind},
    run::ReasonCount,
};

const TARO: &str = "Taro@One.example";

async fn history(scene: &Scene, address: &str) -> AddressHistory {
    scene.get(&format!("/address-history?address={address}")).await
}

fn kinds(history: &AddressHistory) -> Vec<AddressEventKind> {
    history.events.items.iter().map(|event| event.kind).collect()
}

fn later(scene: &Scene, hours: i64) {
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::hours(hours));
}

fn newest(history: &AddressHistory) -> &AddressEvent {
    history.events.items.first().expect("an event")
}

fn on<'a>(history: &'a AddressHistory, name: &str) -> &'a AddressOnMailServer {
    history.mail_servers.iter().find(|server| server.mail_server_name == name).expect("the mail server")
}

/// Reports that mail to an address failed, as the agent of a mail server.
async fn fail(scene: &Scene, agent: &ModelAgent, address: &str, reason: &str) {
    let event = json!([{ "id": uuid::Uuid::new_v4().to_string(), "address": address, "outcome": "error",
        "reason": reason, "smtp_code": 550, "status": "5.1.1", "reply": "550 5.1.1 User unknown",
        "occurred_at": scene.app.clock.now() }]);
    agent.client.post(&scene.place.path("/delivery-events"), &event).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_explained_from_the_first_error_to_the_end_of_its_exemption() {
    use AddressEventKind::{Blocked, Error, Exempted, ExemptionEnded, Removed};
    let scene = Scene::start_without_jobs().await;
    let mut one = ModelAgent::new(&scene, "mx1").await;
    ModelAgent::new(&scene, "mx2").await;
    one.sync(0).await;
    fail(&scene, &one, TARO, "other").await;
    later(&scene, 1);
    let failed_at = scene.app.clock.now();
    fail(&scene, &one, "taro@one.example", "unknown_user").await;
    fail(&scene, &one, "hanako@one.example", "unknown_user").await;
    let before = history(&scene, "taro@ONE.example").await;
    assert_eq!((before.address.as_str(), &before.block, &before.exemption), ("taro@one.example", &None, &None));
    assert_eq!(before.counts, [ReasonCount { reason: Reason::UnknownUser, count: 1 }]);
    assert_eq!(kinds(&before), [Error, Error]);
    let error = newest(&before).error.clone().expect("an error");
    assert_eq!((newest(&before).at, newest(&before).reason), (failed_at, Reason::UnknownUser));
    assert_eq!((error.smtp_code, error.status.as_deref()), (Some(550), Some("5.1.1")));
    assert_eq!(error.reply.as_deref(), Some("550 5.1.1 User unknown"));
    assert_eq!(error.mail_server_name.as_deref(), Some("mx1"));
    assert!(error.counted, "it will block");
    assert!(!before.events.items[1].error.as_ref().expect("an error").counted, "its reason never counts");
    assert_eq!((on(&before, "mx1").holding, on(&before, "mx1").since), (Holding::NotHeld, None));
    assert_eq!((on(&before, "mx2").holding, on(&before, "mx2").version), (Holding::Unknown, None));

    later(&scene, 1);
    let (run, distribution) = scene.run_by_hand().await;
    let blocked_at = scene.app.clock.now();
    later(&scene, 1);
    let blocked = history(&scene, TARO).await;
    let block = blocked.block.clone().expect("a block");
    assert_eq!(
        (block.state, block.reason, block.origin),
        (BlockState::InEffect, Reason::UnknownUser, Origin::Condition)
    );
    assert_eq!((block.blocked_at, block.version), (blocked_at, distribution.version));
    assert_eq!(kinds(&blocked), [Blocked, Error, Error]);
    let event = newest(&blocked);
    assert_eq!((event.at, event.run_id, event.version), (blocked_at, Some(run.id), distribution.version));
    assert_eq!((event.published_at, event.by.as_deref()), (Some(blocked_at), None));
    assert_eq!(on(&blocked, "mx1").holding, Holding::NotHeld, "it has not fetched it yet");
    one.sync(0).await;
    let held_since = scene.app.clock.now();
    later(&scene, 1);
    // Another version, which mx1 acknowledges: since when it holds the block stays.
    fail(&scene, &one, "jiro@one.example", "unknown_user").await;
    scene.run_by_hand().await;
    one.sync(0).await;
    let held = history(&scene, TARO).await;
    assert_eq!((on(&held, "mx1").holding, on(&held, "mx1").since), (Holding::Held, Some(held_since)));
    assert_eq!(on(&held, "mx1").version, distribution.version.map(|version| version + 1));

    later(&scene, 1);
    let released_at = scene.app.clock.now();
    scene.release(&[TARO]).await;
    let releasing = history(&scene, TARO).await;
    assert_eq!(releasing.block.as_ref().map(|block| block.state), Some(BlockState::Releasing), "mx1 holds it still");
    assert_eq!(on(&releasing, "mx1").holding, Holding::Held);
    later(&scene, 1);
    one.sync(0).await;
    let released = history(&scene, TARO).await;
    assert_eq!((&released.block, &released.counts), (&None, &Vec::new()));
    assert_eq!(on(&released, "mx1").holding, Holding::NotHeld);
    assert_eq!(on(&released, "mx1").since, Some(scene.app.clock.now()));
    let exemption = released.exemption.clone().expect("an exemption");
    assert_eq!(exemption.released_at, released_at);
    assert_eq!(kinds(&released), [Exempted, Removed, Blocked, Error, Error]);
    for event in &released.events.items[..2] {
        assert_eq!((event.at, event.by.as_deref()), (released_at, Some("test")));
        assert_eq!(event.comment.as_deref(), Some("asked by the customer"));
        assert_eq!((event.run_id, event.list_operation), (None, None));
    }
    assert_eq!(released.events.items[1].cause, Some(RemovalCause::Release));
    assert_eq!(released.events.items[1].version, distribution.version.map(|version| version + 2));
    assert_eq!(released.events.items[2].version, distribution.version, "it was in effect");
    assert!(!released.events.items[3].error.as_ref().expect("an error").counted, "the count was reset");

    later(&scene, 1);
    let path = scene.place.path(&format!("/exemptions/{}", exemption.id));
    scene.admin().delete(&path).await.expect(204);
    let ended = history(&scene, TARO).await;
    assert_eq!(ended.exemption, None);
    assert_eq!(kinds(&ended), [ExemptionEnded, Exempted, Removed, Blocked, Error, Error]);
    assert_eq!((newest(&ended).at, newest(&ended).by.as_deref()), (scene.app.clock.now(), Some("test")));
    assert_eq!(newest(&history(&scene, "hanako@one.example").await).kind, Blocked, "another address has its own");

    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: AddressHistory = scene.get(&format!("/address-history?address={TARO}&limit=2{cursor}")).await;
        assert!(page.events.items.len() <= 2);
        paged.extend(page.events.items);
        let Some(next) = page.events.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, ended.events.items, "pages have every event once, in order");
    let other = scene.place.path(&format!("/address-history?address=hanako@one.example{cursor}"));
    let problem: Problem = scene.admin().get(&other).await.expect(422).json();
    assert_eq!(problem.errors[0].pointer, "cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_before_any_list_had_it_was_never_in_effect() {
    use AddressEventKind::{Blocked, Exempted, ExemptionEnded, Removed};
    let scene = Scene::start_without_jobs().await;
    let path = scene.place.path("/blocked-addresses");
    let add = json!({ "addresses": [TARO], "comment": "complained by phone" });
    scene.admin().post(&path, &add).await.expect(200);
    let pending = history(&scene, TARO).await;
    assert_eq!(pending.block.as_ref().map(|block| block.state), Some(BlockState::Pending));
    let event = newest(&pending);
    assert_eq!((event.origin, event.by.as_deref()), (Some(Origin::Api), Some("test")));
    assert_eq!((event.comment.as_deref(), event.version), (Some("complained by phone"), None));
    later(&scene, 1);
    scene.release(&[TARO]).await;
    later(&scene, 1);
    scene.admin().post(&path, &json!({ "addresses": [TARO], "block_exempt": true })).await.expect(200);
    scene.run_by_hand().await;
    let history = history(&scene, TARO).await;
    assert_eq!(kinds(&history), [Blocked, ExemptionEnded, Exempted, Removed, Blocked]);
    let versions: Vec<_> = history.events.items.iter().map(|event| event.version).collect();
    assert_eq!(versions, [Some(1), None, None, None, None]);
    assert!(history.events.items.iter().all(|event| event.by.as_deref() == Some("test")), "{history:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operations_and_the_watch_period_did_is_told_of_them() {
    use AddressEventKind::{Blocked, Error, Exempted, ExemptionEnded, Removed};
    let scene = Scene::start_without_jobs().await;
    let upload = sums::upload(&scene, &[TARO.to_owned()]).await;
    let path = scene.place.path(&format!("/uploads/{upload}/registration"));
    let body = json!({ "delivery_timing": "next_execution", "comment": "from the old system" });
    let registration: ListOperation = scene.admin().post(&path, &body).await.expect(202).json();
    finish(&scene, registration.id, 10).await;
    scene.run_by_hand().await;
    later(&scene, 1);
    let released = release(&scene, json!({ "filter": { "domain": "one.example" }, "comment": "a mistake" })).await;
    finish(&scene, released.id, 10).await;
    later(&scene, 1);
    let undo: ListOperation = post(&scene, released.id, "undo").await.expect(202).json();
    finish(&scene, undo.id, 10).await;
    let undone_at = scene.app.clock.now();
    let told = history(&scene, TARO).await;
    assert_eq!(kinds(&told), [Blocked, ExemptionEnded, Exempted, Removed, Blocked]);
    let [again, unexempted, exempted, removed, blocked] = told.events.items.as_slice() else { panic!("{told:?}") };
    for (event, operation, comment) in [
        (again, undo.id, None),
        (unexempted, undo.id, None),
        (exempted, released.id, Some("a mistake")),
        (removed, released.id, Some("a mistake")),
        (blocked, registration.id, Some("from the old system")),
    ] {
        assert_eq!(event.list_operation.map(|of| of.id), Some(operation), "{event:?}");
        assert_eq!((event.by.as_deref(), event.comment.as_deref()), (Some("test"), comment), "{event:?}");
    }
    assert_eq!(again.list_operation.map(|of| of.kind), Some(ListOperationKind::Undo));
    assert_eq!((again.at, unexempted.at), (undone_at, undone_at), "not when the first block was made");
    assert_eq!((blocked.origin, removed.cause), (Some(Origin::Upload), Some(RemovalCause::Release)));

    scene.change_settings(|body| body["watch_period_days"] = json!(2)).await.expect(200);
    later(&scene, 72);
    let (run, distribution) = scene.run_by_hand().await;
    later(&scene, 1);
    scene.errors(TARO, "unknown_user", 1).await;
    let told = history(&scene, TARO).await;
    assert_eq!(kinds(&told)[..3], [Error, Removed, Blocked]);
    let removed = &told.events.items[1];
    assert_eq!((removed.cause, removed.run_id), (Some(RemovalCause::WatchPeriod), Some(run.id)));
    assert_eq!((removed.version, &removed.by), (distribution.version, &None));
    let exemptions: shared::Page<Exemption> = scene.get("/exemptions").await;
    assert_eq!(exemptions.items, [], "and it is not exempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_named_unless_it_is_known() {
    let scene = Scene::start_without_jobs().await;
    let ask = async |query: &str| {
        let path = scene.place.path(&format!("/address-history{query}"));
        let problem: Problem = scene.admin().get(&path).await.expect(422).json();
        problem.errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()
    };
    for query in ["?address=taro", "?address=", "?address=@one.example", "?address=a%0Ab@one.example", ""] {
        assert_eq!(ask(query).await, ["address"], "{query}");
    }
    assert_eq!(kinds(&history(&scene, "nobody@one.example").await), []);
    // Errors of malformed addresses are recorded and block.
    scene.errors("taro", "address_format", 1).await;
    scene.run_by_hand().await;
    let taro = history(&scene, "TARO").await;
    assert_eq!(taro.block.map(|block| block.address), Some("taro".to_owned()));
    let value: Value = scene.get("/address-history?address=taro&limit=1").await;
    assert_eq!(value["events"]["items"][0]["kind"], "blocked");
}
