//! The service and the agents as processes: the programs that `cargo build --release` made.

use crate::{database::Database, tools};
use anyhow::Context;
use mail_e2e::rig::{Process, holds_within};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How long the service may take until it answers: it may have to read ten million rows first.
const START: Duration = Duration::from_secs(120);

/// The path of a program beside this one.
///
/// # Errors
/// It is not there.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    anyhow::ensure!(path.exists(), "{} is missing: start the bench by `cargo xtask bench`", path.display());
    Ok(path)
}

/// A running service; killed when dropped.
pub struct Service {
    process: Process,
    url: String,
}

impl Service {
    /// Starts it on a free port, with its files in `folder`.
    ///
    /// # Errors
    /// It does not get ready.
    pub async fn start(database: &Database, folder: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(program("stoplist")?);
        command.arg("serve").env("STOPLIST_LISTEN", "127.0.0.1:0").env("STOPLIST_DATABASE_URL", database.url());
        command.env("STOPLIST_DATA_DIR", folder.join("data")).env("RUST_LOG", "warn,backend::service::agent_sync=info");
        // The bench looks every 5 ms whether a work is done: for long more often than a client may.
        command.env("STOPLIST_REQUEST_RATE", "10000");
        fs::create_dir_all(folder)?;
        let mut process = Process::start("the service", &mut command, &folder.join("output"))?;
        let ready = "Stoplist is ready: ";
        let line = process.line_with(ready, START).await?;
        let url = line.split_once(ready).map_or("", |(_, url)| url).trim().trim_end_matches('/').to_owned();
        Ok(Self { process, url })
    }

    /// `http://…` without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The code that the first provider needs.
    ///
    /// # Errors
    /// It printed none.
    pub async fn set_up_code(&mut self) -> anyhow::Result<String> {
        let heading = "Set-up code: ";
        let line = self.process.line_with(heading, START).await?;
        Ok(line.split_once(heading).map_or("", |(_, code)| code).trim().to_owned())
    }

    /// Waits until it has prepared a list that waits for its publication.
    ///
    /// # Errors
    /// It does not.
    pub async fn prepared(&mut self) -> anyhow::Result<()> {
        self.process.line_with("prepared a list before its publication", START).await.map(drop)
    }

    /// Forgets the highest memory so far.
    ///
    /// # Errors
    /// The process is gone.
    pub fn reset_peak(&self) -> anyhow::Result<()> {
        // proc(5): 5 resets the peak of the resident set.
        fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").context("the service is gone")
    }

    /// The highest resident memory since [`Service::reset_peak`], in bytes.
    ///
    /// # Errors
    /// The process is gone.
    pub fn peak(&self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(path).context("the service is gone")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in its status")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().context("VmHWM is no number")?;
        Ok(kilobytes * 1_024)
    }

    /// Stops it by SIGTERM.
    ///
    /// # Errors
    /// It does not stop, or not in peace.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

/// A running agent; killed when dropped.
pub struct Agent {
    process: Process,
    config: PathBuf,
}

impl Agent {
    /// Starts the agent of a mail server. Postfix asks it at `policy` and `socketmap`; `lines` are more lines for its
    /// configuration.
    ///
    /// # Errors
    /// It does not get ready.
    pub async fn start(
        service: &Service,
        token: &str,
        folder: &Path,
        [policy, socketmap]: [SocketAddr; 2],
        lines: &str,
    ) -> anyhow::Result<Self> {
        let config = folder.join("agent.toml");
        let data = folder.join("data");
        fs::create_dir_all(folder)?;
        let text = format!(
            "service = {:?}\ntoken = {:?}\ndata_dir = {:?}\npolicy_listen = \"{policy}\"\n\
             socketmap_listen = \"{socketmap}\"\n{lines}\n",
            service.url(),
            token,
            data.display().to_string(),
        );
        fs::write(&config, text)?;
        let mut command = Command::new(program("stoplist-agent")?);
        command.arg("--config").arg(&config).arg("run").env("RUST_LOG", "warn");
        let mut process = Process::start("the agent", &mut command, &folder.join("output"))?;
        process.line_with("stoplist-agent is ready", START).await?;
        let agent = Self { process, config };
        // Postfix does not start without the file that it falls back to.
        let map_file = data.join("blocklist.cdb");
        holds_within("the agent wrote its map file", START, async || Ok(map_file.exists())).await?;
        Ok(agent)
    }

    /// The lines for Postfix's configuration.
    ///
    /// # Errors
    /// The agent's program fails.
    pub async fn postfix_config(&self) -> anyhow::Result<String> {
        let mut command = Command::new(program("stoplist-agent")?);
        tools::output(command.arg("--config").arg(&self.config).arg("postfix-config")).await
    }

    /// Stops it by SIGTERM.
    ///
    /// # Errors
    /// It does not stop, or not in peace.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}
