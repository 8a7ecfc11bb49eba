//! A client of the API, as a script would use it.

use super::{Service, ZONE, clock};
use anyhow::Context;
use reqwest::{Method, RequestBuilder, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use shared::{
    Page, Reason,
    account::Account,
    delivery_event::{BatchResult, DeliveryEvent, NewDeliveryEvent, Outcome},
    list::{AdditionResult, BlockedAddress, ReleaseResult},
    list_operation::{BlockFilter, ListOperation},
    mail_server::{MailServer, MailServerCredential, ServerConfiguration},
    run::{Distribution, Run},
    run_settings::{DeliveryTiming, RunSettings, RunSettingsUpdate},
    session::{AccessToken, ApiTokenSecret},
    upload::Upload,
};
use std::time::Duration;
use uuid::Uuid;

const PASSWORD: &str = "correct horse battery staple";

/// The API of one account and one server configuration.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: String,
    configuration: Uuid,
}

/// A client that gives up after some time.
///
/// # Errors
/// Never in practice: the client cannot be made.
pub fn client(patience: Duration) -> anyhow::Result<reqwest::Client> {
    // Never used on loopback, but no client is made without. Somebody else may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(patience).build()?)
}

impl Api {
    /// Sets a fresh service up: provider, account, a token for a script, one server configuration.
    ///
    /// # Errors
    /// The service refuses a step.
    pub async fn set_up(service: &mut Service) -> anyhow::Result<Self> {
        let code = service.set_up_code().await?;
        let mut api = Self {
            http: client(Duration::from_secs(60))?,
            base: format!("{}/api/v1", service.url()),
            token: String::new(),
            configuration: Uuid::nil(),
        };
        let provider = json!({ "code": code, "email": "provider@stoplist.test", "password": PASSWORD });
        api.token = api.post::<AccessToken>("/setup", &provider).await?.access_token;
        let account = json!({
            "name": "Shop",
            "plan": "professional",
            "administrator_email": "admin@shop.test",
            "administrator_password": PASSWORD,
        });
        let account: Account = api.post("/provider/accounts", &account).await?;
        let enter = format!("/provider/accounts/{}/enter", account.id);
        api.token = api.post::<AccessToken>(&enter, &json!({})).await?.access_token;
        let token = json!({ "name": "mail tests", "scopes": ["read", "events", "lists", "manage"] });
        api.token = api.post::<ApiTokenSecret>("/tokens", &token).await?.secret;
        let configuration = json!({ "name": "Newsletter", "time_zone": ZONE });
        api.configuration = api.post::<ServerConfiguration>("/server-configurations", &configuration).await?.id;
        Ok(api)
    }

    /// The same API at another node.
    #[must_use]
    pub fn at(&self, node: &Service) -> Self {
        Self { base: format!("{}/api/v1", node.url()), ..self.clone() }
    }

    /// The same API with the right of a person who signs in.
    ///
    /// # Errors
    /// As every call.
    pub async fn sign_in(&self, email: &str) -> anyhow::Result<Self> {
        let mut person = Self { token: String::new(), ..self.clone() };
        let sign_in = json!({ "email": email, "password": PASSWORD });
        person.token = person.post::<AccessToken>("/sessions", &sign_in).await?.access_token;
        Ok(person)
    }

    /// The server configuration.
    ///
    /// # Errors
    /// As every call: the service does not answer or refuses, the message has its problem.
    pub async fn configuration(&self) -> anyhow::Result<ServerConfiguration> {
        self.get(&self.of_configuration("")).await
    }

