//! Mail: what is written down to be sent, and what becomes of it when the mail server is away. `e2e/mail` sends it.

use super::{change, user};
use crate::support::{PASSWORD, TestApp, client::Client, secret_of};
use backend::{config::MailSettings, service, state::AppState, store};
use chrono::TimeDelta;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use shared::{
    Problem,
    inquiry::InquiryThread,
    user::{InvitationLink, PasswordResetLink},
};
use std::time::Duration;
use uuid::Uuid;

/// A service that has a mail server which is not there, and leaves every mail where a test finds it.
pub async fn service() -> TestApp {
    TestApp::start_where(|settings| {
        settings.role = Some(backend::config::Role::Http);
        settings.mail = Some(MailSettings {
            // The discard port: nobody listens.
            smtp_url: "smtp://127.0.0.1:9".to_owned(),
            from: "Stoplist <stoplist@example.com>".to_owned(),
            public_url: "https://stoplist.example.com/".to_owned(),
        });
    })
    .await
}

fn state(app: &TestApp) -> &AppState {
    &app.running.state
}

/// The mails that wait, oldest first: id, recipient, and text with its subject before it.
async fn waiting(app: &TestApp) -> Vec<(Uuid, String, String)> {
    let connection = state(app).db.connection();
    let statement = store::statement(connection, "SELECT id, recipient, sealed FROM mails ORDER BY id", []);
    let rows = connection.query_all_raw(statement).await.expect("mails");
    let mail = |row: &sea_orm::QueryResult| {
        let sealed: String = row.try_get("", "sealed").expect("a text");
        let content = state(app).keys.unseal("mail", &sealed).expect("sealed by this service");
        let content: Value = serde_json::from_str(&content).expect("JSON");
        let text = format!("{}\n{}", content["subject"].as_str().unwrap(), content["text"].as_str().unwrap());
        (row.try_get("", "id").expect("an id"), row.try_get("", "recipient").expect("a recipient"), text)
    };
    rows.iter().map(mail).collect()
}

async fn recipients(app: &TestApp) -> Vec<String> {
    waiting(app).await.into_iter().map(|(_, recipient, _)| recipient).collect()
}

/// Forgets the mails until now.
async fn forget(app: &TestApp) {
    state(app).db.connection().execute_unprepared("DELETE FROM mails").await.expect("no mails");
}

async fn ask_for_link(app: &TestApp, email: &str) {
    app.anonymous().post("/api/v1/password-resets", &json!({ "email": email })).await.expect(202);
}

