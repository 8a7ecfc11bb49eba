//! What is measured: one module a work.

mod console;
mod download;
mod events;
mod policy;
mod publication;
mod registration;
mod run;
mod search;

use crate::{
    account::Account,
    api::Api,
    database::{Database, Kind, Server},
    report::Line,
    service::Service,
};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// A work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// A CSV file from disk to registered
    Registration,
    /// The first page of a search
    Search,
    /// The whole blocked list as CSV
    Download,
    /// Pending addresses to two mail servers
    Publication,
    /// Delivery events taken in
    Events,
    /// A run over many tallies
    Run,
    /// Answers of the agent to Postfix
    Policy,
    /// The console in a browser
    Console,
}

impl Work {
    /// Whether it does more for more rows; the others are measured with the fewest only.
    pub fn grows(self) -> bool {
        !matches!(self, Self::Policy | Self::Console)
    }

    /// Measures it.
    ///
    /// # Errors
    /// Says what is missing or does not answer; nothing is left running.
    pub async fn measure(self, place: &Place, rows: u64) -> anyhow::Result<Vec<Line>> {
        let line = match self {
            Self::Console => return console::measure(place, rows).await,
            Self::Registration => registration::measure(place, rows).await,
            Self::Search => search::measure(place, rows).await,
            Self::Download => download::measure(place, rows).await,
            Self::Publication => publication::measure(place, rows).await,
            Self::Events => events::measure(place, rows).await,
            Self::Run => run::measure(place, rows).await,
            Self::Policy => policy::measure(place, rows).await,
        }?;
        Ok(vec![line])
    }
}

/// Where a work happens: a folder, a database with nothing but the account to take copies of, and a browser if there is
/// one.
pub struct Place {
    folder: PathBuf,
    account: Account,
    base: Database,
    browser: Option<PathBuf>,
}

impl Place {
    /// Sets the account up.
    ///
    /// # Errors
    /// The service does not start.
    pub async fn new(server: &Server, folder: &Path, browser: Option<PathBuf>) -> anyhow::Result<Self> {
        let (account, base) = Account::set_up(server, folder).await?;
        Ok(Self { folder: folder.to_owned(), account, base, browser })
    }

    /// Which database it has.
    pub fn kind(&self) -> Kind {
        self.base.kind()
    }

    /// An empty folder of its own for something.
    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The service on a database, and its API.
    async fn serve(&self, database: &Database) -> anyhow::Result<(Service, Api)> {
        let service = Service::start(database, &self.folder("service")?).await?;
        let api = self.account.api(&service)?;
        Ok((service, api))
    }
}
