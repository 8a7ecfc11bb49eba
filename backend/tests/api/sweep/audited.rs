//! Every operation that changes something says so in the audit log: a story in which each of them succeeds.

use super::world::{Ids, METHODS, operations};
use crate::{
    people::{mails, second_factors::App, user},
    support::{
        PASSWORD, TestApp,
        client::{Client, Response},
        secret_of,
    },
};
use backend::service::{list_operations, runs, uploads};
use chrono::TimeDelta;
use reqwest::RequestBuilder;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// What is not written, and why not.
const UNWRITTEN: &[(&str, &str)] = &[
    ("acknowledge_list", "agents say all the time what they hold; the distribution keeps it"),
    ("append_to_upload", "the bytes of an upload whose beginning is written"),
    ("create_audit_log_link", "the download is written, when the link is followed"),
    ("create_download_link", "the download is written, when the link is followed"),
    ("create_export_link", "the export is written, when the link is followed"),
    ("mark_inquiry_read", "reading changes nothing"),
    ("mark_provider_inquiry_read", "reading changes nothing"),
    ("preview_invitation", "reading changes nothing"),
    ("preview_password_reset", "reading changes nothing"),
    ("preview_execute_timing", "reading changes nothing"),
    ("preview_watch_period", "reading changes nothing"),
    ("refresh_session", "the session goes on, whose beginning is written; where it ends instead, that is"),
];

/// What tells people which one it was, where the object is an id: a name, or what was looked for.
const NAMES: [&str; 6] = ["name", "email", "file_name", "subject", "server_configuration", "filter"];

/// What is no PUT or PATCH and changes something that was there: it says how it was, and how it is.
const CHANGING: [&str; 2] = ["cancel_list_operation", "undo_list_operation"];

const OTHER_PASSWORD: &str = "another horse, no battery";
const HANA: &str = "hana@first.example";

struct Story {
    app: TestApp,
    document: Value,
    ids: Ids,
    /// The requests that did each operation.
    done: BTreeMap<String, Vec<String>>,
}

/// Who did something to what, as an entry has it.
#[derive(Debug)]
struct Entry {
    object: String,
    /// How it was, and how it is, as text.
    before: String,
    after: String,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_name: String,
    client_address: Option<String>,
}

impl Story {
    /// Does an operation, at the ids as they are.
    async fn act(
        &mut self,
        operation: &str,
        client: &Client,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Response {
        let found = operations(&self.document, METHODS).find(|one| one.id() == operation).expect(operation);
        let request = client.request(found.method.clone(), &found.path(&self.ids)).header("If-Match", "\"1\"");
        let answer = client.send(shape(request)).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status.is_success(), "{operation}: {} {text}", answer.status);
        let request_id = answer.headers["x-request-id"].to_str().expect("text").to_owned();
        self.done.entry(operation.to_owned()).or_default().push(request_id);
        answer
    }

