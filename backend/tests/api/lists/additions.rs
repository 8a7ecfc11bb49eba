//! Small additions: up to 1,000 addresses without a file.

use super::*;
use shared::list::{AdditionResult, AdditionStatus};

async fn add(scene: &Scene, body: Value) -> Vec<AdditionStatus> {
    let answer = scene.admin().post(&scene.place.path("/blocked-addresses"), &body).await.expect(200);
    answer.json::<AdditionResult>().items.into_iter().map(|item| item.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_of_an_addition_has_its_result() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    scene.unknown_users(&["blocked@example.com".to_owned(), "exempt@example.com".to_owned()]).await;
    scene.run_now().await;
    scene.release(&["exempt@example.com"]).await;
    let addresses =
        json!(["New@Example.com", "new@example.com", "blocked@example.com", "EXEMPT@example.com", "nothing"]);
    let body = json!({ "addresses": addresses, "comment": "asked by the customer" });
    use AdditionStatus::{Added, AlreadyBlocked, Exempt, NotValid};
    assert_eq!(add(&scene, body.clone()).await, [Added, AlreadyBlocked, AlreadyBlocked, Exempt, NotValid]);
    assert_eq!(scene.blocked("pending").await, ["New@Example.com"]);
    assert_eq!(add(&scene, body).await, [AlreadyBlocked, AlreadyBlocked, AlreadyBlocked, Exempt, NotValid]);
    agent.sync(0).await;
    assert!(!agent.holds("new@example.com"), "pending until the next distribution");
    let (_, distribution) = scene.run_now().await;
    assert_eq!(distribution.added, 1);
    agent.sync(0).await;
    assert!(agent.holds("new@example.com"));
    let page: Page<BlockedAddress> = scene.get("/blocked-addresses?origin=api").await;
    assert_eq!((page.items.len(), json!(page.items[0].reason)), (1, json!("registered")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_may_block_exempt_addresses_and_ends_their_exemption() {
    let scene = Scene::start().await;
    scene.unknown_users(&["exempt@example.com".to_owned()]).await;
    scene.run_now().await;
    scene.release(&["exempt@example.com"]).await;
    let body = json!({ "addresses": ["exempt@example.com"], "block_exempt": true });
    assert_eq!(add(&scene, body).await, [AdditionStatus::Added]);
    let exemptions: Value = scene.get("/exemptions").await;
    assert_eq!(exemptions["items"], json!([]));
    let (_, distribution) = scene.run_now().await;
    assert_eq!((distribution.added, distribution.count), (1, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addition_that_is_not_valid_changes_nothing() {
    let scene = Scene::start().await;
    let path = scene.place.path("/blocked-addresses");
    let many: Vec<String> = (0..1_001).map(|n| format!("a{n}@example.com")).collect();
    for (body, pointer) in [
        (json!({ "addresses": [] }), "/addresses"),
        (json!({ "addresses": many }), "/addresses"),
        (json!({ "addresses": [1] }), "/addresses/0"),
        (json!({ "addresses": ["a@example.com"], "comment": "x".repeat(501) }), "/comment"),
        (json!({ "addresses": ["a@example.com"], "reason": "unknown_user" }), "/reason"),
    ] {
        scene.admin().post(&path, &body).await.expect_problem(422, pointer);
    }
    assert!(scene.blocked("pending").await.is_empty());
    // Repeated with its key it is carried out once.
    let body = json!({ "addresses": ["a@example.com"] });
    let post = async || {
        let request = scene.admin().request(Method::POST, &path).header("Idempotency-Key", "k1");
        scene.admin().send(request.json(&body)).await.expect(200).json::<AdditionResult>()
    };
    assert_eq!(post().await, post().await);
}
