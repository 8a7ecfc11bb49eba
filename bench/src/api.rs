//! A client of the API with one token, as a script would use it: connections are kept.

use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use shared::{
    Page,
    delivery_event::{BatchResult, NewDeliveryEvent},
    mail_server::{MailServer, MailServerCredential, MailServerState},
    run::{Distribution, DistributionState, Run, RunState},
};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often a client looks how far something has come.
const PACE: Duration = Duration::from_millis(5);
/// Work that takes longer than this is stuck.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// The API of one account.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
    configuration: Uuid,
}

impl Api {
    /// A client; `token` may be empty before there is any.
    ///
    /// # Errors
    /// Never in practice: the client cannot be made.
    pub fn new(url: &str, token: &str, configuration: Uuid) -> anyhow::Result<Self> {
        let http = mail_e2e::field::api::client(PATIENCE)?;
        Ok(Self { http, base: format!("{url}/api/v1"), token: token.to_owned(), configuration })
    }

    /// A path of the server configuration, `/runs` for example.
    pub fn of_configuration(&self, path: &str) -> String {
        format!("/server-configurations/{}{path}", self.configuration)
    }

    /// The whole address of a path, for other clients.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.url(path));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// GET.
    ///
    /// # Errors
    /// The service does not answer or refuses; the message has its problem.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<T> {
        Ok(checked(self.request(Method::GET, path).query(query)).await?.json().await?)
    }

    /// POST.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        Ok(checked(self.request(Method::POST, path).json(body)).await?.json().await?)
    }

    /// Adds a mail server and returns the token of its agent.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn add_mail_server(&self, name: &str) -> anyhow::Result<String> {
        let path = self.of_configuration("/mail-servers");
        Ok(self.post::<MailServerCredential>(&path, &json!({ "name": name })).await?.token)
    }

    /// Reports delivery events that are all new.
    ///
    /// # Errors
    /// As [`Api::get`], or one of them was not taken.
    pub async fn report(&self, events: &[NewDeliveryEvent]) -> anyhow::Result<()> {
        let result: BatchResult = self.post(&self.of_configuration("/delivery-events"), &events).await?;
        anyhow::ensure!(result.accepted as usize == events.len(), "only {} events were taken", result.accepted);
        Ok(())
    }

    /// "Run now", and waits until the run is done.
    ///
    /// # Errors
    /// As [`Api::get`], or the run fails.
    pub async fn run(&self) -> anyhow::Result<Run> {
        let run: Run = self.post(&self.of_configuration("/runs"), &json!({})).await?;
        let path = self.of_configuration(&format!("/runs/{}", run.id));
        until("the run is done", async || {
            let run: Run = self.get(&path, &[]).await?;
            anyhow::ensure!(run.state != RunState::Failed && run.error.is_none(), "the run failed: {:?}", run.error);
            Ok((run.state == RunState::Done).then_some(run))
        })
        .await
    }

    /// Waits until every mail server acknowledged a distribution.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn distributed(&self, id: Uuid) -> anyhow::Result<Distribution> {
        let path = self.of_configuration(&format!("/distributions/{id}"));
        until("every mail server acknowledged", async || {
            let distribution: Distribution = self.get(&path, &[]).await?;
            Ok((distribution.state == DistributionState::Complete).then_some(distribution))
        })
        .await
    }

    /// Waits until `count` mail servers hold the published list.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn in_sync(&self, count: usize) -> anyhow::Result<()> {
        let path = self.of_configuration("/mail-servers");
        until("the mail servers are in sync", async || {
            let servers: Page<MailServer> = self.get(&path, &[("limit", "500")]).await?;
            let held = servers.items.iter().filter(|server| server.state == MailServerState::InSync).count();
            Ok((held == count).then_some(()))
        })
        .await
    }

    /// The first page of a list, searched.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub async fn page(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Page<Value>> {
        self.get(&self.of_configuration(path), query).await
    }
}

/// Sends a request; anything but success becomes an error with the service's problem in it.
///
/// # Errors
/// The service does not answer or refuses.
pub async fn checked(request: RequestBuilder) -> anyhow::Result<Response> {
    let answer = request.send().await?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    if status.is_success() {
        return Ok(answer);
    }
    let problem = answer.text().await.unwrap_or_default();
    anyhow::bail!("{path} answers {status}: {problem}")
}

/// Looks until there is a value.
///
/// # Errors
/// `look` fails, or it takes an hour.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = look().await.with_context(|| format!("while waiting until {what}"))? {
            return Ok(value);
        }
        anyhow::ensure!(start.elapsed() < PATIENCE, "not within an hour: {what}");
        tokio::time::sleep(PACE).await;
    }
}
