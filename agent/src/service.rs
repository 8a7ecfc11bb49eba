//! The requests that the agent sends to the service.

use crate::config::{Config, Secret};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{ACCEPT_ENCODING, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use shared::{
    Problem,
    agent_sync::{Acknowledgement, AcknowledgementResult, AgentIdentity},
    delivery_event::{BatchResult, NewDeliveryEvent},
};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use uuid::Uuid;

/// How long the service may hold back an answer until something changes, in seconds.
pub const WAIT_SECONDS: u32 = 50;
/// How long an answer other than the list may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// No answer other than the list is nearly as long.
const MAX_ANSWER_OCTETS: usize = 4 << 20;
/// The longest wait that the service can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

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
        /// Whether it is Stoplist that says so, in a problem document, and not a proxy.
        is_problem: bool,
        /// How long it asks to wait.
        retry_after: Duration,
    },
    /// What answers is not the service.
    #[error("what answers is not Stoplist, a proxy perhaps")]
    NotStoplist,
    /// The service could not be reached or broke off.
    #[error("the service cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
}

impl ServiceError {
    /// How long the service asks to wait.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::NotStoplist | Self::Unreachable(_) => Duration::ZERO,
        }
    }
}

/// The service, as this agent sees it.
#[derive(Clone)]
pub struct Service {
    client: Client,
    base: String,
    token: Arc<RwLock<Secret>>,
    token_file: Option<PathBuf>,
}

impl Service {
    /// The service that the configuration names; sends nothing yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, ServiceError> {
        // Whoever was first is as good: a test, or another agent in this process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("stoplist-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(u64::from(WAIT_SECONDS) + 15))
            .tcp_keepalive(Duration::from_secs(20))
            // The token is for the service that the configuration names, and for nobody whom that one names.
            .redirect(reqwest::redirect::Policy::none())
            // A list is kept as it came.
            .no_zstd()
            .build()?;
        Ok(Self {
            client,
            base: format!("{}/api/v1", config.service),
            token: Arc::new(RwLock::new(config.token.clone())),
            token_file: config.token_file.clone(),
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ServiceError> {
        let again = request.try_clone();
        let mut response = request.bearer_auth(self.token().expose()).send().await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(again) = again
            && self.read_new_token()
        {
            response = again.bearer_auth(self.token().expose()).send().await?;
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = Duration::from_secs(retry_after.unwrap_or(0)).min(LONGEST_RETRY_AFTER);
        let problem = json::<Problem>(response).await;
        let is_problem = problem.is_ok();
        let detail = problem.map_or_else(|_| "no explanation".to_owned(), |problem| problem.detail);
        Err(ServiceError::Refused { status, detail, is_problem, retry_after })
    }

    fn token(&self) -> Secret {
        self.token.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is another token in the file now: it was replaced while the agent was running.
    fn read_new_token(&self) -> bool {
        let Some(new) = self.token_file.as_deref().and_then(|path| Secret::read(path).ok()) else { return false };
        let mut token = self.token.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = *token != new;
        *token = new;
        is_new
    }

    /// Who the service says we are.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn identity(&self) -> Result<AgentIdentity, ServiceError> {
        let request = self.client.get(format!("{}/agent", self.base)).timeout(ANSWER_TIMEOUT);
        json(self.send(request).await?).await
    }

    /// The changes since a position, as soon as there are any (`None`: nothing new for `wait` seconds), or a snapshot. Its body
    /// may be compressed by Zstandard.
    ///
    /// # Errors
    /// [`ServiceError`]; 410 when only a snapshot helps.
    pub async fn list(&self, since: Option<&Acknowledgement>, wait: u32) -> Result<Option<Response>, ServiceError> {
        let mut request = self.client.get(format!("{}/agent/list", self.base)).header(ACCEPT_ENCODING, "zstd, gzip");
        if let Some(since) = since {
            request = request.query(&[
                ("epoch", since.epoch.to_string()),
                ("version", since.version.to_string()),
                ("checksum", since.checksum.to_string()),
                ("wait", wait.to_string()),
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
        json(self.send(request.timeout(ANSWER_TIMEOUT)).await?).await
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
        json(self.send(self.client.post(url).json(events).timeout(ANSWER_TIMEOUT)).await?).await
    }
}

/// An answer in JSON, of a bounded length.
async fn json<T: DeserializeOwned>(mut response: Response) -> Result<T, ServiceError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_OCTETS {
            return Err(ServiceError::NotStoplist);
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| ServiceError::NotStoplist)
}
