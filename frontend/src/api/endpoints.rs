//! One method for each call that the console makes.

use super::{ApiError, Client, EventQuery, ListQuery, Search, SignedIn, sleep::within};
use crate::api::message::json;
use chrono::{DateTime, Utc};
use gloo_net::http::Method;
use shared::{
    Page,
    delivery_event::DeliveryEvent,
    download::DownloadList,
    list::{BlockedAddress, Exemption, ReleaseRequest, ReleaseResult},
    mail_server::{
        MailServer, MailServerCredential, MailServerUpdate, NewMailServer, NewServerConfiguration, ServerConfiguration,
    },
    run::{Distribution, Run},
    run_settings::{
        ExecuteTimingPreview, ExecuteTimingPreviewRequest, RunSettings, RunSettingsUpdate, WatchPeriodPreview,
        WatchPeriodPreviewRequest,
    },
    session::{AccessToken, Me, SetupRequest, SetupState},
};
use std::time::Duration;
use uuid::Uuid;

/// Something with the `ETag` under which it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// What was read.
    pub value: T,
    /// For `If-Match`.
    pub etag: String,
}

pub(super) fn below(configuration: Uuid, rest: &str) -> String {
    format!("/server-configurations/{configuration}{rest}")
}

impl Client {
    /// Whether the service waits for its first provider.
    pub async fn setup_state(self) -> Result<SetupState, ApiError> {
        self.open_call(Method::GET, "/setup", None::<&()>).await
    }

    /// Makes the first provider and signs in.
    pub async fn set_up(self, request: &SetupRequest) -> Result<(), ApiError> {
        self.keep(self.open_call::<AccessToken>(Method::POST, "/setup", Some(request)).await?);
        Ok(())
    }