/// Waits until so many mails wait: who asks for a link is answered before it is made.
async fn wait_for(app: &TestApp, count: usize) -> Vec<(Uuid, String, String)> {
    for _ in 0..200 {
        let mails = waiting(app).await;
        if mails.len() >= count {
            return mails;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{count} mails")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_is_invited_gets_the_link() {
    let app = service().await;
    let place = app.workplace().await;
    forget(&app).await;
    let body = json!({ "email": "new@first.example", "role": "viewer" });
    let invited: InvitationLink = place.administrator.post("/api/v1/invitations", &body).await.expect(201).json();
    let mails = waiting(&app).await;
    assert_eq!(mails.len(), 1);
    let (_, recipient, text) = &mails[0];
    assert_eq!(recipient, "new@first.example");
    // Whoever invites neither learns who signs in elsewhere, nor takes an address that is not theirs.
    assert_eq!(invited.link, None);
    let link = app.mailed_link().await;
    assert!(text.contains(&format!("\nhttps://stoplist.example.com{link}\n")), "{text}");
    assert!(text.contains("administrator@first.example") && text.contains("招待"), "{text}");
    // A link in a mail is as secret as the mail: a copy of the database does not have it.
    let connection = state(&app).db.connection();
    let all = store::statement(connection, "SELECT sealed FROM mails", []);
    let sealed: String = connection.query_one_raw(all).await.unwrap().unwrap().try_get("", "sealed").unwrap();
    assert!(!sealed.contains(&secret_of(&link)));

    let renew = format!("/api/v1/invitations/{}/renew", invited.invitation.id);
    let renewed: InvitationLink = place.administrator.post(&renew, &json!({})).await.expect(200).json();
    assert_eq!(renewed.link, None);
    assert_ne!(app.mailed_link().await, link);
    let accepted = json!({ "secret": secret_of(&app.mailed_link().await), "password": PASSWORD });
    app.anonymous().post("/api/v1/invitations/accept", &accepted).await.expect(201);
    // What was not done is not told.
    place.administrator.post("/api/v1/invitations", &body).await.expect(409);
    assert_eq!(waiting(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_password_gets_a_link_and_nobody_hears_who_is_a_user() {
    let app = service().await;
    let place = app.workplace().await;
    app.member(&place.administrator, "gone@first.example", "viewer").await;
    let gone = user(&place.administrator, "gone@first.example").await;
    change(&place.administrator, &gone, json!({ "active": false })).await.expect(200);
    forget(&app).await;

    for email in ["nobody@example.com", "gone@first.example", "Administrator@FIRST.example"] {
        ask_for_link(&app, email).await;
    }
    let mails = wait_for(&app, 1).await;
    assert_eq!(mails[0].1, "administrator@first.example", "as the user spells it");
    let link = |text: &str| {
        let line = text.lines().find(|line| line.contains("/password-reset#")).expect("a link");
        line.strip_prefix("https://stoplist.example.com").expect("to the console").to_owned()
    };
    let first = link(&mails[0].2);

    // Again at once: no further mail. Later: another link, and both work until one of them was used.
    ask_for_link(&app, "administrator@first.example").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(recipients(&app).await.len(), 1);
    let preview = |link: &str| json!({ "secret": secret_of(link) });
    app.anonymous().post("/api/v1/password-resets/preview", &preview(&first)).await.expect(200);
    app.clock.set(app.clock.now() + TimeDelta::minutes(6));
    ask_for_link(&app, "administrator@first.example").await;
    let second = link(&wait_for(&app, 2).await[1].2);
    for link in [&first, &second] {
        app.anonymous().post("/api/v1/password-resets/preview", &preview(link)).await.expect(200);
    }
    let complete = json!({ "secret": secret_of(&second), "password": "another long password" });
    app.anonymous().post("/api/v1/password-resets/complete", &complete).await.expect(204);
    app.anonymous().post("/api/v1/password-resets/preview", &preview(&first)).await.expect(404);
    let sign_in = json!({ "email": "administrator@first.example", "password": "another long password" });
    app.anonymous().post("/api/v1/sessions", &sign_in).await.expect(201);
    let told = waiting(&app).await.pop().expect("a mail");
    assert!(told.1 == "administrator@first.example" && told.2.starts_with("Your password was changed"), "{told:?}");

    for wrong in [json!({ "email": "no address" }), json!({ "email": "" }), json!({})] {
        app.anonymous().post("/api/v1/password-resets", &wrong).await.expect_problem(422, "/email");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_asks_takes_no_link_away() {
    let app = service().await;
    let place = app.workplace().await;
    let viewer = app.member(&place.administrator, "viewer@first.example", "viewer").await;
    let id = user(&place.administrator, "viewer@first.example").await.id;
    let make = format!("/api/v1/users/{id}/password-reset");
    let made: PasswordResetLink = place.administrator.post(&make, &json!({})).await.expect(201).json();
    forget(&app).await;
    ask_for_link(&app, "viewer@first.example").await;
    wait_for(&app, 1).await;
    let complete = json!({ "secret": secret_of(&made.link), "password": "another long password" });
    app.anonymous().post("/api/v1/password-resets/complete", &complete).await.expect(204);
    viewer.get("/api/v1/me").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_asked_for_works_for_an_hour() {
    let app = service().await;
    app.workplace().await;
    forget(&app).await;
    ask_for_link(&app, "administrator@first.example").await;
    let (_, _, text) = wait_for(&app, 1).await.remove(0);
    let (_, secret) = text.lines().find_map(|line| line.split_once("/password-reset#")).expect("a link");
    let preview = json!({ "secret": secret });
    app.clock.set(app.clock.now() + TimeDelta::minutes(59));
    app.anonymous().post("/api/v1/password-resets/preview", &preview).await.expect(200);
    app.clock.set(app.clock.now() + TimeDelta::minutes(1));
    app.anonymous().post("/api/v1/password-resets/preview", &preview).await.expect(410);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_mail_says_so_and_works() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let body = json!({ "email": "administrator@first.example" });
    let problem: Problem = app.anonymous().post("/api/v1/password-resets", &body).await.expect(409).json();
    assert!(problem.detail.contains("ask an administrator"), "{problem:?}");
    let invited = json!({ "email": "new@first.example", "role": "viewer" });
    place.administrator.post("/api/v1/invitations", &invited).await.expect(201);
    assert!(recipients(&app).await.is_empty());
}

async fn inquire(client: &Client) -> InquiryThread {
    let body = json!({ "category": "other", "subject": "Hours", "text": "When are you there?\nThank you." });
    client.post("/api/v1/inquiries", &body).await.expect(201).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_of_an_inquiry_hears_of_the_other() {
    let app = service().await;
    let place = app.workplace().await;
    app.member(&place.provider, "second@provider.example", "provider").await;
    let viewer = app.member(&place.administrator, "viewer@first.example", "viewer").await;
    forget(&app).await;
    let thread = inquire(&viewer).await;
    assert_eq!(recipients(&app).await, ["provider@example.com", "second@provider.example"]);
    let text = waiting(&app).await.remove(0).2;
    assert!(text.starts_with("[Stoplist] Hours\nfirst wrote:") && text.contains("> When are you there?"), "{text}");
    assert!(text.contains(&format!("https://stoplist.example.com/provider/inquiries/{}", thread.inquiry.id)), "{text}");

    forget(&app).await;
    let path = format!("/api/v1/provider/inquiries/{}", thread.inquiry.id);
    place.provider.post(&format!("{path}/messages"), &json!({ "text": "At nine." })).await.expect(201);
    assert_eq!(recipients(&app).await, ["viewer@first.example"], "who asked, and nobody else of the account");
    // Whoever writes in the thread belongs to it.
    let own = format!("/api/v1/inquiries/{}/messages", thread.inquiry.id);
    place.administrator.post(&own, &json!({ "text": "And on Sundays?" })).await.expect(201);
    forget(&app).await;
    place.provider.post(&format!("{path}/enable-downloads"), &json!({})).await.expect(200);
    assert_eq!(recipients(&app).await, ["administrator@first.example", "viewer@first.example"]);
    let text = waiting(&app).await.remove(0).2;
    assert!(text.contains("> Downloads are enabled for your account."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_away_is_tried_again_for_a_day() {
    let app = service().await;
    let place = app.workplace().await;
    forget(&app).await;
    inquire(&place.administrator).await;
    let id = waiting(&app).await[0].0;
    let due = async || store::mails::due(state(&app).db.connection(), app.clock.now()).await.expect("mails");
    assert_eq!(due().await, [id]);
    service::mails::perform(state(&app), id).await.expect("a failure is no error of the job");
    assert_eq!(due().await, Vec::<Uuid>::new(), "not at once again");
    service::mails::perform(state(&app), id).await.expect("rung too early");
    app.clock.set(app.clock.now() + TimeDelta::seconds(30));
    assert_eq!(due().await, [id]);
    service::mails::perform(state(&app), id).await.expect("the second attempt");
    app.clock.set(app.clock.now() + TimeDelta::seconds(30));
    assert_eq!(due().await, Vec::<Uuid>::new(), "the pause grows");
    app.clock.set(app.clock.now() + TimeDelta::days(1));
    service::mails::perform(state(&app), id).await.expect("the last attempt");
    assert!(waiting(&app).await.is_empty(), "given up, and said so in the log");
}
