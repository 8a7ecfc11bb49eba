//! A service for one test.

pub mod client;
mod contract;
pub mod database;
pub mod rows;

use backend::{
    app,
    clock::Clock,
    config::{Role, Settings},
    state::AppState,
    store::{ConnectionTrait, statement},
};
use chrono::{DateTime, Utc};
use client::{Client, Response};
use serde_json::json;
use shared::{
    mail_server::{MailServerCredential, ServerConfiguration},
    session::AccessToken,
    user::InvitationLink,
};
use uuid::Uuid;

/// The password of every user in tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// When tests begin: a Tuesday, 12:00 in UTC, 21:00 in Tokyo.
pub fn start_of_test() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().expect("a valid time")
}

/// A running service with its own database and a clock that the test moves.
pub struct TestApp {
    /// The running service.
    pub running: app::Running,
    /// What time the service thinks it is.
    pub clock: Clock,
    /// With which it was started, to start another node or to start again.
    pub settings: Settings,
    _folder: Option<tempfile::TempDir>,
}

/// No HTTP client is made without a provider of cryptography, though none is used on loopback.
pub fn install_cryptography() {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl TestApp {
    /// Starts a service on an empty database.
    pub async fn start() -> Self {
        Self::start_as(None).await
    }

    /// Starts a service whose settings `change` has changed.
    pub async fn start_where(change: impl FnOnce(&mut Settings)) -> Self {
        let (mut settings, folder) = database::empty().await;
        change(&mut settings);
        Self::start_with(settings, Clock::manual(start_of_test()), Some(folder)).await
    }

    /// Starts only the HTTP half of a service: the test performs the jobs itself.
    pub async fn start_without_jobs() -> Self {
        Self::start_as(Some(Role::Http)).await
    }

    async fn start_as(role: Option<Role>) -> Self {
        let (mut settings, folder) = database::empty().await;
        settings.role = role;
        Self::start_with(settings, Clock::manual(start_of_test()), Some(folder)).await
    }

    /// Starts a service with everything in `folder`, its SQLite file too.
    pub async fn start_in(folder: &std::path::Path) -> Self {
        Self::start_with(Settings::in_folder(folder), Clock::manual(start_of_test()), None).await
    }

    /// Starts a service on a database that `fill` has filled before.
    pub async fn start_after(fill: impl AsyncFnOnce(&AppState)) -> Self {
        let (settings, folder) = database::empty().await;
        let clock = Clock::manual(start_of_test());
        let state = app::open(settings.clone(), clock.clone()).await.expect("an open database");
        fill(&state).await;
        state.db.close().await;
        Self::start_with(settings, clock, Some(folder)).await
    }

    /// Starts another node on the same database and clock; PostgreSQL only.
    pub async fn start_another_node(&self) -> Self {
        Self::start_with(self.settings.clone(), self.clock.clone(), None).await
    }

    async fn start_with(settings: Settings, clock: Clock, folder: Option<tempfile::TempDir>) -> Self {
        install_cryptography();
        let running = app::start(settings.clone(), clock.clone()).await.expect("the service starts");
        Self { running, clock, settings, _folder: folder }
    }

    /// Stops the service and starts it again, as a whole, on the same database.
    pub async fn restart(mut self) -> Self {
        self.settings.role = None;
        self.running.stop();
        self.running.wait().await.expect("the service stops well");
        Self::start_with(self.settings, self.clock, self._folder).await
    }

    /// Whether this run is on PostgreSQL.
    pub fn is_postgres() -> bool {
        std::env::var_os(database::VARIABLE).is_some()
    }

    /// How many pages of the SQLite file hold nothing and are still its own; PostgreSQL has no such.
    pub async fn unused_pages(&self) -> i64 {
        let connection = self.running.state.db.connection();
        if Self::is_postgres() {
            return 0;
        }
        let row = connection.query_one_raw(statement(connection, "PRAGMA freelist_count", [])).await;
        row.expect("an answer").expect("a count").try_get("", "freelist_count").expect("a number")
    }

    /// A client that has not signed in.
    pub fn anonymous(&self) -> Client {
        self.client(None)
    }

    /// A client with a token.
    pub fn client(&self, token: Option<String>) -> Client {
        Self::client_of(&format!("http://{}", self.running.address), token)
    }

    /// A client of a service that runs elsewhere, at `base`.
    pub fn client_of(base: &str, token: Option<String>) -> Client {
        Client::new(base.to_owned(), token)
    }

    /// The first provider, made by the one-time code.
    pub async fn provider(&self) -> Client {
        let code = self.running.setup_code.clone().expect("a set-up code");
        let body = json!({ "code": code, "email": "provider@example.com", "password": PASSWORD });
        let answer = self.anonymous().post("/api/v1/setup", &body).await.expect(201);
        self.client(Some(answer.json::<AccessToken>().access_token))
    }

    /// A new Professional account's administrator.
    pub async fn administrator(&self, provider: &Client, account: &str) -> Client {
        let email = format!("administrator@{account}.example");
        let body = json!({
            "name": account, "plan": "professional",
            "administrator_email": email, "administrator_password": PASSWORD,
        });
        provider.post("/api/v1/provider/accounts", &body).await.expect(201);
        self.sign_in(&email).await
    }

    /// Somebody who was invited by `manager` and came.
    pub async fn member(&self, manager: &Client, email: &str, role: &str) -> Client {
        let invited = manager.post("/api/v1/invitations", &json!({ "email": email, "role": role })).await.expect(201);
        let link = match invited.json::<InvitationLink>().link {
            Some(link) => link,
            None => self.mailed_link().await,
        };
        let accepted = json!({ "secret": secret_of(&link), "password": PASSWORD });
        let answer = self.anonymous().post("/api/v1/invitations/accept", &accepted).await.expect(201);
        self.client(Some(answer.json::<AccessToken>().access_token))
    }

    /// The link of the mail that was written last.
    pub async fn mailed_link(&self) -> String {
        let state = &self.running.state;
        let last = statement(state.db.connection(), "SELECT sealed FROM mails ORDER BY id DESC LIMIT 1", []);
        let row = state.db.connection().query_one_raw(last).await.expect("mails").expect("a mail");
        let content = state.keys.unseal("mail", &row.try_get::<String>("", "sealed").expect("a text"));
        let content: serde_json::Value = serde_json::from_str(&content.expect("sealed here")).expect("JSON");
        let line = content["text"].as_str().expect("a text").lines().find(|line| line.contains('#')).expect("a link");
        line[line.rfind('/').expect("a path")..].to_owned()
    }

    /// Signs a user in.
    pub async fn sign_in(&self, email: &str) -> Client {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.anonymous().post("/api/v1/sessions", &body).await.expect(201);
        self.client(Some(answer.json::<AccessToken>().access_token))
    }

    /// An account with one server configuration and its administrator.
    pub async fn workplace(&self) -> Workplace {
        let provider = self.provider().await;
        let administrator = self.administrator(&provider, "first").await;
        let configuration = administrator.create_configuration("Main").await;
        Workplace { provider, administrator, configuration }
    }
}

/// What follows `#` in a link.
pub fn secret_of(link: &str) -> String {
    link.split_once('#').expect("a link with a secret").1.to_owned()
}

/// An account to work in.
pub struct Workplace {
    /// The provider, outside of the account.
    pub provider: Client,
    /// The account's administrator.
    pub administrator: Client,
    /// Its server configuration, in UTC.
    pub configuration: Uuid,
}

impl Workplace {
    /// The path of something in the configuration: `path("/runs")`.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/server-configurations/{}{rest}", self.configuration)
    }

    /// Adds a mail server; answers its agent's client and id.
    pub async fn mail_server(&self, app: &TestApp, name: &str) -> (Client, Uuid) {
        let answer = self.administrator.post(&self.path("/mail-servers"), &json!({ "name": name })).await.expect(201);
        let credential = answer.json::<MailServerCredential>();
        (app.client(Some(credential.token)), credential.mail_server.id)
    }
}

impl Client {
    /// Makes a server configuration in UTC.
    pub async fn create_configuration(&self, name: &str) -> Uuid {
        let body = json!({ "name": name, "time_zone": "UTC" });
        let answer: Response = self.post("/api/v1/server-configurations", &body).await.expect(201);
        answer.json::<ServerConfiguration>().id
    }
}
