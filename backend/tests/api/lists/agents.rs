//! Snapshots, changes, acknowledgements, waiting.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_error_becomes_a_block_that_agents_hold_until_its_release() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    assert!(agent.sync(0).await, "an empty list");
    assert_eq!((agent.version(), agent.keys.len()), (0, 0));

    scene.errors("Dead@Example.com", "unknown_user", 1).await;
    scene.errors("slow@example.com", "resend_timeout", 2).await;
    let (run, distribution) = scene.run_now().await;
    assert_eq!(json!(run.blocked), json!([{ "reason": "unknown_user", "count": 1 }]));
    assert_eq!((distribution.version, distribution.added, distribution.removed), (Some(1), 1, 0));

    assert!(agent.sync(0).await);
    assert_eq!(agent.version(), 1);
    assert!(agent.holds("dead@example.com"));
    assert!(!agent.holds("slow@example.com"));
    assert_eq!(scene.blocked("in_effect").await, ["Dead@Example.com"]);

    let result = scene.release(&["DEAD@example.com", "slow@example.com", "no address"]).await;
    let statuses: Vec<Value> = result.items.iter().map(|item| json!(item.status)).collect();
    assert_eq!(statuses, [json!("released"), json!("not_blocked"), json!("not_valid")]);
    assert_eq!(scene.blocked("releasing").await, ["Dead@Example.com"]);
    assert!(agent.sync(0).await);
    assert_eq!((agent.version(), agent.keys.len()), (2, 0));
    assert!(scene.blocked("releasing").await.is_empty(), "every agent that ever held a list has let go");

    let exemptions: Value = scene.get("/exemptions").await;
    assert_eq!(exemptions["items"][0]["address"], "Dead@Example.com");
    assert_eq!(exemptions["items"][0]["comment"], "asked by the customer");
    scene.errors("dead@example.com", "unknown_user", 5).await;
    let (run, _) = scene.run_now().await;
    assert!(run.blocked.is_empty(), "exempt addresses are never blocked");
}
