//! What is refused: batches, items, callers.

use super::*;

#[actix_web::test]
async fn a_batch_has_at_most_10_000_items_and_8_mib() {
    let scene = Scene::new().await;
    let mut batch: Vec<_> = (0..10_001).map(|n| delivered(&n.to_string(), &format!("u{n}@example.com"), -n)).collect();
    scene.script.post(&scene.path(), &batch).await.expect(413);
    let ndjson = "{}\n".repeat(10_001);
    let request = scene.script.request(Method::POST, &scene.path());
    let request = request.header(CONTENT_TYPE, "application/x-ndjson").body(ndjson);
    scene.script.send(request).await.expect(413);
    assert_eq!(scene.search("").await.items.len(), 0);

    let mut huge = error("huge", "taro@example.com", "unknown_user");
    huge["reply"] = "x".repeat(9 * 1024 * 1024).into();
    scene.script.post(&scene.path(), &[huge]).await.expect(413);

    batch.pop();
    let result = scene.report(&batch).await;
    assert_eq!(result.accepted, 10_000);
    let total = scene.search("limit=1").await.total.expect("a total");
    assert_eq!((total.count, total.more), (10_000, false));
    scene.report(&[delivered("one more", "u@example.com", 0)]).await;
    let total = scene.search("limit=1").await.total.expect("a total");
    assert_eq!((total.count, total.more), (10_000, true));
}

#[actix_web::test]
async fn a_broken_line_does_not_cost_the_others() {
    let scene = Scene::new().await;
    let good = |id: &str| error(id, "taro@example.com", "unknown_user").to_string();
    let body =
        format!("{}\r\n\n{{\"id\":\"broken\", \n17\n\"text\"\n{} trailing\n{}\n", good("1"), good("2"), good("3"));
    let result = scene.report_ndjson(body).await;
    use ItemStatus::{Accepted, Rejected};
    assert_eq!(statuses(&result), [Accepted, Rejected, Rejected, Rejected, Rejected, Accepted]);
    assert!(result.items.iter().all(|item| item.detail.is_some() == (item.status == Rejected)), "{result:?}");
    assert_eq!(scene.tally("taro@example.com", Reason::UnknownUser).await, Some(2));
}

#[actix_web::test]
async fn a_wrong_item_names_its_field_and_does_not_cost_the_others() {
    let scene = Scene::new().await;
    let with = |field: &str, value: Value| {
        let mut event = error("wrong", "taro@example.com", "unknown_user");
        event[field] = value;
        event
    };
    let mut without_id = error("x", "taro@example.com", "unknown_user");
    without_id.as_object_mut().expect("an object").remove("id");
    let wrong = [
        ("id", without_id),
        ("id", with("id", json!(""))),
        ("id", with("id", json!("x".repeat(129)))),
        ("id", with("id", json!("a\u{0}b"))),
        ("surprise", with("surprise", json!(1))),
        ("outcome", with("outcome", json!("lost"))),
        ("outcome", with("outcome", json!("delivered"))),
        ("reason", with("reason", json!("tired"))),
        ("reason", with("reason", json!("registered"))),
        ("smtp_code", with("smtp_code", json!(99))),
        ("smtp_code", with("smtp_code", json!("550"))),
        ("status", with("status", json!("5.1.1 and much more"))),
        ("status", with("status", json!("5\u{0}1"))),
        ("reply", with("reply", json!(["no"]))),
        ("address", with("address", json!("no address"))),
        ("address", with("address", json!("ta\u{0}ro@example.com"))),
        ("address", with("address", json!(format!("{}@example.com", "x".repeat(250))))),
        ("occurred_at", with("occurred_at", json!("yesterday"))),
        ("occurred_at", with("occurred_at", json!(at(86_400 + 1)))),
        ("occurred_at", with("occurred_at", json!("1970-01-01T00:00:00Z"))),
        ("occurred_at", with("occurred_at", json!("+262142-12-31T00:00:00Z"))),
        ("invalid type", json!(null)),
        ("invalid type", json!("text")),
    ];
    let mut batch: Vec<Value> = wrong.iter().map(|(_, event)| event.clone()).collect();
    batch.push(error("good", "taro@example.com", "unknown_user"));
    batch.push(with("occurred_at", json!(at(86_400))));
    let result = scene.report(&batch).await;
    assert_eq!((result.accepted, result.rejected), (2, u32::try_from(wrong.len()).expect("few")));
    for ((field, event), item) in wrong.iter().zip(&result.items) {
        let detail = item.detail.as_deref().unwrap_or_else(|| panic!("accepted: {event}"));
        assert!(detail.contains(field), "{event}: {detail}");
    }
    assert_eq!(result.items[3].id.as_deref(), Some("a\u{0}b"));
    assert_eq!(scene.tally("taro@example.com", Reason::UnknownUser).await, Some(2));
}

#[actix_web::test]
async fn a_body_that_is_no_batch_is_refused_whole() {
    let scene = Scene::new().await;
    scene.script.post(&scene.path(), &error("1", "taro@example.com", "unknown_user")).await.expect(400);
    for (media_type, body, status) in [
        ("application/json", "[{", 400),
        ("application/json", "[] []", 400),
        ("application/json", "", 400),
        ("text/plain", "[]", 415),
        ("application/x-www-form-urlencoded", "a=b", 415),
    ] {
        let request = scene.script.request(Method::POST, &scene.path()).header(CONTENT_TYPE, media_type).body(body);
        scene.script.send(request).await.expect(status);
    }
    assert_eq!(scene.report(&[]).await.items, []);
    assert_eq!(scene.report_ndjson("\n\n".to_owned()).await.items, []);
}

#[actix_web::test]
async fn only_those_who_may_report_and_read() {
    let scene = Scene::new().await;
    let Scene { app, workplace, script } = &scene;
    let batch = [error("1", "taro@example.com", "unknown_user")];
    let path = scene.path();

    app.anonymous().post(&path, &batch).await.expect(401);
    app.anonymous().get(&path).await.expect(401);
    let reader = token(app, &workplace.administrator, "read").await;
    reader.post(&path, &batch).await.expect(403);
    reader.get(&path).await.expect(200);
    script.get(&path).await.expect(403);

    let stranger = app.administrator(&workplace.provider, "second").await;
    stranger.get(&path).await.expect(404);
    token(app, &stranger, "events").await.post(&path, &batch).await.expect(404);
    let elsewhere = workplace.administrator.create_configuration("Other").await;
    let (agent, mail_server) = workplace.mail_server(app, "mx1").await;
    let other = format!("/api/v1/server-configurations/{elsewhere}/delivery-events");
    agent.post(&other, &batch).await.expect(404);
    assert_eq!(scene.search("").await.items.len(), 0, "nothing was stored");

    let result: BatchResult = agent.post(&path, &batch).await.expect(200).json();
    assert_eq!(result.accepted, 1);
    assert_eq!(scene.search("").await.items[0].mail_server_id, Some(mail_server));
    let result: BatchResult =
        workplace.administrator.post(&path, &[delivered("2", "b@c.d", 0)]).await.expect(200).json();
    assert_eq!(result.accepted, 1);
}
