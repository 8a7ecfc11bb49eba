//! Searching the blocked list and the stop cancellation list.

use super::*;
use shared::list::Exemption;

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_filters_find_every_row_once() {
    let scene = Scene::start().await;
    let mut agent = ModelAgent::new(&scene, "mx1").await;
    let mut addresses: Vec<String> = (0..23).map(|n| format!("user{n:02}@example.com")).collect();
    addresses.extend(["per%cent@other.example".to_owned(), "Under_score@other.example".to_owned()]);
    scene.unknown_users(&addresses).await;
    scene.run_now().await;
    agent.sync(0).await;
    scene.release(&["user03@example.com", "user07@example.com"]).await;
    for (sort, direction) in
        [("date", "descending"), ("date", "ascending"), ("address", "ascending"), ("address", "descending")]
    {
        let query = format!("/blocked-addresses?sort={sort}&direction={direction}&limit=4");
        let mut found: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Page<BlockedAddress> = scene.get(&format!("{query}{cursor}")).await;
            assert_eq!(page.total.map(|total| total.count), Some(25));
            found.extend(page.items.into_iter().map(|block| block.address));
            let Some(next) = page.next_cursor else { break };
            cursor = format!("&cursor={next}");
        }
        if sort == "address" {
            let ordered = found.windows(2).all(|two| {
                let order = two[0].to_lowercase().cmp(&two[1].to_lowercase());
                order.is_lt() == (direction == "ascending")
            });
            assert!(ordered, "{found:?}");
        }
        found.sort();
        let mut all = addresses.clone();
        all.sort();
        assert_eq!(found, all, "{query}");
    }
    for (query, expected) in [
        ("q=%25", vec!["per%cent@other.example"]),
        ("q=_", vec!["Under_score@other.example"]),
        ("q=SER1&limit=500&domain=example.com", (10..20).map(|n| addresses[n].as_str()).collect()),
        ("q=R_SC", vec!["Under_score@other.example"]),
        ("state=releasing", vec!["user03@example.com", "user07@example.com"]),
        ("state=pending", vec![]),
        ("state=in_effect&q=per", vec!["per%cent@other.example"]),
        ("reason=unknown_host", vec![]),
        ("reason=unknown_user&q=per", vec!["per%cent@other.example"]),
        ("origin=upload", vec![]),
        ("origin=condition&q=per", vec!["per%cent@other.example"]),
        // Blocked at noon, to the millisecond.
        ("from=2026-11-24T12:00:00.001Z", vec![]),
        ("from=2026-11-24T12:00:00Z&q=per", vec!["per%cent@other.example"]),
        ("to=2026-11-24T12:00:00Z", vec![]),
        ("to=2026-11-24T12:00:00.001Z&q=per", vec!["per%cent@other.example"]),
    ] {
        let page: Page<BlockedAddress> =
            scene.get(&format!("/blocked-addresses?{query}&sort=address&direction=ascending")).await;
        let found: Vec<String> = page.items.into_iter().map(|block| block.address).collect();
        assert_eq!(found, expected, "{query}");
    }
    let released = || vec!["user03@example.com", "user07@example.com"];
    for (query, expected) in [
        ("q=SER0", released()),
        ("q=user1", vec![]),
        ("reason=unknown_user", released()),
        ("reason=unknown_host", vec![]),
        ("domain=EXAMPLE.com", released()),
        ("domain=other.example", vec![]),
        // Released at noon, too.
        ("from=2026-11-24T12:00:00Z", released()),
        ("from=2026-11-24T12:00:00.001Z", vec![]),
        ("to=2026-11-24T12:00:00.001Z", released()),
        ("to=2026-11-24T12:00:00Z", vec![]),
    ] {
        let page: Page<Exemption> = scene.get(&format!("/exemptions?{query}&sort=address&direction=ascending")).await;
        let found: Vec<String> = page.items.into_iter().map(|entry| entry.address).collect();
        assert_eq!(found, expected, "{query}");
    }
    let page: Value = scene.get("/exemptions?q=user0&sort=address&direction=ascending&limit=1").await;
    assert_eq!((&page["items"][0]["address"], &page["total"]["count"]), (&json!("user03@example.com"), &json!(2)));
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let page: Value =
        scene.get(&format!("/exemptions?q=user0&sort=address&direction=ascending&limit=1&cursor={cursor}")).await;
    assert_eq!(page["items"][0]["address"], "user07@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_works_only_in_its_own_list() {
    let scene = Scene::start().await;
    scene.unknown_users(&["a@example.com".to_owned(), "b@example.com".to_owned()]).await;
    scene.run_now().await;
    scene.run_now().await;
    let page: Page<BlockedAddress> = scene.get("/blocked-addresses?limit=1").await;
    let cursor = page.next_cursor.expect("a second page");
    let runs: Page<Run> = scene.get("/runs?limit=1").await;
    let runs_cursor = runs.next_cursor.expect("a second page");
    let other = scene.admin().create_configuration("Other").await;
    for path in [
        scene.place.path(&format!("/runs?cursor={cursor}")),
        scene.place.path(&format!("/distributions?cursor={runs_cursor}")),
        scene.place.path(&format!("/exemptions?cursor={cursor}")),
        scene.place.path(&format!("/blocked-addresses?cursor={cursor}&sort=address")),
        scene.place.path(&format!("/blocked-addresses?cursor={cursor}&q=a")),
        scene.place.path("/blocked-addresses?cursor=x"),
        format!("/api/v1/server-configurations/{other}/blocked-addresses?cursor={cursor}"),
    ] {
        scene.admin().get(&path).await.expect_problem(422, "cursor");
    }
    let next: Page<Run> = scene.get(&format!("/runs?limit=1&cursor={runs_cursor}")).await;
    assert_eq!(next.items.len(), 1);
    scene.admin().get(&scene.place.path("/blocked-addresses?limit=0")).await.expect_problem(422, "limit");
    scene.admin().get(&scene.place.path("/blocked-addresses?reason=x")).await.expect_problem(422, "reason");
}
