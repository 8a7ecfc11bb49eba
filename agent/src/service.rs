//! The requests that the agent sends to the service.

use crate::config::Config;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use shared::{
    Problem,
    agent_sync::{Acknowledgement, AcknowledgementResult, AgentIdentity},
    delivery_event::{BatchResult, NewDeliveryEvent},
};
use std::time::Duration;
use uuid::Uuid;

/// How long the service may hold back an answer until something changes, in seconds.
const WAIT_SECONDS: u32 = 50;
/// How long an answer other than the list may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The service refused it.
    #[error("the service answers {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What the service says about it.
        detail: String,
    },
    /// The service could not be reached or broke off.
    #[error("the service cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
}

/// The service, as this agent sees it.
#[derive(Clone)]
pub struct Service {
    client: Client,
    base: String,
    token: crate::config::Secret,
}

impl Service {
    /// The service that the configuration names; sends nothing yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, ServiceError> {
        let client = Client::builder()
            .user_agent(concat!("stoplist-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(u64::from(WAIT_SECONDS) + 15))
            .tcp_keepalive(Duration::from_secs(20))
            .build()?;
        Ok(Self { client, base: format!("{}/api/v1", config.service), token: config.token.clone() })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ServiceError> {
        let response = request.bearer_auth(self.token.expose()).send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let detail = match response.json::<Problem>().await {
            Ok(problem) => problem.detail,
            Err(_) => "no explanation".to_owned(),
        };
        Err(ServiceError::Refused { status, detail })
    }

    /// Who the service says we are.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn identity(&self) -> Result<AgentIdentity, ServiceError> {
        let request = self.client.get(format!("{}/agent", self.base)).timeout(ANSWER_TIMEOUT);
        Ok(self.send(request).await?.json().await?)
    }

    /// The changes since a position, as soon as there are any (`None`: nothing new for a while), or a snapshot.
    ///
    /// # Errors
    /// [`ServiceError`]; 410 when only a snapshot helps.
    pub async fn list(&self, since: Option<&Acknowledgement>) -> Result<Option<Response>, ServiceError> {
        let mut request = self.client.get(format!("{}/agent/list", self.base));
        if let Some(since) = since {
            request = request.query(&[
                ("epoch", since.epoch.to_string()),
                ("version", since.version.to_string()),
                ("wait", WAIT_SECONDS.to_string()),
            ]);
        }
        let response = self.send(request).await?;
        Ok((response.status() != StatusCode::NO_CONTENT).then_some(response))
    }

    /// Tells the service what is enforced here.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn acknowledge(&self, position: &Acknowledgement) -> Result<AcknowledgementResult, ServiceError> {
        let request = self.client.post(format!("{}/agent/acknowledgements", self.base)).json(position);
        Ok(self.send(request.timeout(ANSWER_TIMEOUT)).await?.json().await?)
    }

    /// Reports delivery events.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn report(
        &self,
        server_configuration: Uuid,
        events: &[NewDeliveryEvent],
    ) -> Result<BatchResult, ServiceError> {
        let url = format!("{}/server-configurations/{server_configuration}/delivery-events", self.base);
        Ok(self.send(self.client.post(url).json(events).timeout(ANSWER_TIMEOUT)).await?.json().await?)
    }
}
