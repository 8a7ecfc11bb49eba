//! The logs: search, order, pages, cursors.

use super::*;

#[actix_web::test]
async fn logs_are_searched_by_any_part_of_the_address_with_plain_wildcards() {
    let scene = Scene::new().await;
    let addresses = ["a%b@example.com", "a_b@example.com", r"a\b@example.com", "axb@example.com", "Ken@日本語.example"];
    let events: Vec<_> = addresses.iter().enumerate().map(|(n, a)| error(&n.to_string(), a, "unknown_user")).collect();
    assert_eq!(scene.report(&events).await.accepted, 5);
    assert_eq!(scene.found("q=%25").await, ["a%b@example.com"]);
    assert_eq!(scene.found("q=_").await, ["a_b@example.com"]);
    assert_eq!(scene.found("q=%5C").await, [r"a\b@example.com"]);
    assert_eq!(scene.found("q=A%25B").await, ["a%b@example.com"]);
    assert_eq!(scene.found("q=k&reason=unknown_user").await, ["Ken@日本語.example"]);
    assert_eq!(scene.found("q=%E6%9C%AC").await, ["Ken@日本語.example"]);
    assert_eq!(scene.found("q=XN--").await, ["Ken@日本語.example"]);
    assert_eq!(scene.found("domain=%E6%97%A5%E6%9C%AC%E8%AA%9E.example").await, ["Ken@日本語.example"]);
    assert_eq!(scene.found("q=b@EXAMPLE").await.len(), 4);
    assert_eq!(scene.found("domain=Example.com").await.len(), 4);
    assert_eq!(scene.found("domain=example").await.len(), 0);
    assert_eq!(scene.found("q=zz").await.len(), 0);
    assert_eq!(scene.found("q=+").await.len(), 5);
}

#[actix_web::test]
async fn logs_are_filtered_sorted_and_paged() {
    let scene = Scene::new().await;
    let mut events: Vec<_> = (0..7).map(|n| delivered(&format!("d{n}"), "hana@example.com", -n / 2)).collect();
    events.push(error("e", "taro@example.org", "unknown_host"));
    scene.report(&events).await;

    let mut seen = vec![];
    let mut cursor = String::new();
    loop {
        let page = scene.search(&format!("outcome=delivered&limit=3{cursor}")).await;
        seen.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|a, b| (a.occurred_at, a.id) > (b.occurred_at, b.id)), "{seen:?}");
    let mut ascending = scene.search("outcome=delivered&direction=ascending").await.items;
    ascending.reverse();
    assert_eq!(ascending, seen);

    assert_eq!(scene.found("reason=unknown_host").await, ["taro@example.org"]);
    assert_eq!(scene.found("reason=unknown_user").await.len(), 0);
    let time = |seconds| at(seconds).replace('+', "%2B");
    assert_eq!(scene.found(&format!("from={}", time(-1))).await.len(), 4, "from is included");
    assert_eq!(scene.found(&format!("to={}", time(-1))).await.len(), 4, "to is not");
    assert_eq!(scene.found(&format!("from={}&to={}", time(-61), time(-59))).await, ["taro@example.org"]);
}

#[actix_web::test]
async fn a_cursor_is_good_for_its_own_list_and_filters_only() {
    let scene = Scene::new().await;
    let events: Vec<_> = (0..5).map(|n| delivered(&n.to_string(), "hana@example.com", -n)).collect();
    scene.report(&events).await;
    let cursor = scene.search("limit=2").await.next_cursor.expect("a cursor");
    let administrator = &scene.workplace.administrator;
    assert_eq!(scene.search(&format!("limit=4&cursor={cursor}")).await.items.len(), 3, "the limit may change");
    for query in [
        format!("q=h&cursor={cursor}"),
        format!("direction=ascending&cursor={cursor}"),
        format!("outcome=delivered&cursor={cursor}"),
        format!("cursor={}", &cursor[1..]),
        format!("cursor={cursor}A"),
        "cursor=".to_owned(),
        "cursor=nonsense".to_owned(),
    ] {
        administrator.get(&format!("{}?{query}", scene.path())).await.expect_problem(422, "cursor");
    }
    let other = administrator.create_configuration("Other").await;
    let path = format!("/api/v1/server-configurations/{other}/delivery-events?cursor={cursor}");
    administrator.get(&path).await.expect_problem(422, "cursor");
    let path = scene.workplace.path(&format!("/exemptions?cursor={cursor}"));
    administrator.get(&path).await.expect_problem(422, "cursor");
}

#[actix_web::test]
async fn wrong_query_parameters_are_named() {
    let scene = Scene::new().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("reason=tired", "reason"),
        ("outcome=lost", "outcome"),
        ("direction=up", "direction"),
        ("from=yesterday", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("domain=", "domain"),
        ("domain=a%00b", "domain"),
        ("surprise=1", "surprise"),
    ] {
        let path = format!("{}?{query}", scene.path());
        scene.workplace.administrator.get(&path).await.expect_problem(422, field);
    }
}
