//! The time: the machine's, and the one that a test gives to the service.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::path::{Path, PathBuf};

/// The machine's time.
#[expect(clippy::disallowed_methods, reason = "the one place of the mail tests that reads the machine's clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A clock in a file: `stoplist-with-clock` reads it, the test moves it. Beside it, when the service is to be killed.
pub struct ClockFile {
    path: PathBuf,
    time: DateTime<Utc>,
}

impl ClockFile {
    /// A clock that stands on the same minute tomorrow, so that no event of the real mail lies in its future.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn tomorrow(folder: &Path) -> anyhow::Result<Self> {
        let time = now().trunc_subsecs(0) + TimeDelta::days(1);
        let clock = Self { path: folder.join("clock"), time: time - TimeDelta::seconds(time.timestamp() % 60) };
        clock.write()?;
        Ok(clock)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it shows.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// Sets it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn set(&mut self, time: DateTime<Utc>) -> anyhow::Result<()> {
        self.time = time;
        self.write()
    }

    /// Makes the service kill itself before the `n`th statement of the work that is asked for from now on.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn kill_at(&self, n: usize) -> anyhow::Result<()> {
        put(&self.kill_file(), &n.to_string())
    }

    /// Makes the service kill itself before the `n`th statement of the next job of a kind (`Run`, `Distribution`).
    ///
    /// # Errors
    /// The disk refuses.
    pub fn kill_in(&self, job: &str, n: usize) -> anyhow::Result<()> {
        put(&self.kill_file(), &format!("{job} {n}"))
    }

    /// Lets it live again.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn let_live(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.kill_file())?)
    }

    fn kill_file(&self) -> PathBuf {
        self.path.with_extension("kill")
    }

    fn write(&self) -> anyhow::Result<()> {
        put(&self.path, &self.time.to_rfc3339())
    }
}

/// Writes a file that is whole whenever somebody reads it.
fn put(file: &Path, text: &str) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, text)?;
    Ok(std::fs::rename(new, file)?)
}
