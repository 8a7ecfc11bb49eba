//! Events that are older than the account keeps them.

use super::*;
use backend::service::retention::remove_old;
use shared::account::Account;
use std::time::{Duration, Instant};

const DAY: i64 = 86_400;

/// Sets for how many days the account keeps events.
async fn keep(scene: &Scene, days: u16) {
    let provider = &scene.workplace.provider;
    let account = provider.get("/api/v1/provider/accounts").await.json::<Page<Account>>().items.remove(0);
    let path = format!("/api/v1/provider/accounts/{}", account.id);
    let request = provider.request(Method::PATCH, &path).header("If-Match", format!("\"{}\"", account.revision));
    provider.send(request.json(&json!({ "event_retention_days": days }))).await.expect(200);
}

fn error_at(id: &str, seconds: i64) -> Value {
    error_of("taro@example.com", id, seconds)
}

fn error_of(address: &str, id: &str, seconds: i64) -> Value {
    let mut event = error(id, address, "unknown_user");
    event["occurred_at"] = at(seconds).into();
    event
}

/// Reports events one by one; how long the slowest took.
async fn reporting(scene: &Scene) -> Duration {
    let mut slowest = Duration::ZERO;
    for n in 0..5 {
        let begun = Instant::now();
        assert_eq!(scene.report(&[error_at(&format!("meanwhile{n}"), -DAY)]).await.accepted, 1);
        slowest = slowest.max(begun.elapsed());
    }
    slowest
}

/// How many counts of the delivery report a table has, day by day.
async fn counts_by_day(scene: &Scene, table: &str) -> Vec<i64> {
    let connection = scene.app.running.state.db.connection();
    let sql = format!(
        "SELECT COUNT(*) AS n FROM {table} WHERE server_configuration_id = $1 GROUP BY begins_at ORDER BY begins_at"
    );
    let statement = backend::store::statement(connection, sql, [scene.workplace.configuration.into()]);
    let rows = connection.query_all_raw(statement).await.expect("counts");
    rows.iter().map(|row| row.try_get("", "n").expect("a number")).collect()
}

#[actix_web::test]
async fn old_events_go_and_what_they_counted_stays() {
    let scene = Scene::new().await;
    let state = &scene.app.running.state;
    keep(&scene, 90).await;
    // More than two steps of the removal.
    let old: Vec<_> = (0..4_500).map(|n| error_at(&format!("old{n}"), -60 * DAY - n)).collect();
    let new: Vec<_> = (0..10).map(|n| error_at(&format!("new{n}"), -29 * DAY - n)).collect();
    assert_eq!(scene.report(&old).await.accepted, 4_500);
    assert_eq!(scene.report(&new).await.accepted, 10);
    remove_old(state).await.expect("nothing to do");
    scene.run().await;
    let blocked = scene.workplace.path("/blocked-addresses");
    let blocked = async || {
        let page: Page<BlockedAddress> = scene.workplace.administrator.get(&blocked).await.expect(200).json();
        page.items.into_iter().map(|block| block.address).collect::<Vec<_>>()
    };
    assert_eq!(blocked().await, ["taro@example.com"]);
    assert_eq!(scene.search("direction=ascending&limit=1").await.total.expect("a total").count, 4_510);

    keep(&scene, 30).await;
    let (one, other, slowest) = futures::join!(remove_old(state), remove_old(state), reporting(&scene));
    one.and(other).expect("both do their part");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}: it waited for all of the removal");
    remove_old(state).await.expect("the rest");
    assert!(scene.app.unused_pages().await < 50, "the room is given back");
    assert_eq!(scene.search("").await.total.expect("a total").count, 15);
    assert_eq!(scene.tally("taro@example.com", Reason::UnknownUser).await, Some(4_515));
    assert_eq!(blocked().await, ["taro@example.com"], "what the events led to stays");

    // Their ids are forgotten: sent again they are refused and not counted, even when more is kept later.
    for days in [30, 90] {
        keep(&scene, days).await;
        let result = scene.report(&[old[0].clone(), new[0].clone(), error_at(&format!("{days}"), -DAY)]).await;
        assert_eq!(statuses(&result), [ItemStatus::Rejected, ItemStatus::Duplicate, ItemStatus::Accepted]);
        let detail = result.items[0].detail.as_deref().expect("a detail");
        assert_eq!(detail, "occurred_at: is before 2026-10-25T12:00:00Z, and older events are no longer kept");
    }
    assert_eq!(scene.tally("taro@example.com", Reason::UnknownUser).await, Some(4_517));
}

#[actix_web::test]
async fn counts_that_no_report_shows_go_and_those_that_block_stay() {
    let scene = Scene::new().await;
    let state = &scene.app.running.state;
    keep(&scene, 200).await;
    // Of more domains than two steps of the removal take.
    let mut errors: Vec<_> =
        (0..4_500).map(|n| error_of(&format!("hana@d{n}.example"), &format!("old{n}"), -100 * DAY)).collect();
    errors.push(error_at("new", -90 * DAY));
    assert_eq!(scene.report(&errors).await.accepted, 4_501);
    assert_eq!(counts_by_day(&scene, "domain_tallies").await, [4_500, 1]);
    assert_eq!(counts_by_day(&scene, "event_tallies").await, [1, 1]);

    let (one, other, slowest) = futures::join!(remove_old(state), remove_old(state), reporting(&scene));
    one.and(other).expect("both do their part");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}: it waited for all of the removal");
    remove_old(state).await.expect("the rest");
    for table in ["domain_tallies", "event_tallies"] {
        assert_eq!(counts_by_day(&scene, table).await, [1, 1], "{table}: the day that a report shows, and meanwhile");
    }
    assert_eq!(scene.tallies().await.len(), 4_501);
    assert_eq!(scene.tally("hana@d0.example", Reason::UnknownUser).await, Some(1));
    assert_eq!(scene.search("").await.total.expect("a total").count, 4_506);
}

#[actix_web::test]
async fn each_account_keeps_events_for_its_own_time() {
    let scene = Scene::new().await;
    let Scene { app, workplace, .. } = &scene;
    let stranger = app.administrator(&workplace.provider, "second").await;
    let other = stranger.create_configuration("Other").await;
    let path = format!("/api/v1/server-configurations/{other}/delivery-events");
    stranger.post(&path, &json!([error_at("1", -10 * DAY)])).await.expect(200);
    scene.report(&[error_at("1", -10 * DAY)]).await;
    keep(&scene, 5).await;
    remove_old(&app.running.state).await.expect("a removal");
    assert_eq!(scene.search("").await.items.len(), 0);
    assert_eq!(stranger.get(&path).await.expect(200).json::<Page<DeliveryEvent>>().items.len(), 1);
}
