//! What is stored and counted.

use super::*;

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
    scene.run().await;
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
