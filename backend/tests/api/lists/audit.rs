//! What the audit log has of lists that change by themselves, and of what is reported by hand.

use super::{
    operations::{finish, release},
    *,
};
use backend::service::runs;
use chrono::TimeDelta;
use shared::audit::AuditEntry;

async fn entries(scene: &Scene, query: &str) -> Vec<AuditEntry> {
    let path = format!("/api/v1/audit-log?{query}");
    scene.admin().get(&path).await.expect(200).json::<Page<AuditEntry>>().items
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_itself_changes_is_written() {
    let scene = Scene::start_without_jobs().await;
    scene.errors("dead@example.com", "unknown_user", 1).await;
    let (run, _) = scene.run_by_hand().await;
    let operation = release(&scene, json!({ "filter": { "domain": "example.com" } })).await;
    let operation = finish(&scene, operation.id, 100).await;
    let written = entries(&scene, "actor_kind=system").await;
    let [released, done] = &written[..] else { panic!("{written:?}") };
    assert_eq!((done.action.as_str(), &done.object), ("run.done", &run.id.to_string()));
    let counts = json!({ "server_configuration": "Main", "blocked": 1, "watch_period": 0, "condition_disabled": 0 });
    assert_eq!(done.after, Some(counts));
    assert_eq!((released.action.as_str(), &released.object), ("list_operation.done", &operation.id.to_string()));
    let told = json!({ "server_configuration": "Main", "kind": "release", "counts": operation.counts });
    assert_eq!(released.after, Some(told));
    assert_eq!(operation.counts.removed, 1);

    // A night that changes nothing is no change; what was asked for is done.
    scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(1));
    let state = &scene.app.running.state;
    runs::schedule(state).await.expect("a run is queued");
    let nightly = scene.get::<Page<Run>>("/runs").await.items.remove(0);
    runs::perform(state, nightly.id).await.expect("a run");
    assert_eq!(scene.get::<Run>(&format!("/runs/{}", nightly.id)).await.state, RunState::Done);
    assert_eq!(entries(&scene, "actor_kind=system").await.len(), 2);
    scene.run_by_hand().await;
    assert_eq!(entries(&scene, "actor_kind=system").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reports_events_by_hand_is_written_once_for_what_is_new() {
    let scene = Scene::start_without_jobs().await;
    scene.errors("by-an-agent@example.com", "unknown_user", 1).await;
    let body = json!({ "name": "bounces", "scopes": ["events"] });
    let person = scene.app.sign_in("administrator@first.example").await;
    let made = person.post("/api/v1/tokens", &body).await.expect(201);
    let script = scene.app.client(Some(made.json::<shared::session::ApiTokenSecret>().secret));
    let event = json!({ "id": "1", "address": "dead@example.com", "outcome": "error", "reason": "unknown_user",
        "occurred_at": scene.app.clock.now() });
    for _ in 0..2 {
        script.post(&scene.place.path("/delivery-events"), &json!([event, event])).await.expect(200);
    }
    let written = entries(&scene, "q=delivery_events.report").await;
    let [entry] = &written[..] else { panic!("{written:?}") };
    assert_eq!((entry.actor_name.as_str(), &entry.object), ("bounces", &scene.place.configuration.to_string()));
    assert_eq!(entry.after, Some(json!({ "server_configuration": "Main", "accepted": 1 })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_that_ends_an_exemption_says_so() {
    let scene = Scene::start_without_jobs().await;
    scene.errors("exempt@example.com", "unknown_user", 1).await;
    scene.run_by_hand().await;
    scene.release(&["exempt@example.com"]).await;
    let body = json!({ "addresses": ["exempt@example.com", "other@example.com"], "block_exempt": true });
    scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
    for (address, before, exempt) in [
        ("exempt@example.com", Some(json!({ "exempt": true })), Some(&json!(false))),
        ("other@example.com", None, None),
    ] {
        let written = entries(&scene, "q=blocked_address.add").await;
        let entry = written.iter().find(|entry| entry.object == address).expect("an entry");
        assert_eq!((&entry.before, entry.after.as_ref().expect("how it is").get("exempt")), (&before, exempt));
    }
}
