//! Follows the mail log into the spool.

use super::{
    log_file::{LogFile, LogPosition},
    progress::Progress,
    spool::Spool,
};
use crate::{clock::Clock, files::NextVersion};
use bounces::postfix::{Config, LogParser, State};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

/// How often an idle log is looked at.
const POLL: Duration = Duration::from_millis(100);
/// The pause after the disk refused.
const DISK_PAUSE: Duration = Duration::from_secs(1);
/// How often the position is saved at most. Lines that are read again after a kill give the same event ids.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Saving may take this part of the time at most: what is remembered of a long queue is 100 MB.
const REST_PER_SAVE: u32 = 100;

/// What a restart goes on from.
#[derive(Serialize, Deserialize)]
struct Saved<S> {
    log: LogPosition,
    parser: S,
}

/// Follows a mail log.
pub struct Follower {
    mail_log: PathBuf,
    log: LogFile,
    parser: LogParser,
    position_file: PathBuf,
    spool: Arc<Spool>,
    clock: Clock,
    progress: Arc<Progress>,
}

impl Follower {
    /// A follower that goes on where the one before stopped, or starts with the log's first line.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new(
        mail_log: &Path,
        config: Config,
        data_dir: &Path,
        spool: Arc<Spool>,
        clock: Clock,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        let position_file = data_dir.join("mail-log.json");
        let saved: Option<Saved<State>> = match std::fs::read(&position_file) {
            Ok(json) => serde_json::from_slice(&json)
                .inspect_err(|error| tracing::error!(%error, "the position in the mail log is damaged; reading it from its start"))
                .ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (position, parser) = match saved {
            Some(saved) => (saved.log, LogParser::with_state(config, saved.parser)),
            None => (LogPosition::default(), LogParser::new(config)),
        };
        let log = LogFile::new(mail_log.to_owned(), position);
        Ok(Self { mail_log: mail_log.to_owned(), log, parser, position_file, spool, clock, progress })
    }

    /// Follows until it is stopped. Blocks.
    pub fn run(mut self) {
        let (mut last_save, mut pause) = (Instant::now(), SAVE_EVERY);
        let mut is_saved = true;
        while !self.is_stopped() {
            let log = self.mail_log.display();
            let problem = match self.log.next_lines() {
                Ok(lines) if lines.is_empty() => {
                    sleep(POLL);
                    (!self.log.is_there()).then(|| format!("there is no mail log {log}: no errors are reported"))
                }
                Ok(lines) => {
                    let now = self.clock.local();
                    let events: Vec<_> = lines.iter().flat_map(|line| self.parser.feed(line.as_bytes(), now)).collect();
                    // A full disk holds back the log, which keeps the events, and not the lookups.
                    while let Err(error) = self.spool.append(&events) {
                        tracing::error!(%error, "cannot spool events; the mail log waits");
                        sleep(DISK_PAUSE);
                        if self.is_stopped() {
                            return;
                        }
                    }
                    is_saved = false;
                    None
                }
                Err(error) => {
                    sleep(DISK_PAUSE);
                    Some(format!("cannot read the mail log {log} ({error}): may the agent's user read it?"))
                }
            };
            self.progress.mail_log.note(problem, "the mail log is read");
            self.progress.octets.store(self.log.position().octets, Ordering::Relaxed);
            // Before a file's first line the position of the file before it says more.
            if !is_saved && last_save.elapsed() >= pause && self.log.position().octets > 0 {
                let begun = Instant::now();
                match self.save() {
                    Ok(()) => is_saved = true,
                    Err(error) => tracing::error!(%error, "cannot save the position in the mail log"),
                }
                last_save = Instant::now();
                pause = SAVE_EVERY.max((last_save - begun) * REST_PER_SAVE);
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.progress.stop.load(Ordering::Relaxed)
    }

    /// Everything up to this position is durable in the spool.
    fn save(&self) -> io::Result<()> {
        let saved = Saved { log: self.log.position().clone(), parser: self.parser.state() };
        let mut file = BufWriter::new(NextVersion::create(&self.position_file)?);
        serde_json::to_writer(&mut file, &saved)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.replace()
    }
}
