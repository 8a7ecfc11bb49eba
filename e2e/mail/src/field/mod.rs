//! A whole Stoplist at work: the service, two mail servers with their agents, and a client of the API.

pub mod agent;
pub mod api;
pub mod clock;
mod programs;
pub mod service;

pub use agent::MailServer;
pub use api::Api;
pub use clock::ClockFile;
pub use service::Service;

use crate::rig::{Database, Site, holds_within};
use anyhow::Context;
use shared::{
    mail_server::{MailServerState, ServerConfiguration},
    run::{Distribution, DistributionState, Run, RunState},
};
use std::time::Duration;

/// How long something may take that happens by itself within moments.
pub const SOON: Duration = Duration::from_secs(60);
/// The zone of the execute timing: far from UTC and without DST.
pub const ZONE: &str = "Asia/Tokyo";

/// The service with one server configuration and two mail servers, all running.
///
/// Fields drop in this order: what asks ends before what answers.
pub struct Field {
    /// The first mail server.
    pub one: MailServer,
    /// The second mail server.
    pub two: MailServer,
    /// The service.
    pub service: Service,
    /// The API, with a token for everything.
    pub api: Api,
    /// The database of this test.
    pub database: Database,
    /// Address, folder, DNS and sink.
    pub site: Site,
}

impl Field {
    /// Starts everything and waits until both mail servers hold the (empty) list.
    ///
    /// # Errors
    /// Says what does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(Site::open().await?, None).await
    }

    async fn start_on(site: Site, clock: Option<&ClockFile>) -> anyhow::Result<Self> {
        let database = Database::fresh(site.folder()).await?;
        let mut service = Service::new(&site, &database, "service", 8080, clock)?;
        service.start().await?;
        let api = Api::set_up(&mut service).await?;
        let (one, two) = tokio::try_join!(
            MailServer::start(&site, &service, &api, "one", 0),
            MailServer::start(&site, &service, &api, "two", 1),
        )?;
        let field = Self { one, two, service, api, database, site };
        field.both_are_in_sync().await?;
        Ok(field)
    }

    /// Runs now, and waits until both mail servers hold what it published.
    ///
    /// # Errors
    /// The run fails, or a mail server does not acknowledge in time.
    pub async fn run_now(&self) -> anyhow::Result<Run> {
        let run = self.api.queue_run().await?;
        let run = self.run_is_done(run.id).await?;
        if let Some(distribution) = run.distribution_id {
            self.distribution_is_complete(distribution).await?;
        }
        Ok(run)
    }

    /// Waits until a run is done.
    ///
    /// # Errors
    /// It is given up, or the deadline passed.
    pub async fn run_is_done(&self, run: uuid::Uuid) -> anyhow::Result<Run> {
        holds_within("the run is done", SOON, async || {
            let run = self.api.run(run).await?;
            anyhow::ensure!(run.state != RunState::Failed, "the run failed: {:?}", run.error);
            Ok(run.state == RunState::Done)
        })
        .await?;
        self.api.run(run).await
    }

    /// Waits until every mail server acknowledged a distribution.
    ///
    /// # Errors
    /// The deadline passed.
    pub async fn distribution_is_complete(&self, id: uuid::Uuid) -> anyhow::Result<Distribution> {
        holds_within("every mail server acknowledged the distribution", SOON, async || {
            Ok(self.api.distribution(id).await?.state == DistributionState::Complete)
        })
        .await?;
        self.api.distribution(id).await
    }

    /// Waits until both mail servers hold the published list with the right checksum.
    ///
    /// # Errors
    /// The deadline passed.
    pub async fn both_are_in_sync(&self) -> anyhow::Result<()> {
        holds_within("both mail servers are in sync", SOON, async || {
            let servers = self.api.mail_servers().await?;
            Ok(servers.len() == 2 && servers.iter().all(|server| server.state == MailServerState::InSync))
        })
        .await?;
        Ok(())
    }

    /// The server configuration as the API shows it now.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn configuration(&self) -> anyhow::Result<ServerConfiguration> {
        self.api.configuration().await
    }

    /// Waits until the error log has `count` errors of an address, and fails if there are more.
    ///
    /// # Errors
    /// There are more, or the deadline passed.
    pub async fn errors_are_counted(&self, address: &str, count: usize) -> anyhow::Result<()> {
        let what = format!("the error log has {count} errors of {address}");
        holds_within(&what, SOON, async || {
            let errors = self.api.errors_of(address).await?;
            anyhow::ensure!(errors.len() <= count, "counted {} instead of {count} times: {errors:?}", errors.len());
            Ok(errors.len() == count)
        })
        .await?;
        Ok(())
    }

    /// Sends one message to an address that does not exist and waits until that is in the error log.
    ///
    /// # Errors
    /// The mail server refuses it, or nobody reports it.
    pub async fn bounce(&self, address: &str) -> anyhow::Result<()> {
        self.site.when_mailed(address, crate::rig::Answer::unknown_user());
        let reply = self.one.session().await?.send(address).await?;
        anyhow::ensure!(reply.is_positive(), "the mail server refuses {address}: {reply:?}");
        self.errors_are_counted(address, 1).await
    }

    /// Whether both mail servers refuse the address as blocked, each in a new session.
    ///
    /// # Errors
    /// A server does not answer, or the two differ.
    pub async fn is_refused(&self, address: &str) -> anyhow::Result<bool> {
        let one = self.one.refuses(address).await.context("mail server one")?;
        let two = self.two.refuses(address).await.context("mail server two")?;
        anyhow::ensure!(one == two, "for {address} server one says {one}, server two {two}");
        Ok(one)
    }

    /// Prints what the processes wrote last, to explain a failure.
    fn explain(&self) {
        for (name, text) in [
            ("service", self.service.output()),
            ("agent one", self.one.agent_output()),
            ("agent two", self.two.agent_output()),
            ("mail log one", self.one.postfix.log()),
            ("mail log two", self.two.postfix.log()),
        ] {
            let lines: Vec<&str> = text.lines().collect();
            println!("---- {name}, the last lines ----\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }

    /// Runs a test on a fresh field; when it fails, shows what the processes said.
    ///
    /// # Errors
    /// Those of the test.
    pub async fn prove(test: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut field = Self::start().await?;
        let proven = test(&mut field).await;
        field.explained(proven)
    }

    /// The same, with a service whose time the test moves.
    ///
    /// # Errors
    /// Those of the test.
    pub async fn prove_by_clock(
        test: impl AsyncFnOnce(&mut Self, &mut ClockFile) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let site = Site::open().await?;
        let mut clock = ClockFile::tomorrow(site.folder())?;
        let mut field = Self::start_on(site, Some(&clock)).await?;
        let proven = test(&mut field, &mut clock).await;
        field.explained(proven)
    }

    fn explained(&self, proven: anyhow::Result<()>) -> anyhow::Result<()> {
        if proven.is_err() {
            self.explain();
        }
        proven
    }
}
