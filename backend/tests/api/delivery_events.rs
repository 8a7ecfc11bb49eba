//! Delivery events: reported in batches, counted once, and searched.

use crate::support::{TestApp, Workplace, client::Client, start_of_test};
use chrono::TimeDelta;
use reqwest::{Method, header::CONTENT_TYPE};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{
    Page, Reason,
    delivery_event::{BatchResult, DeliveryEvent, ItemStatus, Outcome},
    list::{BlockedAddress, ReleaseResult, ReleaseStatus},
    run::{Run, RunState},
    session::ApiTokenSecret,
};
use std::collections::BTreeMap;

/// A service, an account and a script that may report events.
struct Scene {
    app: TestApp,
    workplace: Workplace,
    script: Client,
}

impl Scene {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let workplace = app.workplace().await;
        let script = token(&app, &workplace.administrator, "events").await;
        Self { app, workplace, script }
    }

    fn path(&self) -> String {
        self.workplace.path("/delivery-events")
    }

    async fn report(&self, events: &[Value]) -> BatchResult {
        self.script.post(&self.path(), &events).await.expect(200).json()
    }

    async fn report_ndjson(&self, body: String) -> BatchResult {
        let request = self.script.request(Method::POST, &self.path());
        let request = request.header(CONTENT_TYPE, "application/x-ndjson").body(body);
        self.script.send(request).await.expect(200).json()
    }

    async fn search(&self, query: &str) -> Page<DeliveryEvent> {
        self.workplace.administrator.get(&format!("{}?{query}", self.path())).await.expect(200).json()
    }

    async fn found(&self, query: &str) -> Vec<String> {
        self.search(query).await.items.into_iter().map(|event| event.address).collect()
    }

    /// The counts of every address and reason.
    async fn tallies(&self) -> BTreeMap<(String, String), i64> {
        let connection = self.app.running.state.db.connection();
        let sql = "SELECT address_key, reason, count FROM error_tallies WHERE server_configuration_id = $1";
        let statement = backend::store::statement(connection, sql, [self.workplace.configuration.into()]);
        let rows = connection.query_all_raw(statement).await.expect("tallies");
        let text = |row: &sea_orm::QueryResult, column| row.try_get::<String>("", column).expect("a text");
        rows.iter()
            .map(|row| ((text(row, "address_key"), text(row, "reason")), row.try_get("", "count").expect("a number")))
            .collect()
    }

    async fn tally(&self, address: &str, reason: Reason) -> Option<i64> {
        self.tallies().await.get(&(address.to_owned(), reason.to_string())).copied()
    }
}

async fn token(app: &TestApp, administrator: &Client, scope: &str) -> Client {
    let body = json!({ "name": format!("{scope} script"), "scopes": [scope] });
    let secret = administrator.post("/api/v1/tokens", &body).await.expect(201).json::<ApiTokenSecret>();
    app.client(Some(secret.secret))
}

fn error(id: &str, address: &str, reason: &str) -> Value {
    json!({
        "id": id, "address": address, "outcome": "error", "reason": reason,
        "smtp_code": 550, "status": "5.1.1", "reply": "no such user", "occurred_at": at(-60),
    })
}

fn delivered(id: &str, address: &str, seconds: i64) -> Value {
    json!({ "id": id, "address": address, "outcome": "delivered", "occurred_at": at(seconds) })
}

/// Seconds from the test's present.
fn at(seconds: i64) -> String {
    (start_of_test() + TimeDelta::seconds(seconds)).to_rfc3339()
}

fn statuses(result: &BatchResult) -> Vec<ItemStatus> {
    result.items.iter().map(|item| item.status).collect()
}