    /// Registers a mail server.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_mail_server(&self, name: &str) -> anyhow::Result<MailServerCredential> {
        self.post(&self.of_configuration("/mail-servers"), &json!({ "name": name })).await
    }

    /// The mail servers.
    ///
    /// # Errors
    /// As every call.
    pub async fn mail_servers(&self) -> anyhow::Result<Vec<MailServer>> {
        Ok(self.get::<Page<MailServer>>(&self.of_configuration("/mail-servers")).await?.items)
    }

    /// "Run now".
    ///
    /// # Errors
    /// As every call.
    pub async fn queue_run(&self) -> anyhow::Result<Run> {
        self.post(&self.of_configuration("/runs"), &json!({})).await
    }

    /// One run.
    ///
    /// # Errors
    /// As every call.
    pub async fn run(&self, id: Uuid) -> anyhow::Result<Run> {
        self.get(&self.of_configuration(&format!("/runs/{id}"))).await
    }

    /// The runs, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn runs(&self) -> anyhow::Result<Vec<Run>> {
        Ok(self.get::<Page<Run>>(&self.of_configuration("/runs?limit=100")).await?.items)
    }

    /// One distribution.
    ///
    /// # Errors
    /// As every call.
    pub async fn distribution(&self, id: Uuid) -> anyhow::Result<Distribution> {
        self.get(&self.of_configuration(&format!("/distributions/{id}"))).await
    }

    /// The distributions, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn distributions(&self) -> anyhow::Result<Vec<Distribution>> {
        Ok(self.get::<Page<Distribution>>(&self.of_configuration("/distributions?limit=100")).await?.items)
    }

    /// Blocks addresses by the next run, whatever errors they have.
    ///
    /// # Errors
    /// As every call.
    pub async fn block(&self, addresses: &[&str]) -> anyhow::Result<AdditionResult> {
        self.post(&self.of_configuration("/blocked-addresses"), &json!({ "addresses": addresses })).await
    }

    /// Releases addresses.
    ///
    /// # Errors
    /// As every call.
    pub async fn release(&self, addresses: &[&str]) -> anyhow::Result<ReleaseResult> {
        self.post(&self.of_configuration("/releases"), &json!({ "addresses": addresses })).await
    }

    /// Queues a bulk release.
    ///
    /// # Errors
    /// As every call.
    pub async fn release_all(&self, filter: &BlockFilter) -> anyhow::Result<ListOperation> {
        self.post(&self.of_configuration("/bulk-releases"), &json!({ "filter": filter })).await
    }

    /// Sends a file of addresses.
    ///
    /// # Errors
    /// As every call.
    pub async fn upload(&self, file: String) -> anyhow::Result<Upload> {
        let request = self.request(Method::POST, &self.of_configuration("/uploads"));
        let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Length", file.len());
        let request = request.header(header::CONTENT_TYPE, "application/offset+octet-stream").body(file);
        Ok(checked(request).await?.json().await?)
    }

    /// One upload.
    ///
    /// # Errors
    /// As every call.
    pub async fn find_upload(&self, id: Uuid) -> anyhow::Result<Upload> {
        self.get(&self.of_configuration(&format!("/uploads/{id}"))).await
    }

    /// Queues the release of what an upload has.
    ///
    /// # Errors
    /// As every call.
    pub async fn release_upload(&self, upload: Uuid) -> anyhow::Result<ListOperation> {
        self.post(&self.of_configuration("/bulk-releases"), &json!({ "upload_id": upload })).await
    }

    /// Cancels a list operation.
    ///
    /// # Errors
    /// As every call.
    pub async fn cancel(&self, id: Uuid) -> anyhow::Result<ListOperation> {
        self.post(&self.of_configuration(&format!("/list-operations/{id}/cancel")), &json!({})).await
    }

    /// Queues the registration of an upload.
    ///
    /// # Errors
    /// As every call.
    pub async fn register(&self, upload: Uuid, timing: DeliveryTiming) -> anyhow::Result<ListOperation> {
        let body = json!({ "delivery_timing": timing });
        self.post(&self.of_configuration(&format!("/uploads/{upload}/registration")), &body).await
    }

    /// Queues the undo of a list operation.
    ///
    /// # Errors
    /// As every call.
    pub async fn undo(&self, id: Uuid) -> anyhow::Result<ListOperation> {
        self.post(&self.of_configuration(&format!("/list-operations/{id}/undo")), &json!({})).await
    }

    /// The list operations, newest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_operations(&self) -> anyhow::Result<Vec<ListOperation>> {
        Ok(self.get::<Page<ListOperation>>(&self.of_configuration("/list-operations?limit=100")).await?.items)
    }

    /// One list operation.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_operation(&self, id: Uuid) -> anyhow::Result<ListOperation> {
        self.get(&self.of_configuration(&format!("/list-operations/{id}"))).await
    }

    /// An address's row of the blocked list.
    ///
    /// # Errors
    /// As every call.
    pub async fn blocked(&self, address: &str) -> anyhow::Result<Option<BlockedAddress>> {
        let page: Page<BlockedAddress> = self.search("/blocked-addresses", &[("q", address)]).await?;
        Ok(page.items.into_iter().find(|row| row.address == address))
    }

    /// The errors of an address in the error log, except refusals by the list itself.
    ///
    /// # Errors
    /// As every call.
    pub async fn errors_of(&self, address: &str) -> anyhow::Result<Vec<DeliveryEvent>> {
        let mut errors = self.error_log_of(address).await?;
        errors.retain(|event| event.reason != Some(Reason::BlockedAddress));
        Ok(errors)
    }

    /// Everything that the error log has of an address.
    ///
    /// # Errors
    /// As every call.
    pub async fn error_log_of(&self, address: &str) -> anyhow::Result<Vec<DeliveryEvent>> {
        let query = [("q", address), ("outcome", "error"), ("limit", "100")];
        let page: Page<DeliveryEvent> = self.search("/delivery-events", &query).await?;
        Ok(page.items.into_iter().filter(|event| event.address == address).collect())
    }

    /// Reports one error for each of many addresses, in one batch.
    ///
    /// # Errors
    /// As every call, or an item is not taken.
    pub async fn report_unknown_users(&self, addresses: &[String]) -> anyhow::Result<()> {
        let events: Vec<NewDeliveryEvent> = addresses
            .iter()
            .map(|address| NewDeliveryEvent {
                id: format!("bulk-{address}"),
                address: address.clone(),
                outcome: Outcome::Error,
                reason: Some(Reason::UnknownUser),
                smtp_code: Some(550),
                status: Some("5.1.1".to_owned()),
                reply: Some("550 5.1.1 No such user".to_owned()),
                occurred_at: clock::now(),
            })
            .collect();
        let result = self.report(&events).await?;
        anyhow::ensure!(result.accepted as usize == addresses.len(), "only {} events were taken", result.accepted);
        Ok(())
    }

    /// Reports a batch of events.
    ///
    /// # Errors
    /// As every call.
    pub async fn report(&self, events: &[NewDeliveryEvent]) -> anyhow::Result<BatchResult> {
        self.post(&self.of_configuration("/delivery-events"), &events).await
    }

    /// The run settings.
    ///
    /// # Errors
    /// As every call.
    pub async fn run_settings(&self) -> anyhow::Result<RunSettings> {
        self.get(&self.of_configuration("/run-settings")).await
    }

    /// Changes the run settings; `change` gets what holds now, with the delivery timing "next execution".
    ///
    /// # Errors
    /// As every call.
    pub async fn change_run_settings(
        &self,
        change: impl FnOnce(&mut RunSettingsUpdate),
    ) -> anyhow::Result<RunSettings> {
        let path = self.of_configuration("/run-settings");
        let answer = checked(self.request(Method::GET, &path)).await?;
        let revision = answer.headers().get(header::ETAG).context("the run settings have no ETag")?.clone();
        let now: RunSettings = answer.json().await?;
        let mut update = RunSettingsUpdate {
            execute_timing: now.execute_timing,
            watch_period_days: now.watch_period_days,
            watch_daily_limit: now.watch_daily_limit,
            watch_warning: now.watch_warning,
            success_resets_count: now.success_resets_count,
            conditions: now.conditions,
            delivery_timing: DeliveryTiming::NextExecution,
            cancel_blocking: vec![],
        };
        change(&mut update);
        let request = self.request(Method::PUT, &path).header(header::IF_MATCH, revision).json(&update);
        Ok(checked(request).await?.json().await?)
    }

    fn of_configuration(&self, path: &str) -> String {
        format!("/server-configurations/{}{path}", self.configuration)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        Ok(checked(self.request(Method::GET, path)).await?.json().await?)
    }

    async fn search<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<T> {
        let request = self.request(Method::GET, &self.of_configuration(path)).query(query);
        Ok(checked(request).await?.json().await?)
    }

    /// Posts something of the API that is not about the server configuration.
    ///
    /// # Errors
    /// As every call.
    pub async fn ask(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        checked(self.request(Method::POST, path).json(body)).await.map(drop)
    }

    /// Posts something and reads what is answered.
    ///
    /// # Errors
    /// As every call.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        Ok(checked(self.request(Method::POST, path).json(body)).await?.json().await?)
    }
}

/// Sends a request; anything but success becomes an error with the service's problem in it.
async fn checked(request: RequestBuilder) -> anyhow::Result<reqwest::Response> {
    let answer = request.send().await?;
    let (status, url) = (answer.status(), answer.url().path().to_owned());
    if status.is_success() {
        return Ok(answer);
    }
    let problem: Value = answer.json().await.unwrap_or_default();
    anyhow::bail!("{url} answers {status}: {problem}")
}
