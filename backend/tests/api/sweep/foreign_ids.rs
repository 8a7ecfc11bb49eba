//! What is somebody else's is as what is nobody's: the same answer, and nothing changes.

use super::world::{Ids, Operation, World, ids, upload};
use crate::support::{
    Workplace,
    client::{Client, Response},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Adds an upload, and a list operation that waits.
async fn add_upload_and_operation(world: &World, client: &Client, ids: &mut Ids) {
    let upload = upload(&world.app, client, &ids["id"]).await;
    let path = format!("/api/v1/server-configurations/{}/bulk-releases", ids["id"]);
    let asked = client.post(&path, &json!({ "filter": { "domain": "example.com" } })).await.expect(202);
    let operation = asked.json::<Value>()["id"].as_str().expect("an id").to_owned();
    ids.extend([("upload_id", upload), ("operation_id", operation)]);
}

/// An answer without what differs from request to request.
fn said(answer: &Response) -> (u16, Value) {
    let mut problem = if answer.body.is_empty() { json!({}) } else { answer.json::<Value>() };
    problem.as_object_mut().expect("a problem").remove("request_id");
    (answer.status.as_u16(), problem)
}

/// Our server configuration with what is in another place.
fn of_ours(world: &World, place: &Ids) -> Ids {
    let mut ids = place.clone();
    ids.insert("id", world.here["id"].clone());
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ids_of_others_are_answered_as_those_of_nobody_and_change_nothing() {
    let mut world = World::new().await;
    let (administrator, provider) = (world.administrator.clone(), world.provider.clone());
    let configuration = administrator.create_configuration("Beside").await;
    let place = Workplace { provider, administrator, configuration };
    let (mut beside, _) = ids(&world.app, &place).await;
    let (mut here, mut elsewhere) = (world.here.clone(), world.elsewhere.clone());
    for (client, ids) in
        [(&place.administrator, &mut here), (&world.other, &mut elsewhere), (&place.administrator, &mut beside)]
    {
        add_upload_and_operation(&world, client, ids).await;
    }
    (world.here, world.elsewhere) = (here, elsewhere);
    let before = world.state_of(&[&world.here, &world.elsewhere, &beside]).await;

    // A path says nobody's id where it is told none.
    let (nobodys, ours) = (Ids::new(), of_ours(&world, &Ids::new()));
    let of_other_account = of_ours(&world, &world.elsewhere);
    let of_other_configuration = of_ours(&world, &beside);
    let named = |id: &str| world.here.keys().map(|name| (*name, id.to_owned())).collect::<Ids>();
    let (no_uuid, not_utf8) = (named("no-id"), named("%ff%00"));
    let mut compared = 0;
    for operation in world.all_operations().filter(Operation::has_ids) {
        // To the provider's own part no account comes, whatever is there: it too must not say what is.
        let expected = if operation.template.starts_with("/api/v1/provider") { 403 } else { 404 };
        let ask = async |ids: &Ids| {
            let answer = place.administrator.send(operation.request(&world.document, &place.administrator, ids)).await;
            said(&answer)
        };
        let nobodys = ask(&nobodys).await;
        assert_eq!(nobodys.0, expected, "{}: {nobodys:?}", operation.name());
        assert!(operation.method == Method::HEAD || nobodys.1["type"].is_string(), "{nobodys:?}");
        let inside = operation.template.contains("/{id}/") && operation.template.matches('{').count() > 1;
        let mut places = vec![("another account's", &world.elsewhere)];
        if expected == 404 {
            places.extend([("no UUIDs", &no_uuid), ("not even UTF-8", &not_utf8)]);
        }
        if inside {
            places.push(("nobody's in our configuration", &ours));
            places.push(("another account's in our configuration", &of_other_account));
            places.push(("another configuration's in ours", &of_other_configuration));
        }
        if expected == 403 {
            places.push(("our account's", &world.here));
        }
        for (whose, ids) in places {
            compared += 1;
            assert_eq!(ask(ids).await, nobodys, "{} with ids that are {whose}", operation.name());
        }
    }
    println!("FIGURE {compared} answers compared");
    assert!(compared > 200, "{compared}: is the document read rightly?");
    let after = world.state_of(&[&world.here, &world.elsewhere, &beside]).await;
    let changed: BTreeMap<_, _> = after.iter().filter(|(name, value)| before.get(*name) != Some(*value)).collect();
    assert!(changed.is_empty() && after.len() == before.len(), "changed: {changed:?}");
}