#[actix_web::test]
async fn an_event_is_stored_and_counted_once_however_often_it_is_sent() {
    let scene = Scene::new().await;
    let batch = [
        error("1", "Taro@Example.COM", "unknown_user"),
        error("2", "taro@example.com", "unknown_user"),
        error("2", "taro@example.com", "unknown_user"),
        error("3", "taro@example.com", "other"),
        error("4", "taro@example.com", "blocked_address"),
        delivered("5", "hana@example.com", -60),
    ];
    let first = scene.report(&batch).await;
    use ItemStatus::{Accepted, Duplicate};
    assert_eq!(statuses(&first), [Accepted, Accepted, Duplicate, Accepted, Accepted, Accepted]);
    assert_eq!((first.accepted, first.duplicates, first.rejected), (5, 1, 0));
    assert_eq!(first.items[2].index, 2);
    assert_eq!(first.items[2].id.as_deref(), Some("2"));

    let again = scene.report(&batch).await;
    assert_eq!((again.accepted, again.duplicates), (0, 6));
    let expected = ("taro@example.com".to_owned(), "unknown_user".to_owned());
    assert_eq!(scene.tallies().await, BTreeMap::from([(expected, 2)]), "only reasons that count have a tally");

    let log = scene.search("outcome=error&direction=ascending").await;
    assert_eq!(log.total.map(|total| (total.count, total.more)), Some((4, false)));
    let event = &log.items[0];
    assert_eq!((event.event_id.as_str(), event.address.as_str()), ("1", "Taro@Example.COM"));
    assert_eq!((event.outcome, event.reason), (Outcome::Error, Some(Reason::UnknownUser)));
    assert_eq!((event.smtp_code, event.status.as_deref()), (Some(550), Some("5.1.1")));
    assert_eq!(event.reply.as_deref(), Some("no such user"));
    assert_eq!(event.received_at, start_of_test());
    assert_eq!(event.occurred_at, start_of_test() - TimeDelta::seconds(60));
    assert_eq!(scene.search("").await.items.len(), 5);
}

#[actix_web::test]
async fn the_same_id_in_another_configuration_is_another_event() {
    let scene = Scene::new().await;
    let other = scene.workplace.administrator.create_configuration("Other").await;
    let batch = [error("1", "taro@example.com", "unknown_user")];
    assert_eq!(scene.report(&batch).await.accepted, 1);
    let path = format!("/api/v1/server-configurations/{other}/delivery-events");
    let result: BatchResult = scene.script.post(&path, &batch).await.expect(200).json();
    assert_eq!(result.accepted, 1);
    assert_eq!(scene.tally("taro@example.com", Reason::UnknownUser).await, Some(1));
}

#[actix_web::test]
async fn batches_sent_at_the_same_time_count_once() {
    let scene = Scene::new().await;
    let batch: Vec<_> =
        (0..300).map(|n| error(&format!("e{n}"), &format!("u{}@example.com", n % 30), "unknown_user")).collect();
    let mut reversed = batch.clone();
    reversed.reverse();
    let sends = (0..8).map(|n| scene.report(if n % 2 == 0 { &batch } else { &reversed }));
    let results = futures::future::join_all(sends).await;
    assert_eq!(results.iter().map(|result| result.accepted).sum::<u32>(), 300);
    assert_eq!(results.iter().map(|result| result.duplicates).sum::<u32>(), 7 * 300);
    let tallies = scene.tallies().await;
    assert_eq!(tallies.len(), 30);
    assert!(tallies.values().all(|count| *count == 10), "{tallies:?}");
}

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
async fn a_missing_reason_is_found_in_the_reply() {
    let scene = Scene::new().await;
    let reply = |id: &str, code: u16, status: &str, reply: &str| {
        json!({
            "id": id, "address": format!("{id}@example.com"), "outcome": "error", "smtp_code": code, "status": status,
            "reply": reply, "occurred_at": at(0),
        })
    };
    scene
        .report(&[
            reply("user", 550, "5.1.1", "5.1.1 <user@example.com>: Recipient address rejected: User unknown"),
            reply("full", 552, "5.2.2", "5.2.2 Mailbox full"),
            json!({ "id": "none", "address": "none@example.com", "outcome": "error", "occurred_at": at(0) }),
        ])
        .await;
    let reasons: BTreeMap<_, _> =
        scene.search("").await.items.into_iter().map(|event| (event.event_id, event.reason)).collect();
    assert_eq!(reasons["user"], Some(Reason::UnknownUser));
    assert_eq!(reasons["full"], Some(Reason::ReceptionRejected));
    assert_eq!(reasons["none"], Some(Reason::Other), "when in doubt the recipient is not punished");
    assert_eq!(scene.tally("user@example.com", Reason::UnknownUser).await, Some(1));
    assert_eq!(scene.tallies().await.len(), 2);
}

