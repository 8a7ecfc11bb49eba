//! Inquiries: what the users of an account ask, and what the provider answers.

use crate::support::{
    TestApp, Workplace,
    client::{Client, Response},
};
use chrono::TimeDelta;
use futures::{StreamExt, future::join_all};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{
    Page, Problem, RefusalCode,
    account::Account,
    inquiry::{Inquiry, InquiryCategory, InquirySide, InquiryState, InquiryThread},
    session::Me,
};
use std::time::Duration;
use uuid::Uuid;

const PATH: &str = "/api/v1/inquiries";
const ALL: &str = "/api/v1/provider/inquiries";
/// Longer than anything asynchronous may take here.
const PATIENCE: Duration = Duration::from_secs(20);

async fn ask(client: &Client, category: &str, subject: &str) -> InquiryThread {
    let body = json!({ "category": category, "subject": subject, "text": "Please." });
    client.post(PATH, &body).await.expect(201).json()
}

async fn write(client: &Client, of: &str, id: Uuid, text: &str) -> InquiryThread {
    client.post(&format!("{of}/{id}/messages"), &json!({ "text": text })).await.expect(201).json()
}

async fn list(client: &Client, path: &str) -> Vec<Inquiry> {
    client.get(path).await.expect(200).json::<Page<Inquiry>>().items
}

async fn show(client: &Client, of: &str, id: Uuid) -> InquiryThread {
    client.get(&format!("{of}/{id}")).await.expect(200).json()
}

async fn mark_read(client: &Client, of: &str, id: Uuid, until: u32) -> Inquiry {
    client.post(&format!("{of}/{id}/read"), &json!({ "until": until })).await.expect(200).json()
}

/// What a problem says, without what differs from request to request.
fn said(answer: &Response) -> Problem {
    Problem { request_id: None, ..answer.json() }
}

/// What the audit log of an account says about inquiries and features, oldest first.
async fn audited(app: &TestApp, account: Uuid) -> Vec<String> {
    let connection = app.running.state.db.connection();
    let sql = "SELECT action, actor_name, before_value, after_value FROM audit_log WHERE account_id = $1 \
               AND (action LIKE 'inquiry.%' OR action = 'account.update') ORDER BY id";
    let statement = backend::store::statement(connection, sql, [account.into()]);
    let rows = connection.query_all_raw(statement).await.expect("the audit log");
    let text = |row: &sea_orm::QueryResult, name: &str| -> String {
        row.try_get::<Option<String>>("", name).expect("a text").unwrap_or_default()
    };
    let line = |row: &sea_orm::QueryResult| {
        ["action", "actor_name", "before_value", "after_value"].map(|name| text(row, name)).join(" ")
    };
    rows.iter().map(line).collect()
}

