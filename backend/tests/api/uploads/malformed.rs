//! Malformed addresses: blocked for an address format error, they stand in a downloaded list.

use super::*;
use backend::service::{distributions, list_operations, runs, uploads};
use serde_json::json;
use shared::{
    account::Account,
    list::{BlockedAddress, Exemption},
    list_operation::{BulkReleasePreview, ListOperation, ListOperationState},
    run::Run,
    upload::RecordCounts,
};
use uuid::Uuid;

/// Blocks the addresses for format errors, and publishes them.
async fn block(scene: &Scene, addresses: &[&str]) {
    let (client, place, state) = (scene.client(), &scene.place, &scene.app.running.state);
    let event = |address: &&str| {
        json!({ "id": Uuid::new_v4(), "address": address, "outcome": "error", "reason": "address_format",
            "occurred_at": scene.app.clock.now() })
    };
    let events: Vec<Value> = addresses.iter().map(event).collect();
    client.post(&place.path("/delivery-events"), &events).await.expect(200);
    let run: Run = client.post(&place.path("/runs"), &json!({})).await.expect(202).json();
    runs::perform(state, run.id).await.expect("a run");
    let run: Run = client.get(&place.path(&format!("/runs/{}", run.id))).await.expect(200).json();
    distributions::perform(state, run.distribution_id.expect("a distribution")).await.expect("a distribution");
}

/// The blocked list as the account downloads it.
async fn download(scene: &Scene) -> Vec<u8> {
    let provider = &scene.place.provider;
    let account = provider.items::<Account>("/api/v1/provider/accounts").await.remove(0);
    let path = format!("/api/v1/provider/accounts/{}", account.id);
    let request = provider.request(Method::PATCH, &path).header("If-Match", format!("\"{}\"", account.revision));
    provider.send(request.json(&json!({ "downloads_enabled": true }))).await.expect(200);
    scene.client().get(&scene.place.path("/blocked-addresses.csv")).await.expect(200).body
}

/// Asks for a list operation, and steps it to its end.
async fn perform(scene: &Scene, path: &str, body: &Value) -> ListOperation {
    let queued: ListOperation = scene.client().post(path, body).await.expect(202).json();
    // So few rows a step that malformed addresses take more than one.
    while list_operations::step(&scene.app.running.state, queued.id, 2).await.expect("a step") {}
    let path = scene.place.path(&format!("/list-operations/{}", queued.id));
    let done: ListOperation = scene.client().get(&path).await.expect(200).json();
    assert_eq!(done.state, ListOperationState::Done, "{done:?}");
    done
}

async fn blocked(scene: &Scene) -> Vec<String> {
    let path = scene.place.path("/blocked-addresses?state=in_effect&sort=address&direction=ascending");
    scene.client().items::<BlockedAddress>(&path).await.into_iter().map(|block| block.address).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_downloaded_list_releases_malformed_addresses_and_registers_none() {
    let scene = Scene::start_without_jobs().await;
    let all = ["@Example.com", "foo@", "hana@example.com", "Taro"];
    block(&scene, &all).await;
    let mut file = download(&scene).await;
    file.extend_from_slice(b"FOO@\r\nnever@\r\n");
    let path = scene.send(&file, &[]).await;
    let id = scene.show(&path).await.id;
    uploads::perform(&scene.app.running.state, id).await.expect("analysed");
    let counts = scene.show(&path).await.analysis.and_then(|analysis| analysis.counts);
    let expected =
        RecordCounts { total: 6, already_blocked: 1, invalid: 5, invalid_kept: 5, ..RecordCounts::default() };
    assert_eq!(counts, Some(expected));

    let registration = json!({ "delivery_timing": "next_execution" });
    let done = perform(&scene, &format!("{path}/registration"), &registration).await;
    assert_eq!((done.total, done.counts.added, done.counts.already_blocked), (Some(1), 0, 1));
    assert_eq!(blocked(&scene).await, all);

    let releases = scene.place.path("/bulk-releases");
    let preview = scene.client().post(&releases, &json!({ "upload_id": id, "dry_run": true })).await.expect(200);
    let preview: BulkReleasePreview = preview.json();
    assert_eq!(preview.count, 4);
    let mut sample: Vec<_> = preview.sample.into_iter().map(|block| block.address).collect();
    sample.sort();
    assert_eq!(sample, ["@Example.com", "Taro", "foo@", "hana@example.com"]);
    let done = perform(&scene, &releases, &json!({ "upload_id": id })).await;
    assert_eq!((done.counts.removed, done.counts.not_blocked, done.total, done.done), (4, 0, Some(4), 4));
    assert!(blocked(&scene).await.is_empty());
    let exempt = scene.place.path("/exemptions");
    assert_eq!(scene.client().items::<Exemption>(&exempt).await.len(), 4);

    let undo = scene.place.path(&format!("/list-operations/{}/undo", done.id));
    assert_eq!(perform(&scene, &undo, &json!({})).await.counts.added, 4);
    assert_eq!(blocked(&scene).await, all);
}