#[actix_web::test]
async fn a_malformed_address_is_kept_when_that_is_the_error() {
    let scene = Scene::new().await;
    let result = scene
        .report(&[
            error("1", "Foo", "address_format"),
            error("2", "foo@", "address_format"),
            error("3", "abc..def@docomo.ne.jp", "unknown_user"),
            error("4", "Foo", "unknown_user"),
        ])
        .await;
    assert_eq!((result.accepted, result.rejected), (3, 1));
    assert_eq!(scene.tally("foo", Reason::AddressFormat).await, Some(1));
    assert_eq!(scene.found("q=fo&direction=ascending").await, ["Foo", "foo@"]);
}

#[actix_web::test]
async fn a_malformed_address_is_blocked_and_released_like_any_other() {
    let scene = Scene::new().await;
    scene.report(&[error("1", "Foo", "address_format")]).await;
    let administrator = &scene.workplace.administrator;
    let run: Run = administrator.post(&scene.workplace.path("/runs"), &json!({})).await.expect(202).json();
    let path = scene.workplace.path(&format!("/runs/{}", run.id));
    while administrator.get(&path).await.expect(200).json::<Run>().state != RunState::Done {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let path = scene.workplace.path("/blocked-addresses");
    let blocked: Page<BlockedAddress> = administrator.get(&path).await.expect(200).json();
    assert_eq!(blocked.items.iter().map(|block| block.address.as_str()).collect::<Vec<_>>(), ["Foo"]);

    let body = json!({ "addresses": ["FOO", "bar", "taro@example.com", " "] });
    let path = scene.workplace.path("/releases");
    let result: ReleaseResult = administrator.post(&path, &body).await.expect(200).json();
    use ReleaseStatus::{NotBlocked, NotValid, Released};
    let statuses: Vec<_> = result.items.iter().map(|item| item.status).collect();
    assert_eq!(statuses, [Released, NotValid, NotBlocked, NotValid]);
}

#[actix_web::test]
async fn long_replies_are_cut_and_nul_does_no_harm() {
    let scene = Scene::new().await;
    let mut long = error("1", "taro@example.com", "unknown_user");
    long["reply"] = "\u{1F4EE}\u{0}".repeat(600).into();
    scene.report(&[long]).await;
    let reply = scene.search("").await.items.remove(0).reply.expect("a reply");
    assert_eq!(reply.chars().count(), 1_000);
    assert!(reply.starts_with("\u{1F4EE}\u{FFFD}\u{1F4EE}"), "{reply}");
}

#[actix_web::test]
async fn a_delivery_resets_the_count_only_where_that_is_chosen() {
    let scene = Scene::new().await;
    let tally = async || scene.tally("taro@example.com", Reason::ReceptionRejected).await;
    let late = |id: &str, seconds: i64| {
        let mut event = error(id, "taro@example.com", "reception_rejected");
        event["occurred_at"] = at(seconds).into();
        event
    };
    scene.report(&[late("1", -50), delivered("2", "taro@example.com", -40)]).await;
    assert_eq!(tally().await, Some(1));

    let connection = scene.app.running.state.db.connection();
    let sql = "UPDATE server_configurations SET success_resets_count = TRUE WHERE id = $1";
    let statement = backend::store::statement(connection, sql, [scene.workplace.configuration.into()]);
    connection.execute_raw(statement).await.expect("the option is on");

    scene.report(&[delivered("3", "taro@example.com", -60)]).await;
    assert_eq!(tally().await, Some(1), "the error is newer than the delivery");
    scene.report(&[delivered("4", "TARO@example.com", -30), delivered("5", "hana@example.com", -30)]).await;
    assert_eq!(tally().await, Some(0));
    scene.report(&[late("6", -20), delivered("7", "taro@example.com", -15), late("8", -10), late("9", -5)]).await;
    assert_eq!(tally().await, Some(2), "in the order in which they happened");
    scene.report(&[delivered("7", "taro@example.com", -1)]).await;
    assert_eq!(tally().await, Some(2), "a duplicate changes nothing");
}

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
    assert_eq!(scene.found("q=%00").await.len(), 0);
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
