//! The service as a process that can be killed and started again.

use super::{clock::ClockFile, programs};
use crate::rig::{Database, Process, Site};
use anyhow::Context;
use rustix::process::Signal;
use std::{net::SocketAddr, os::unix::process::ExitStatusExt, path::PathBuf, process::Command, time::Duration};

/// How long the service may take until it answers.
const START: Duration = Duration::from_secs(60);

/// One node of the service, running or not.
pub struct Service {
    name: String,
    program: PathBuf,
    address: SocketAddr,
    database_url: String,
    clock: Option<PathBuf>,
    folder: PathBuf,
    /// Mail server and sender of its mails.
    mail: Option<(String, String)>,
    /// The only certificates that it trusts, instead of the machine's.
    trusted: Option<PathBuf>,
    process: Option<Process>,
}

impl Service {
    /// A node on `port` of the site; with `clock`, its time is that file's.
    ///
    /// # Errors
    /// The program is missing.
    pub fn new(
        site: &Site,
        database: &Database,
        name: &str,
        port: u16,
        clock: Option<&ClockFile>,
    ) -> anyhow::Result<Self> {
        Self::alone(site.new_folder(name)?, SocketAddr::from((site.address(), port)), database, clock)
    }

    /// A node without mail servers around, with its files in `folder`.
    ///
    /// # Errors
    /// The program is missing.
    pub fn alone(
        folder: PathBuf,
        address: SocketAddr,
        database: &Database,
        clock: Option<&ClockFile>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            name: folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            program: if clock.is_some() { programs::stoplist_with_clock()? } else { programs::stoplist()? },
            address,
            database_url: database.url().to_owned(),
            clock: clock.map(|clock| clock.path().to_owned()),
            folder,
            mail: None,
            trusted: None,
            process: None,
        })
    }

    /// The same, sending mail through a server.
    pub fn sending_mail_by(self, smtp_url: &str, from: &str) -> Self {
        Self { mail: Some((smtp_url.to_owned(), from.to_owned())), ..self }
    }

    /// The same, trusting the certificates of a PEM file instead of those that the machine trusts.
    pub fn trusting(self, certificates: PathBuf) -> Self {
        Self { trusted: Some(certificates), ..self }
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// It ends or does not get ready in time.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.env("STOPLIST_LISTEN", self.address.to_string());
        command.env("STOPLIST_DATABASE_URL", &self.database_url);
        command.env("STOPLIST_DATA_DIR", self.folder.join("data"));
        if let Some((smtp_url, from)) = &self.mail {
            command.env("STOPLIST_SMTP_URL", smtp_url).env("STOPLIST_MAIL_FROM", from);
            command.env("STOPLIST_PUBLIC_URL", self.url());
        }
        if let Some(certificates) = &self.trusted {
            command.env("SSL_CERT_FILE", certificates);
        }
        match &self.clock {
            Some(clock) => command.env("STOPLIST_CLOCK_FILE", clock),
            None => command.arg("serve"),
        };
        let mut process = Process::start(&self.name, &mut command, &self.folder.join("output"))?;
        process.line_with("Stoplist is ready: ", START).await?;
        self.process = Some(process);
        Ok(())
    }

    /// The set-up code that it printed.
    ///
    /// # Errors
    /// It printed none.
    pub async fn set_up_code(&mut self) -> anyhow::Result<String> {
        let process = self.process.as_mut().context("the service is not running")?;
        let line = process.line_with("Set-up code: ", START).await?;
        Ok(line.split_once("Set-up code: ").map_or(line.as_str(), |(_, code)| code).trim().to_owned())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// It is not running.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().context("the service is not running")?.kill()
    }

    /// Whether it was killed without anybody here doing it.
    ///
    /// # Errors
    /// It is not running, or ended in another way.
    pub fn was_killed(&mut self) -> anyhow::Result<bool> {
        let process = self.process.as_mut().context("the service is not running")?;
        let Some(status) = process.ended()? else { return Ok(false) };
        anyhow::ensure!(status.signal() == Some(Signal::KILL.as_raw()), "it ended ({status}):\n{}", self.output());
        Ok(true)
    }

    /// The address of its root, `http://…` without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it wrote since its last start.
    pub fn output(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }
}