async fn account_id(client: &Client) -> Uuid {
    client.get("/api/v1/me").await.expect(200).json::<Me>().account_id.expect("an account")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_asks_the_provider_answers_and_each_side_has_its_own_unread_mark() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { provider, administrator, .. } = app.workplace().await;
    let viewer = app.member(&administrator, "viewer@first.example", "viewer").await;
    let made = ask(&viewer, "release", "  Is taro@example.com blocked?  ").await;
    let id = made.inquiry.id;
    assert_eq!(made.inquiry.subject, "Is taro@example.com blocked?");
    assert_eq!((made.inquiry.category, made.inquiry.state), (InquiryCategory::Release, InquiryState::Open));
    assert_eq!((made.inquiry.unread, made.inquiry.messages, made.inquiry.account), (false, 1, None));
    assert_eq!(made.messages.len(), 1);
    assert_eq!(
        (made.messages[0].side, made.messages[0].author.as_str()),
        (InquirySide::Account, "viewer@first.example")
    );

    let inbox = list(&provider, ALL).await;
    assert_eq!(inbox.len(), 1);
    let account = inbox[0].account.clone().expect("whose");
    assert_eq!((account.name.as_str(), account.downloads_enabled, inbox[0].unread), ("first", false, true));
    // Looking does not mark as read.
    assert!(show(&provider, ALL, id).await.inquiry.unread);
    assert!(!mark_read(&provider, ALL, id, 1).await.unread);

    app.clock.set(app.clock.now() + TimeDelta::minutes(1));
    let answered = write(&provider, ALL, id, "It was, and is released.").await;
    assert_eq!((answered.inquiry.state, answered.inquiry.unread), (InquiryState::Answered, false));
    assert_eq!(answered.messages[1].side, InquirySide::Provider);
    // All users of the account have one mark.
    assert!(list(&administrator, PATH).await[0].unread);
    // Between its reading and its marking another answer came: that stays unread.
    let seen = show(&viewer, PATH, id).await;
    write(&provider, ALL, id, "Once more.").await;
    assert!(mark_read(&viewer, PATH, id, seen.inquiry.messages).await.unread);
    assert!(!mark_read(&viewer, PATH, id, 3).await.unread);
    // It moves neither back nor beyond what is there.
    assert!(!mark_read(&viewer, PATH, id, 1).await.unread);
    assert!(!mark_read(&viewer, PATH, id, 200).await.unread);
    write(&provider, ALL, id, "And again.").await;
    assert!(list(&viewer, PATH).await[0].unread);

    let closed: Inquiry = viewer.post(&format!("{PATH}/{id}/close"), &json!({})).await.expect(200).json();
    assert_eq!(closed.state, InquiryState::Closed);
    let again: Inquiry = provider.post(&format!("{ALL}/{id}/close"), &json!({})).await.expect(200).json();
    assert_eq!(again.state, InquiryState::Closed);
    let opened = write(&viewer, PATH, id, "It came again.").await;
    assert_eq!((opened.inquiry.state, opened.inquiry.messages), (InquiryState::Open, 5));
    assert!(list(&provider, ALL).await[0].unread);

    let lines = audited(&app, account.id).await;
    let acts: Vec<_> = lines.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        acts,
        [
            "inquiry.create viewer@first.example",
            "inquiry.answer provider@example.com",
            "inquiry.answer provider@example.com",
            "inquiry.answer provider@example.com",
            "inquiry.close viewer@first.example",
            "inquiry.write viewer@first.example",
        ]
    );
    assert!(!lines.concat().contains("Once more"), "the log does not repeat what was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn enabling_downloads_answers_once_and_a_second_click_changes_nothing() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let (provider, administrator) = (&place.provider, &place.administrator);
    let account = account_id(administrator).await;
    let csv = place.path("/delivery-events.csv");
    administrator.get(&csv).await.expect(403);
    let id = ask(administrator, "enable_download", "Downloads").await.inquiry.id;
    let enable = format!("{ALL}/{id}/enable-downloads");

    // Two clicks at the same time, and another one later.
    let nothing = json!({});
    let (first, second) = tokio::join!(provider.post(&enable, &nothing), provider.post(&enable, &nothing));
    let first: InquiryThread = first.expect(200).json();
    let second: InquiryThread = second.expect(200).json();
    let third: InquiryThread = provider.post(&enable, &json!({ "text": "Again!" })).await.expect(200).json();
    assert_eq!((&first, &second), (&third, &third));
    assert_eq!((first.inquiry.state, first.messages.len()), (InquiryState::Answered, 2));
    assert!(first.messages[1].enabled_downloads && !first.messages[0].enabled_downloads);
    assert_eq!(first.messages[1].text, "", "nobody wrote any: the console says it in the reader's language");
    assert!(first.inquiry.account.as_ref().is_some_and(|account| account.downloads_enabled));
    administrator.get(&csv).await.expect(200);
    assert!(list(administrator, PATH).await[0].unread);
    let lines = audited(&app, account).await;
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines[1].starts_with("account.update provider@example.com") && lines[1].contains("\"downloads_enabled\":false")
    );
    assert!(lines[2].starts_with("inquiry.answer provider@example.com"));

    // Another inquiry about the same is answered, and the account stays as it is.
    let read: Account = provider.get(&format!("/api/v1/provider/accounts/{account}")).await.expect(200).json();
    let other = ask(administrator, "enable_download", "Downloads?").await.inquiry.id;
    let path = format!("{ALL}/{other}/enable-downloads");
    let answered: InquiryThread = provider.post(&path, &json!({ "text": "They are." })).await.expect(200).json();
    assert_eq!(answered.messages[1].text, "They are.");
    let after: Account = provider.get(&format!("/api/v1/provider/accounts/{account}")).await.expect(200).json();
    assert_eq!(after, read);

    // Disabled in the meantime, it can be done again.
    let request = provider.request(Method::PATCH, &format!("/api/v1/provider/accounts/{account}"));
    let request = request.header("If-Match", format!("\"{}\"", read.revision));
    provider.send(request.json(&json!({ "downloads_enabled": false }))).await.expect(200);
    administrator.get(&csv).await.expect(403);
    let again: InquiryThread = provider.post(&enable, &json!({})).await.expect(200).json();
    assert_eq!(again.messages.len(), 3);
    administrator.get(&csv).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_when_downloads_cannot_be_enabled() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let id = ask(&place.administrator, "enable_download", "Downloads").await.inquiry.id;
    let enable = format!("{ALL}/{id}/enable-downloads");
    place.provider.post(&enable, &json!({ "text": "  " })).await.expect_problem(422, "/text");
    place.administrator.post(&enable, &json!({})).await.expect(403);
    // The answer fails: its number is taken, as a full thread would have it.
    let connection = app.running.state.db.connection();
    connection.execute_unprepared("UPDATE inquiries SET messages = 200").await.expect("a full thread");
    place.provider.post(&enable, &json!({})).await.expect(409);
    let me: Me = place.administrator.get("/api/v1/me").await.expect(200).json();
    assert!(!me.downloads_enabled, "both or neither");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_of_another_account_is_as_one_that_is_not_there() {
    let app = TestApp::start_without_jobs().await;
    let provider = app.provider().await;
    let first = app.administrator(&provider, "first").await;
    let second = app.administrator(&provider, "second").await;
    let id = ask(&first, "other", "Ours").await.inquiry.id;
    let (theirs, none) = (format!("{PATH}/{id}"), format!("{PATH}/{}", Uuid::now_v7()));
    let missing = said(&second.get(&none).await.expect(404));
    assert_eq!(said(&second.get(&theirs).await.expect(404)), missing);
    for (act, body) in [("messages", json!({ "text": "Mine" })), ("read", json!({ "until": 1 })), ("close", json!({}))]
    {
        for path in [&theirs, &none] {
            assert_eq!(said(&second.post(&format!("{path}/{act}"), &body).await.expect(404)), missing);
        }
        provider.post(&format!("{ALL}/{}/{act}", Uuid::now_v7()), &body).await.expect(404);
    }
    assert_eq!(list(&second, PATH).await, []);
    assert_eq!(show(&first, PATH, id).await.messages.len(), 1);
    for path in [ALL.to_owned(), format!("{ALL}/{id}")] {
        first.get(&path).await.expect(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_read_inquiries_and_a_provider_inside_does_not_write_for_the_account() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { provider, administrator, .. } = app.workplace().await;
    let id = ask(&administrator, "other", "A question").await.inquiry.id;
    let token = json!({ "name": "script", "scopes": ["read", "lists", "manage"] });
    let token: Value = administrator.post("/api/v1/tokens", &token).await.expect(201).json();
    let script = app.client(token["secret"].as_str().map(str::to_owned));
    let account = account_id(&administrator).await;
    let entered = provider.post(&format!("/api/v1/provider/accounts/{account}/enter"), &json!({})).await.expect(200);
    let inside = app.client(entered.json::<Value>()["access_token"].as_str().map(str::to_owned));
    for reader in [&script, &inside] {
        assert_eq!(show(reader, PATH, id).await.messages.len(), 1);
        let asked = json!({ "category": "other", "subject": "S", "text": "T" });
        reader.post(PATH, &asked).await.expect(403);
        reader.post(&format!("{PATH}/{id}/messages"), &json!({ "text": "T" })).await.expect(403);
        reader.post(&format!("{PATH}/{id}/read"), &json!({ "until": 1 })).await.expect(403);
        reader.post(&format!("{PATH}/{id}/close"), &json!({})).await.expect(403);
    }
    // Inside, it still answers as the provider.
    write(&inside, ALL, id, "An answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_filters_and_pages() {
    let app = TestApp::start_without_jobs().await;
    let provider = app.provider().await;
    let first = app.administrator(&provider, "first").await;
    let second = app.administrator(&provider, "second").await;
    let mut made = Vec::new();
    for n in 0..5 {
        app.clock.set(app.clock.now() + TimeDelta::seconds(1));
        let (client, category) = if n < 3 { (&first, "other") } else { (&second, "release") };
        made.push(ask(client, category, &n.to_string()).await.inquiry.id);
    }
    app.clock.set(app.clock.now() + TimeDelta::seconds(1));
    write(&provider, ALL, made[0], "First of all").await;
    mark_read(&provider, ALL, made[1], 1).await;

    let subjects = async |client: &Client, path: String| -> Vec<String> {
        list(client, &path).await.into_iter().map(|inquiry| inquiry.subject).collect()
    };
    assert_eq!(subjects(&provider, ALL.to_owned()).await, ["0", "4", "3", "2", "1"], "last changed first");
    assert_eq!(subjects(&provider, format!("{ALL}?state=open&category=other")).await, ["2", "1"]);
    assert_eq!(subjects(&provider, format!("{ALL}?unread=false")).await, ["1"]);
    assert_eq!(subjects(&provider, format!("{ALL}?unread=true&category=other")).await, ["0", "2"]);
    let second_account = account_id(&second).await;
    assert_eq!(subjects(&provider, format!("{ALL}?account_id={second_account}")).await, ["4", "3"]);
    assert_eq!(subjects(&first, format!("{PATH}?unread=true")).await, ["0"]);
    assert_eq!(subjects(&first, format!("{PATH}?state=closed")).await, [""; 0]);
    first.get(&format!("{PATH}?account_id={second_account}")).await.expect_problem(422, "account_id");

    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page: Page<Inquiry> = provider.get(&format!("{ALL}?limit=2{cursor}")).await.expect(200).json();
        seen.extend(page.items.into_iter().map(|inquiry| inquiry.subject));
        let Some(next) = page.next_cursor else { break };
        // A cursor is of the list and the filters that made it.
        first.get(&format!("{PATH}?cursor={next}")).await.expect_problem(422, "cursor");
        provider.get(&format!("{ALL}?state=open&cursor={next}")).await.expect_problem(422, "cursor");
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["0", "4", "3", "2", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_valid_is_named_and_a_repetition_makes_one_inquiry() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    let asked = |subject: &str, text: &str| json!({ "category": "other", "subject": subject, "text": text });
    let long = |length: usize| "あ".repeat(length);
    for (body, pointer) in [
        (asked(" ", "T"), "/subject"),
        (asked("two\nlines", "T"), "/subject"),
        (asked(&long(201), "T"), "/subject"),
        (asked("S", "\n"), "/text"),
        (asked("S", &long(5_001)), "/text"),
        (json!({ "category": "complaint", "subject": "S", "text": "T" }), "/category"),
    ] {
        administrator.post(PATH, &body).await.expect_problem(422, pointer);
    }
    assert_eq!(list(&administrator, PATH).await, []);
    let body = asked(&long(200), &long(5_000));
    for _ in 0..2 {
        let request = administrator.request(Method::POST, PATH).header("Idempotency-Key", "once").json(&body);
        administrator.send(request).await.expect(201);
    }
    let id = list(&administrator, PATH).await[0].id;
    assert_eq!(list(&administrator, PATH).await.len(), 1);
    administrator.post(&format!("{PATH}/{id}/read"), &json!({ "until": 0 })).await.expect_problem(422, "/until");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_at_most_a_hundred_inquiries_that_are_not_closed() {
    let app = TestApp::start_without_jobs().await;
    let Workplace { administrator, .. } = app.workplace().await;
    for n in 0..99 {
        ask(&administrator, "other", &n.to_string()).await;
    }
    let one_more = json!({ "category": "other", "subject": "S", "text": "T" });
    let answers = join_all((0..8).map(|_| administrator.post(PATH, &one_more))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "also of those that come at once");
    let close = async || {
        let id = list(&administrator, &format!("{PATH}?state=open")).await[0].id;
        administrator.post(&format!("{PATH}/{id}/close"), &json!({})).await.expect(200);
        id
    };
    let closed = close().await;
    administrator.post(PATH, &one_more).await.expect(201);
    let (path, text) = (format!("{PATH}/{closed}/messages"), json!({ "text": "It came again." }));
    let refused: Problem = administrator.post(&path, &text).await.expect(409).json();
    assert_eq!(refused.code, Some(RefusalCode::TooMany), "it would be open again");
    close().await;
    administrator.post(&path, &text).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_hear_of_each_other_and_other_accounts_do_not() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let other = app.administrator(&place.provider, "second").await;
    let listen = async |client: &Client, path: &str| {
        let answer = client.request(Method::GET, path).send().await.expect("an answer");
        let mut pieces = answer.error_for_status().expect("a stream").bytes_stream();
        pieces.next().await.expect("a first piece").expect("bytes");
        pieces
    };
    let mut configuration = listen(&place.administrator, &place.path("/live")).await;
    let mut account = listen(&place.administrator, "/api/v1/live").await;
    let mut provider = listen(&place.provider, "/api/v1/provider/live").await;
    let others = listen(&other, "/api/v1/live").await;
    place.administrator.get("/api/v1/provider/live").await.expect(403);
    // That accounts were made and somebody signed in may be heard late.
    let of_inquiries = |piece: reqwest::Result<bytes::Bytes>| {
        let heard = String::from_utf8(piece.expect("bytes").to_vec()).expect("UTF-8");
        std::future::ready((!heard.contains("account_changed")).then_some(heard))
    };
    for act in ["asked", "answered"] {
        match act {
            "asked" => drop(ask(&place.administrator, "other", "A question").await),
            _ => drop(write(&place.provider, ALL, list(&place.provider, ALL).await[0].id, "An answer").await),
        }
        for pieces in [&mut configuration, &mut account, &mut provider] {
            let mut told = std::pin::pin!(pieces.by_ref().filter_map(of_inquiries));
            let heard = tokio::time::timeout(PATIENCE, told.next()).await.expect("an event").expect("an event");
            assert_eq!(heard, "event: inquiries_changed\ndata: {\"type\":\"inquiries_changed\"}\n\n", "{act}");
        }
    }
    let mut told = std::pin::pin!(others.filter_map(of_inquiries));
    let silence = tokio::time::timeout(Duration::from_millis(200), told.next()).await;
    assert!(silence.is_err(), "another account hears nothing");
}

/// On SQLite all who write wait for each other, whatever it is.
mod on_postgres {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_waits_for_what_belongs_to_others() {
        let app = TestApp::start_without_jobs().await;
        let place = app.workplace().await;
        let id = ask(&place.administrator, "other", "Hours").await.inquiry.id;
        let stranger = app.administrator(&place.provider, "stranger").await;
        let held = app.running.state.db.begin().await.expect("a transaction");
        backend::store::inquiries::lock(&held, None, id).await.expect("it is being written to");
        let path = format!("{PATH}/{id}/messages");
        let words = json!({ "text": "Mine?" });
        let asked = stranger.post(&path, &words);
        tokio::time::timeout(PATIENCE, asked).await.expect("an answer at once").expect(404);
    }
}
