//! Child processes that end with the test, whatever happens.

use super::wait::eventually;
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// How long a process may take to end after it is asked to.
const STOP: Duration = Duration::from_secs(15);

/// A process that this test started. Dropped, it is killed with SIGKILL; no other process ever is.
pub struct Process {
    name: String,
    child: Child,
    output: PathBuf,
    /// Where in `output` this process began: the file outlives a restart.
    began: u64,
}

impl Process {
    /// Starts `command`; standard output and error are appended to the file `output`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(name: &str, command: &mut Command, output: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(output)?;
        let began = file.metadata()?.len();
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, output: output.to_owned(), began })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the process has written so far.
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.output).unwrap_or_default();
        let own = bytes.get(usize::try_from(self.began).unwrap_or(usize::MAX)..).unwrap_or_default();
        String::from_utf8_lossy(own).into_owned()
    }

    /// Waits for a line that holds `text`, and returns it.
    ///
    /// # Errors
    /// The process ended or the deadline passed first.
    pub async fn line_with(&mut self, text: &str, deadline: Duration) -> anyhow::Result<String> {
        let what = format!("{} says {text:?}", self.name);
        let (line, _) = eventually(&what, deadline, async || {
            // Looked at before the output, so that the last words of a process are read.
            let ended = self.child.try_wait()?;
            // A line counts once it is complete.
            let output = self.output();
            let complete = output.rfind('\n').map_or("", |end| &output[..end]);
            let line = complete.lines().find(|line| line.contains(text)).map(str::to_owned);
            if let (None, Some(status)) = (&line, ended) {
                anyhow::bail!("{} ended ({status}):\n{output}", self.name);
            }
            Ok(line)
        })
        .await?;
        Ok(line)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not say.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Kills the process with SIGKILL (`kill -9`) and waits until it is gone.
    ///
    /// # Errors
    /// The process had ended by itself before.
    pub fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            anyhow::bail!("{} had ended by itself ({status}):\n{}", self.name, self.output());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to end with SIGTERM, and waits until it has.
    ///
    /// # Errors
    /// It does not end in time, or with an error.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        send(self.child.id(), Signal::TERM)?;
        let what = format!("{} has stopped", self.name);
        let (status, _) = eventually(&what, STOP, async || Ok(self.child.try_wait()?)).await?;
        anyhow::ensure!(status.success(), "{} ended with {status}:\n{}", self.name, self.output());
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that the caller started.
///
/// # Errors
/// There is no such process.
pub fn send(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("no process has this id")?;
    Ok(kill_process(pid, signal)?)
}
