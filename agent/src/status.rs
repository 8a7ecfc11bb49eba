//! What the running agent says of itself, in a file that `stoplist-agent status` reads.

use crate::{clock::Clock, config::Config};
use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::agent_sync::Acknowledgement;
use std::{
    fmt,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often the file is written.
pub const INTERVAL: Duration = Duration::from_secs(2);

/// The state of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// When this was true.
    pub at: DateTime<Utc>,
    /// The agent's process.
    pub pid: u32,
    /// Where the service is.
    pub service: String,
    /// The list in effect.
    pub list: Option<Acknowledgement>,
    /// What the service agreed to last.
    pub acknowledged: Option<Acknowledgement>,
    /// When the service last answered.
    pub last_contact: Option<DateTime<Utc>>,
    /// What is wrong with the syncing, the map file, the mail log or the bounce messages.
    pub problem: Option<String>,
    /// How many events wait for the service.
    pub spool_backlog: u64,
    /// How many octets of the current mail log were read.
    pub log_octets: Option<u64>,
}

/// What is wrong with a task, if anything is.
#[derive(Debug, Default)]
pub struct Problem(Mutex<Option<String>>);

impl Problem {
    /// What is wrong now.
    pub fn now(&self) -> Option<String> {
        self.noted().clone()
    }

    /// Notes it; answers whether something else was noted before.
    pub fn set(&self, problem: Option<String>) -> bool {
        let mut noted = self.noted();
        let is_new = *noted != problem;
        *noted = problem;
        is_new
    }

    /// Notes it, and logs it once; when it is over, `well` is logged.
    pub fn note(&self, problem: Option<String>, well: &str) {
        if self.set(problem.clone()) {
            match problem {
                Some(problem) => tracing::warn!("{problem}"),
                None => tracing::info!("{well}"),
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(config: &Config) -> PathBuf {
    config.data_dir.join("status.json")
}

impl Status {
    /// Writes the file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, config: &Config) -> anyhow::Result<()> {
        // Replaced by a rename so that no reader sees half of it; need not survive a power cut.
        let (path, new) = (path(config), crate::files::next_version_of(&path(config)));
        std::fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        Ok(std::fs::rename(new, path)?)
    }

    /// Reads the file that an agent wrote.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(config: &Config) -> anyhow::Result<Self> {
        let path = path(config);
        let json = std::fs::read(&path).with_context(|| {
            format!("cannot read {}: has the agent ever run with this configuration?", path.display())
        })?;
        serde_json::from_slice(&json).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Whether the agent wrote this a moment ago.
    pub fn is_fresh(&self, clock: Clock) -> bool {
        (clock.now() - self.at).num_seconds() <= 5 * INTERVAL.as_secs() as i64
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |at: &Option<DateTime<Utc>>| at.map_or("never".to_owned(), |at| at.to_rfc3339());
        writeln!(f, "service        {}", self.service)?;
        writeln!(f, "last contact   {}", time(&self.last_contact))?;
        match &self.list {
            Some(list) => {
                writeln!(f, "epoch          {}", list.epoch)?;
                writeln!(f, "version        {}", list.version)?;
                writeln!(f, "addresses      {}", list.count)?;
                writeln!(f, "checksum       {}", list.checksum)?;
                let agreed = self.acknowledged.as_ref() == Some(list);
                writeln!(f, "acknowledged   {}", if agreed { "yes" } else { "not yet" })?;
            }
            None => writeln!(f, "list           none: Postfix uses the map file")?,
        }
        writeln!(f, "events waiting {}", self.spool_backlog)?;
        match self.log_octets {
            Some(octets) => writeln!(f, "mail log read  {octets} octets of the current file")?,
            None => writeln!(f, "mail log       not followed")?,
        }
        match &self.problem {
            Some(problem) => writeln!(f, "problem        {problem}"),
            None => writeln!(f, "problem        none"),
        }
    }
}