    /// Does an operation with a JSON body; what it answers is JSON or nothing.
    async fn say(&mut self, operation: &str, client: &Client, body: Value) -> Value {
        let answer = self.act(operation, client, |request| request.json(&body)).await;
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    fn signed_in(&self, answer: &Value) -> Client {
        self.app.client(answer["access_token"].as_str().map(str::to_owned))
    }

    fn set(&mut self, name: &'static str, id: &Value) -> Uuid {
        let id = id.as_str().expect("an id").to_owned();
        self.ids.insert(name, id.clone());
        id.parse().expect("a UUID")
    }

    fn pass_a_minute(&self) {
        self.app.clock.set(self.app.clock.now() + TimeDelta::minutes(1));
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/server-configurations/{}{rest}", self.ids["id"])
    }

    /// The first provider, and the administrator of the first account.
    async fn people(&mut self) -> (Client, Client) {
        let browser = self.app.anonymous();
        let code = self.app.running.setup_code.clone().expect("a set-up code");
        let setup = json!({ "code": code, "email": "provider@example.com", "password": PASSWORD });
        let answer = self.say("complete_setup", &browser, setup).await;
        let provider = self.signed_in(&answer);
        let email = "administrator@first.example";
        let account = json!({ "name": "first", "plan": "professional", "administrator_email": email,
            "administrator_password": PASSWORD });
        let account = self.say("create_account", &provider, account).await;
        self.set("account_id", &account["id"]);
        let answer = self.say("sign_in", &browser, json!({ "email": email, "password": PASSWORD })).await;
        self.act("refresh_session", &browser, |request| request.header("X-Requested-With", "stoplist")).await;
        (provider, self.signed_in(&answer))
    }

    /// A server configuration with a mail server that reports and holds a list.
    async fn mail_server(&mut self, administrator: &Client) {
        let named = |name: &str| json!({ "name": name, "time_zone": "UTC" });
        let made = self.say("create_server_configuration", administrator, named("Main")).await;
        self.set("id", &made["id"]);
        self.say("update_server_configuration", administrator, named("Renamed")).await;
        let made = self.say("create_mail_server", administrator, json!({ "name": "mx" })).await;
        self.set("mail_server_id", &made["mail_server"]["id"]);
        self.say("update_mail_server", administrator, json!({ "name": "mx1" })).await;
        let made = self.act("renew_mail_server_token", administrator, |request| request).await.json::<Value>();
        let agent = self.app.client(made["token"].as_str().map(str::to_owned));
        let event = |n: i32| {
            json!({ "id": n.to_string(), "address": format!("dead{n}@example.com"), "outcome": "error",
                "reason": "unknown_user", "occurred_at": self.app.clock.now() })
        };
        let events = json!([event(0), event(1), event(2)]);
        agent.post(&self.path("/delivery-events"), &events).await.expect(200);
        let by_hand = json!([event(3)]);
        self.say("report_delivery_events", administrator, by_hand).await;
        let run = self.act("request_run", administrator, |request| request).await.json::<Value>();
        let run = self.set("run_id", &run["id"]);
        runs::perform(&self.app.running.state, run).await.expect("a run");
        let list = agent.get("/api/v1/agent/list").await.expect(200);
        let header = list.body.split(|byte| *byte == b'\n').next().expect("a header");
        let header: Value = serde_json::from_slice(header).expect("JSON");
        let held = ["epoch", "version", "count", "checksum"].map(|name| (name.to_owned(), header[name].clone()));
        self.say("acknowledge_list", &agent, Value::Object(held.into_iter().collect())).await;
        self.say("preview_watch_period", administrator, json!({ "watch_period_days": 10, "watch_warning": 5 })).await;
        self.say("preview_execute_timing", administrator, json!({ "execute_timing": "03:30" })).await;
        let settings = json!({ "execute_timing": "03:30", "watch_warning": 500, "success_resets_count": true,
            "conditions": shared::run_settings::default_conditions(), "delivery_timing": "next_execution" });
        self.say("replace_run_settings", administrator, settings).await;
    }

    async fn lists(&mut self, administrator: &Client) {
        let addresses = json!({ "addresses": ["taro@example.com"] });
        self.say("add_blocked_addresses", administrator, addresses.clone()).await;
        self.say("release_addresses", administrator, addresses).await;
        let page: Value = administrator.get(&self.path("/exemptions")).await.expect(200).json();
        self.set("exemption_id", &page["items"][0]["id"]);
        self.act("delete_exemption", administrator, |request| request).await;
        for then in ["cancel_list_operation", "undo_list_operation"] {
            let filter = json!({ "filter": { "domain": "example.com" } });
            let made = self.say("release_in_bulk", administrator, filter).await;
            let id = self.set("operation_id", &made["id"]);
            if then == "undo_list_operation" {
                list_operations::perform(&self.app.running.state, id).await.expect("it is done");
            }
            self.say(then, administrator, json!({ "comment": "why not" })).await;
            list_operations::perform(&self.app.running.state, id).await.expect("it is over");
        }
    }

    async fn uploads(&mut self, administrator: &Client) {
        let file = "mika@example.com\n";
        for end in ["register_upload", "delete_upload"] {
            let tus = |request: RequestBuilder| request.header("Tus-Resumable", "1.0.0");
            let made = self
                .act("create_upload", administrator, |request| tus(request).header("Upload-Length", file.len()))
                .await;
            let location = made.headers["location"].to_str().expect("text").to_owned();
            let id = self.set("upload_id", &json!(location.rsplit('/').next().expect("an id")));
            if end == "delete_upload" {
                self.act(end, administrator, tus).await;
                continue;
            }
            self.act("append_to_upload", administrator, |request| {
                let request = tus(request).header("Content-Type", "application/offset+octet-stream");
                request.header("Upload-Offset", 0).body(file)
            })
            .await;
            uploads::perform(&self.app.running.state, id).await.expect("it is read");
            self.say("read_upload_again", administrator, json!({})).await;
            uploads::perform(&self.app.running.state, id).await.expect("it is read again");
            self.say(end, administrator, json!({ "delivery_timing": "next_execution" })).await;
        }
    }

    async fn inquiries(&mut self, provider: &Client, administrator: &Client) {
        let asked = json!({ "category": "enable_download", "subject": "Downloads", "text": "Please." });
        let words = json!({ "text": "Well." });
        for provider_closes in [false, true] {
            let made = self.say("create_inquiry", administrator, asked.clone()).await;
            self.set("inquiry_id", &made["inquiry"]["id"]);
            if provider_closes {
                self.act("close_provider_inquiry", provider, |request| request).await;
                continue;
            }
            self.say("mark_provider_inquiry_read", provider, json!({ "until": 1 })).await;
            self.say("answer_inquiry", provider, words.clone()).await;
            self.say("mark_inquiry_read", administrator, json!({ "until": 2 })).await;
            self.say("write_to_inquiry", administrator, words.clone()).await;
            self.say("enable_downloads", provider, json!({})).await;
            self.act("close_inquiry", administrator, |request| request).await;
        }
        self.say("create_download_link", administrator, json!({ "list": "delivery_events" })).await;
        self.say("create_audit_log_link", administrator, json!({})).await;
    }

    /// Somebody comes, is changed, and loses the password.
    async fn users(&mut self, administrator: &Client) {
        let anybody = self.app.anonymous();
        let link = |answer: &Value| secret_of(answer["link"].as_str().expect("a link"));
        for email in ["nobody@first.example", HANA] {
            let invited =
                self.say("create_invitation", administrator, json!({ "email": email, "role": "viewer" })).await;
            self.set("invitation_id", &invited["invitation"]["id"]);
            if email != HANA {
                self.act("withdraw_invitation", administrator, |request| request).await;
            }
        }
        self.act("renew_invitation", administrator, |request| request).await;
        let secret = secret_of(&self.app.mailed_link().await);
        self.say("preview_invitation", &anybody, json!({ "secret": secret })).await;
        self.say("accept_invitation", &anybody, json!({ "secret": secret, "password": PASSWORD })).await;
        let hana = user(administrator, HANA).await.id;
        self.set("user_id", &json!(hana));
        self.say("update_user", administrator, json!({ "role": "operator" })).await;
        let reset = self.act("create_password_reset", administrator, |request| request).await.json::<Value>();
        self.say("preview_password_reset", &anybody, json!({ "secret": link(&reset) })).await;
        let complete = json!({ "secret": link(&reset), "password": OTHER_PASSWORD });
        self.say("complete_password_reset", &anybody, complete).await;
        self.say("request_password_reset", &anybody, json!({ "email": HANA })).await;
    }

    /// What one does with one's own password, second factor, and sessions.
    async fn own_sign_in(&mut self, administrator: &Client) {
        let anybody = self.app.anonymous();
        let sign_in = json!({ "email": HANA, "password": OTHER_PASSWORD });
        let answer = self.say("sign_in", &anybody, sign_in.clone()).await;
        let hana = self.signed_in(&answer);
        let with_password = json!({ "password": OTHER_PASSWORD });
        for removed_by_herself in [true, false] {
            let made = self.say("begin_second_factor", &hana, with_password.clone()).await;
            let app = App::new(made["secret"].as_str().expect("a secret"));
            let code = app.code(self.app.clock.now());
            self.say("confirm_second_factor", &hana, json!({ "code": code })).await;
            self.pass_a_minute();
            if !removed_by_herself {
                self.act("remove_second_factor", administrator, |request| request).await;
                continue;
            }
            let proof = |now| json!({ "password": OTHER_PASSWORD, "code": app.code(now) });
            let now = self.app.clock.now();
            self.say("renew_recovery_codes", &hana, proof(now)).await;
            self.pass_a_minute();
            let first: Value = anybody.post("/api/v1/sessions", &sign_in).await.expect(202).json();
            let code = app.code(self.app.clock.now());
            let second = json!({ "second_factor_token": first["second_factor_token"], "code": code });
            self.say("sign_in_with_second_factor", &anybody, second).await;
            self.pass_a_minute();
            let now = self.app.clock.now();
            self.say("disable_second_factor", &hana, proof(now)).await;
        }
        let sessions: Vec<Value> = hana.items("/api/v1/me/sessions").await;
        let other = sessions.iter().find(|session| session["this"] == false);
        self.set("session_id", &other.expect("another session")["id"]);
        self.act("revoke_session", &hana, |request| request).await;
        self.act("revoke_other_sessions", &hana, |request| request).await;
        let passwords = json!({ "present_password": OTHER_PASSWORD, "new_password": PASSWORD });
        self.say("change_password", &hana, passwords).await;
        self.act("sign_out", &hana, |request| request).await;
    }

    async fn accounts(&mut self, provider: &Client, administrator: &Client) {
        let made = self.say("create_token", administrator, json!({ "name": "script", "scopes": ["read"] })).await;
        self.set("token_id", &made["token"]["id"]);
        self.act("revoke_token", administrator, |request| request).await;
        let entered = self.act("enter_account", provider, |request| request).await.json::<Value>();
        let inside = self.signed_in(&entered);
        self.act("create_export_link", &inside, |request| request).await;
        self.act("leave_account", &inside, |request| request).await;
        let account = json!({ "name": "second", "plan": "standard",
            "administrator_email": "administrator@second.example", "administrator_password": PASSWORD });
        let made = self.say("create_account", provider, account).await;
        self.set("account_id", &made["id"]);
        self.say("update_account", provider, json!({ "suspended": true })).await;
        self.say("close_account", provider, json!({ "name": "second" })).await;
    }

    /// What the log has of each request.
    async fn entries(&self) -> BTreeMap<String, Vec<Entry>> {
        let connection = self.app.running.state.db.connection();
        let sql = "SELECT request_id, actor_kind, actor_id, actor_name, client_address, object, \
                   COALESCE(before_value, '') AS before_value, COALESCE(after_value, '') AS after_value FROM audit_log \
                   WHERE request_id IS NOT NULL";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let mut entries: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for row in connection.query_all_raw(statement).await.expect("the audit log") {
            let entry = Entry {
                object: row.try_get("", "object").expect("an object"),
                before: row.try_get("", "before_value").expect("a text"),
                after: row.try_get("", "after_value").expect("a text"),
                actor_kind: row.try_get("", "actor_kind").expect("a kind"),
                actor_id: row.try_get("", "actor_id").expect("an id or none"),
                actor_name: row.try_get("", "actor_name").expect("a name"),
                client_address: row.try_get("", "client_address").expect("an address or none"),
            };
            entries.entry(row.try_get("", "request_id").expect("an id")).or_default().push(entry);
        }
        entries
    }

    /// The entries, when that of the link is there: who asks for one is answered before it is made.
    async fn all_entries(&self) -> BTreeMap<String, Vec<Entry>> {
        let late = &self.done["request_password_reset"][0];
        for _ in 0..500 {
            let entries = self.entries().await;
            if entries.contains_key(late) {
                return entries;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing is written of request_password_reset");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_there_is_is_written_into_the_audit_log() {
    let app = mails::service().await;
    let document = app.anonymous().get("/api/v1/openapi.json").await.expect(200).json();
    let mut story = Story { app, document, ids: Ids::new(), done: BTreeMap::new() };
    let (provider, administrator) = story.people().await;
    story.mail_server(&administrator).await;
    story.lists(&administrator).await;
    story.uploads(&administrator).await;
    story.inquiries(&provider, &administrator).await;
    story.users(&administrator).await;
    story.own_sign_in(&administrator).await;
    story.accounts(&provider, &administrator).await;

    let mut declared: Vec<_> = operations(&story.document, &["post", "put", "patch", "delete"])
        .map(|operation| operation.id().to_owned())
        .collect();
    declared.sort();
    let done: Vec<_> = story.done.keys().cloned().collect();
    assert_eq!(done, declared, "the story has every operation that may change something");
    let entries = story.all_entries().await;
    let changing: Vec<_> =
        operations(&story.document, &["put", "patch"]).map(|operation| operation.id().to_owned()).collect();
    for (operation, requests) in &story.done {
        let unwritten = UNWRITTEN.iter().any(|(name, _)| name == operation);
        for request in requests {
            let written = entries.get(request).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(written.is_empty(), unwritten, "{operation}: {written:?}");
            for entry in written {
                let is_known = entry.actor_id.is_some() && !entry.actor_name.is_empty() && entry.actor_kind != "system";
                assert!(is_known, "{operation}: {entry:?}");
                assert_eq!(entry.client_address.as_deref(), Some("127.0.0.1"), "{operation}: {entry:?}");
                let told = format!("{}{}", entry.before, entry.after);
                let is_named = |name: &&str| told.contains(&format!("\"{name}\":"));
                let says_what = entry.object.parse::<Uuid>().is_err() || NAMES.iter().any(is_named);
                assert!(says_what, "{operation} has an id only: {entry:?}");
                assert!(!told.contains(PASSWORD) && !told.contains(OTHER_PASSWORD), "{operation}");
                let is_change = changing.contains(operation) || CHANGING.contains(&operation.as_str());
                let has_both = !entry.before.is_empty() && !entry.after.is_empty();
                // Of a password there is nothing to tell.
                assert!(has_both || !is_change || operation == "change_password", "{operation}: {entry:?}");
            }
        }
    }
    println!("FIGURE {} operations, {} of them unwritten", declared.len(), UNWRITTEN.len());
}
