//! Errors, blocks and releases day by day.

use crate::lists::Scene;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{
    Problem, Reason,
    delivery_report::{DeliveryReport, DeliveryReportDay},
    mail_server::ServerConfiguration,
    run::ReasonCount,
};

fn event(id: &str, address: &str, reason: Option<&str>, at: DateTime<Utc>) -> Value {
    let outcome = if reason.is_some() { "error" } else { "delivered" };
    let mut event = json!({ "id": id, "address": address, "outcome": outcome, "occurred_at": at });
    if let Some(reason) = reason {
        event["reason"] = json!(reason);
    }
    event
}

fn day<'a>(report: &'a DeliveryReport, day: &str) -> &'a DeliveryReportDay {
    let day: NaiveDate = day.parse().expect("a day");
    report.days.iter().find(|one| one.day == day).expect("a day of the report")
}

fn count(reason: Reason, count: i64) -> ReasonCount {
    ReasonCount { reason, count }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_those_of_the_time_zone_also_when_clocks_change() {
    let mut scene = Scene::start_without_jobs().await;
    let body = json!({ "name": "Prague", "time_zone": "Europe/Prague" });
    let made = scene.admin().post("/api/v1/server-configurations", &body).await.expect(201);
    scene.place.configuration = made.json::<ServerConfiguration>().id;
    // On 2026-10-25, three o'clock comes twice: the day has 25 hours.
    let times = [
        ("2026-10-24T21:59:59.999Z", "2026-10-24"),
        ("2026-10-24T22:00:00Z", "2026-10-25"),
        ("2026-10-25T22:59:59.999Z", "2026-10-25"),
        ("2026-10-25T23:00:00Z", "2026-10-26"),
        ("2026-11-24T11:59:00Z", "2026-11-24"),
    ];
    let events: Vec<Value> = times
        .iter()
        .map(|(at, _)| event(at, "a@one.example", Some("unknown_user"), at.parse().expect("a time")))
        .collect();
    scene.report(&events).await;
    let report: DeliveryReport = scene.get("/delivery-report?days=90").await;
    assert_eq!((report.time_zone.as_str(), report.days.len()), ("Europe/Prague", 90));
    for (at, of) in times {
        let errors = times.iter().filter(|(_, other)| *other == of).count();
        assert_eq!(day(&report, of).errors, [count(Reason::UnknownUser, errors as i64)], "{at}");
    }
    assert_eq!(day(&report, "2026-10-25").begins_at, "2026-10-24T22:00:00Z".parse::<DateTime<Utc>>().expect("a time"));
    assert_eq!(report.days[89].day, "2026-11-24".parse().expect("a day"), "the last one is today");
    assert!(report.days.windows(2).all(|pair| pair[1].day == pair[0].day.succ_opt().expect("a day")));
    assert_eq!(report.domains[0].errors, 5);
    let month: DeliveryReport = scene.get("/delivery-report").await;
    assert_eq!((month.days.len(), month.domains[0].errors), (30, 2), "from 2026-10-26");
    let week: DeliveryReport = scene.get("/delivery-report?days=7").await;
    assert_eq!((week.days.len(), week.domains[0].errors), (7, 1));
    for wrong in ["0", "8", "91", "-7"] {
        let path = scene.place.path(&format!("/delivery-report?days={wrong}"));
        let problem: Problem = scene.admin().get(&path).await.expect(422).json();
        assert_eq!(problem.errors[0].pointer, "days", "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_counted_once_by_reason_and_domain() {
    let scene = Scene::start_without_jobs().await;
    let now = scene.app.clock.now();
    let yesterday = now - TimeDelta::days(1);
    let mut events: Vec<Value> = (0..12)
        .flat_map(|n| {
            (0..=n)
                .map(move |k| event(&format!("{n}-{k}"), &format!("a{k}@d{n:02}.example"), Some("unknown_user"), now))
        })
        .collect();
    events.push(event("host", "a@d11.example", Some("unknown_host"), now));
    events.push(event("late", "a@d11.example", Some("unknown_host"), yesterday));
    events.push(event("fine", "b@d11.example", None, now));
    events.push(event("old", "b@d11.example", None, yesterday));
    // A mail server whose clock is ahead: not today.
    events.push(event("ahead", "a@d11.example", Some("other"), now + TimeDelta::hours(13)));
    for n in 0..50 {
        // Refused by our own list: no error of the domain.
        events.push(event(&format!("own{n}"), &format!("o{n}@own.example"), Some("blocked_address"), now));
    }
    let (agent, _) = scene.place.mail_server(&scene.app, "mx1").await;
    for outcome in ["accepted", "duplicates"] {
        let answer = agent.post(&scene.place.path("/delivery-events"), &events).await.expect(200);
        assert_eq!(answer.json::<Value>()[outcome], events.len(), "{outcome}");
    }
    let report: DeliveryReport = scene.get("/delivery-report?days=7").await;
    let [.., before, today] = report.days.as_slice() else { panic!("{report:?}") };
    let of_today = [count(Reason::UnknownHost, 1), count(Reason::UnknownUser, 78), count(Reason::BlockedAddress, 50)];
    assert_eq!((today.delivered, today.errors.as_slice()), (1, of_today.as_slice()));
    assert_eq!((before.delivered, before.errors.as_slice()), (1, [count(Reason::UnknownHost, 1)].as_slice()));
    let worst: Vec<_> = report.domains.iter().map(|domain| (domain.domain.as_str(), domain.errors)).collect();
    assert_eq!(
        (worst.len(), worst[0], worst[1], worst[9]),
        (10, ("d11.example", 14), ("d10.example", 11), ("d02.example", 3))
    );
}

/// Few errors a day at many domains: a domain that had more than those on one day only is not the worst.
#[tokio::test(flavor = "multi_thread")]
async fn the_worst_domains_are_the_worst_of_all_days_together() {
    let scene = Scene::start_without_jobs().await;
    let (today, yesterday) = (scene.app.clock.now(), scene.app.clock.now() - TimeDelta::days(1));
    let (agent, _) = scene.place.mail_server(&scene.app, "mx1").await;
    let report = async |name: &str, each: i64, domains: std::ops::Range<i64>, at: DateTime<Utc>| {
        let one = |n: i64, domain: i64| {
            event(
                &format!("{name}{domain}-{n} {at}"),
                &format!("a{n}@{name}{domain}.example"),
                Some("unknown_user"),
                at,
            )
        };
        let events: Vec<Value> =
            domains.flat_map(|domain| (0..each).map(move |n| (n, domain))).map(|(n, domain)| one(n, domain)).collect();
        agent.post(&scene.place.path("/delivery-events"), &events).await.expect(200);
    };
    let worst = async || {
        let report: DeliveryReport = scene.get("/delivery-report?days=7").await;
        report.domains.into_iter().map(|domain| (domain.domain, domain.errors)).collect::<Vec<_>>()
    };
    // Of 1,200 errors on two days, three a day are few.
    report("even", 3, 0..200, today).await;
    report("even", 3, 0..200, yesterday).await;
    assert_eq!(worst().await.len(), 10, "nobody had more");
    report("once", 5, 0..11, today).await;
    assert!(worst().await.iter().all(|(domain, errors)| domain.starts_with("even") && *errors == 6));
    report("bad", 9, 0..10, today).await;
    assert!(worst().await.iter().all(|(domain, errors)| domain.starts_with("bad") && *errors == 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_releases_add_up_to_the_list_of_each_day() {
    let scene = Scene::start_without_jobs().await;
    let days = |n: i64| scene.app.clock.set(scene.app.clock.now() + TimeDelta::days(n));
    scene.change_settings(|body| body["watch_period_days"] = json!(3)).await.expect(200);
    for n in 0..5 {
        scene.errors(&format!("a{n}@one.example"), "unknown_user", 1).await;
    }
    scene.run_by_hand().await;
    days(1);
    scene.release(&["a0@one.example", "a1@one.example"]).await;
    scene.errors("b@one.example", "unknown_user", 1).await;
    scene.run_by_hand().await;
    scene
        .admin()
        .post(&scene.place.path("/blocked-addresses"), &json!({ "addresses": ["c@one.example"] }))
        .await
        .expect(200);
    days(2);
    scene.run_by_hand().await;
    days(1);
    let report: DeliveryReport = scene.get("/delivery-report?days=7").await;
    let told: Vec<_> =
        report.days.iter().map(|day| (day.blocked, day.released, day.cancelled, day.list_count)).collect();
    let expected = [(0, 0, 0, 0), (0, 0, 0, 0), (5, 0, 0, 5), (1, 2, 0, 4), (0, 0, 0, 4), (1, 0, 3, 2), (0, 0, 0, 2)];
    assert_eq!(told, expected);
    let configuration: ServerConfiguration = scene.get("").await;
    assert_eq!(configuration.list_count, 2);
    // A report that begins in the middle knows what was there before.
    days(4);
    let report: DeliveryReport = scene.get("/delivery-report?days=7").await;
    assert_eq!((report.days[0].list_count, report.days[0].blocked), (4, 0));
    assert_eq!((report.days[1].cancelled, report.days[6].list_count), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_outlive_their_events_and_go_when_no_report_shows_them() {
    let scene = Scene::start_without_jobs().await;
    let state = &scene.app.running.state;
    scene.errors("a@one.example", "unknown_user", 1).await;
    let begun = scene.app.clock.now();
    scene.app.clock.set(begun + TimeDelta::days(89));
    keep_events_for_a_month(&scene).await;
    let report: DeliveryReport = scene.get("/delivery-report?days=90").await;
    assert_eq!(
        (report.days[0].errors.as_slice(), report.domains.len()),
        ([count(Reason::UnknownUser, 1)].as_slice(), 1)
    );
    for (days, left) in [(91, 1), (93, 0)] {
        scene.app.clock.set(begun + TimeDelta::days(days));
        backend::service::retention::remove_old(state).await.expect("old rows removed");
        for table in ["event_tallies", "domain_tallies"] {
            let sql = format!("SELECT COUNT(*) AS n FROM {table}");
            let statement = sea_orm::Statement::from_string(state.db.connection().get_database_backend(), sql);
            let row = state.db.connection().query_one_raw(statement).await.expect("an answer").expect("a row");
            assert_eq!(row.try_get::<i64>("", "n").expect("a number"), left, "{table} after {days} days");
        }
    }
}

/// The account keeps events for 30 days, and those that are older go.
async fn keep_events_for_a_month(scene: &Scene) {
    let state = &scene.app.running.state;
    let sql = "UPDATE accounts SET event_retention_days = 30".to_owned();
    let statement = sea_orm::Statement::from_string(state.db.connection().get_database_backend(), sql);
    state.db.connection().execute_raw(statement).await.expect("changed");
    backend::service::retention::remove_old(state).await.expect("old rows removed");
    let log: Value = scene.get("/delivery-events").await;
    assert_eq!(log["items"], json!([]));
}