    /// Signs out; the session ends here even when the service cannot be told, or does not answer within `patience`.
    ///
    /// # Errors
    /// The session may still be there at the service.
    pub async fn sign_out(self, patience: Duration) -> Result<(), ApiError> {
        let told = within(patience, self.call(Method::DELETE, "/sessions/current", None, &[])).await;
        self.forget(SignedIn::No);
        match told.unwrap_or(Err(ApiError::Unreachable)) {
            // It has ended already.
            Err(ApiError::SignedOut) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Who is signed in.
    pub async fn me(self) -> Result<Me, ApiError> {
        self.get("/me").await
    }

    /// The account's server configurations.
    pub async fn configurations(self) -> Result<Vec<ServerConfiguration>, ApiError> {
        Ok(self.whole("/server-configurations").await?.items)
    }

    /// Changes a server configuration, unless somebody else did since it was read.
    pub async fn update_configuration(
        self,
        known: &ServerConfiguration,
        change: &NewServerConfiguration,
    ) -> Result<ServerConfiguration, ApiError> {
        let (path, etag) = (below(known.id, ""), format!("\"{}\"", known.revision));
        self.call(Method::PATCH, &path, Some(json(change)?), &[("If-Match", &etag)]).await?.json()
    }

    /// Makes a server configuration.
    pub async fn create_configuration(self, new: &NewServerConfiguration) -> Result<ServerConfiguration, ApiError> {
        self.send(Method::POST, "/server-configurations", new).await
    }

    /// A page of the blocked list.
    pub async fn blocked_addresses(self, id: Uuid, query: ListQuery) -> Result<Page<BlockedAddress>, ApiError> {
        self.get(&below(id, &format!("/blocked-addresses{}", query.text()))).await
    }

    /// Releases addresses.
    pub async fn release(self, id: Uuid, request: &ReleaseRequest) -> Result<ReleaseResult, ApiError> {
        self.send(Method::POST, &below(id, "/releases"), request).await
    }

    /// A page of the stop cancellation list.
    pub async fn exemptions(self, id: Uuid, query: ListQuery) -> Result<Page<Exemption>, ApiError> {
        self.get(&below(id, &format!("/exemptions{}", query.text()))).await
    }

    /// Ends an exemption.
    pub async fn delete_exemption(self, id: Uuid, exemption: Uuid) -> Result<(), ApiError> {
        self.call(Method::DELETE, &below(id, &format!("/exemptions/{exemption}")), None, &[]).await.map(drop)
    }

    /// The run settings.
    pub async fn run_settings(self, id: Uuid) -> Result<Versioned<RunSettings>, ApiError> {
        let answer = self.call(Method::GET, &below(id, "/run-settings"), None, &[]).await?;
        Ok(Versioned { value: answer.json()?, etag: answer.header("etag").unwrap_or_default() })
    }

    /// Saves run settings, unless somebody else did since they were read.
    pub async fn save_run_settings(
        self,
        id: Uuid,
        etag: &str,
        new: &RunSettingsUpdate,
    ) -> Result<RunSettings, ApiError> {
        let path = below(id, "/run-settings");
        self.call(Method::PUT, &path, Some(json(new)?), &[("If-Match", etag)]).await?.json()
    }

    /// What a watch period would do.
    pub async fn preview_watch_period(
        self,
        id: Uuid,
        request: &WatchPeriodPreviewRequest,
    ) -> Result<WatchPeriodPreview, ApiError> {
        self.send(Method::POST, &below(id, "/run-settings/watch-period-preview"), request).await
    }

    /// When the next scheduled run would be with an execute timing.
    pub async fn preview_execute_timing(self, id: Uuid, execute_timing: String) -> Result<DateTime<Utc>, ApiError> {
        let request = ExecuteTimingPreviewRequest { execute_timing };
        let path = below(id, "/run-settings/execute-timing-preview");
        Ok(self.send::<ExecuteTimingPreview>(Method::POST, &path, &request).await?.next_execution)
    }

    /// The latest runs.
    pub async fn runs(self, id: Uuid) -> Result<Page<Run>, ApiError> {
        self.get(&below(id, "/runs?limit=1")).await
    }

    /// Performs a run now.
    pub async fn run_now(self, id: Uuid) -> Result<Run, ApiError> {
        self.call(Method::POST, &below(id, "/runs"), None, &[]).await?.json()
    }

    /// A page of the distributions, newest first.
    pub async fn distributions(self, id: Uuid, cursor: &str) -> Result<Page<Distribution>, ApiError> {
        let query = ListQuery { cursor: cursor.to_owned(), ..ListQuery::default() };
        self.get(&below(id, &format!("/distributions{}", query.text()))).await
    }

    /// A distribution.
    pub async fn distribution(self, id: Uuid, distribution: Uuid) -> Result<Distribution, ApiError> {
        self.get(&below(id, &format!("/distributions/{distribution}"))).await
    }

    /// The mail servers.
    pub async fn mail_servers(self, id: Uuid) -> Result<Page<MailServer>, ApiError> {
        self.whole(&below(id, "/mail-servers")).await
    }

    /// Adds a mail server.
    pub async fn create_mail_server(self, id: Uuid, new: &NewMailServer) -> Result<MailServerCredential, ApiError> {
        self.send(Method::POST, &below(id, "/mail-servers"), new).await
    }

    /// Changes a mail server, unless somebody else did since it was read.
    pub async fn update_mail_server(
        self,
        id: Uuid,
        server: &MailServer,
        change: &MailServerUpdate,
    ) -> Result<MailServer, ApiError> {
        let (path, etag) = (below(id, &format!("/mail-servers/{}", server.id)), format!("\"{}\"", server.revision));
        self.call(Method::PATCH, &path, Some(json(change)?), &[("If-Match", &etag)]).await?.json()
    }

    /// Replaces a mail server's token.
    pub async fn renew_token(self, id: Uuid, server: Uuid) -> Result<MailServerCredential, ApiError> {
        self.call(Method::POST, &below(id, &format!("/mail-servers/{server}/token")), None, &[]).await?.json()
    }

    /// A page of the error log or the delivery log.
    pub async fn delivery_events(self, id: Uuid, query: EventQuery) -> Result<Page<DeliveryEvent>, ApiError> {
        self.get(&below(id, &format!("/delivery-events{}", query.text()))).await
    }

    /// An address from which the browser itself can save what a search finds, for a minute. `parameters` are those of the
    /// search, and how the file is written.
    pub async fn download_link(self, id: Uuid, list: DownloadList, parameters: Search) -> Result<String, ApiError> {
        let body = format!(r#"{{"list":{},"parameters":{}}}"#, json(&list)?, parameters.json());
        self.link_to_save(&below(id, "/download-links"), Some(body)).await
    }

    /// The same for the audit log.
    pub async fn audit_log_link(self, parameters: Search) -> Result<String, ApiError> {
        let body = format!(r#"{{"parameters":{}}}"#, parameters.json());
        self.link_to_save("/audit-log/download-links", Some(body)).await
    }

    /// Has a link made from which the browser itself can save something.
    pub(super) async fn link_to_save(self, path: &str, body: Option<String>) -> Result<String, ApiError> {
        /// Of the link only what is needed: it is followed at once.
        #[derive(serde::Deserialize)]
        struct Link {
            url: String,
        }
        Ok(self.call(Method::POST, path, body, &[]).await?.json::<Link>()?.url)
    }
}
