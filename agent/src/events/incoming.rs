//! Events that other processes hand over, `stoplist-agent bounce` for example: a folder with one file for each bounce
//! message. Writers and reader may be killed at any moment, and neither waits for the other.

use super::{progress::Progress, spool::Spool};
use crate::files;
use sha2::{Digest, Sha256};
use shared::delivery_event::NewDeliveryEvent;
use std::{
    collections::HashSet,
    fs::DirBuilder,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    thread::sleep,
    time::Duration,
};

/// How often an empty folder is looked at.
const POLL: Duration = Duration::from_millis(200);
/// The pause after the disk refused.
const DISK_PAUSE: Duration = Duration::from_secs(1);
/// How many files go into the spool at a time.
const BATCH: usize = 500;
/// What a killed writer left behind is removed after this time.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3_600);

fn folder_in(data_dir: &Path) -> PathBuf {
    data_dir.join("incoming")
}

/// Makes the folder, if it is missing, in an agent's data folder.
///
/// # Errors
/// When there is no data folder or the disk refuses.
pub fn make_folder(data_dir: &Path) -> io::Result<PathBuf> {
    let folder = folder_in(data_dir);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => files::sync_folder(data_dir)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(folder)
}

/// Hands events over durably, whether an agent is running or not. Blocks.
///
/// # Errors
/// When the disk refuses: none of them was handed over, or all of them were; doing it again is harmless.
pub fn hand_over(data_dir: &Path, events: &[NewDeliveryEvent]) -> io::Result<()> {
    let folder = make_folder(data_dir)?;
    let lines = serde_json::to_vec(events)?;
    // Named by what failed: a message that Postfix delivers twice is one file, though it may be dated by its receipt.
    let failed = events.iter().fold(Sha256::new(), |hash, event| hash.chain_update(&event.id).chain_update("\n"));
    let name: String = failed.finalize().iter().take(16).map(|octet| format!("{octet:02x}")).collect();
    // Two processes may hold the same message: each writes a file of its own before.
    let mut file = tempfile::Builder::new().prefix(".").tempfile_in(&folder)?;
    file.write_all(&lines)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(format!("{name}.json")))?;
    files::sync_folder(&folder)
}

/// Takes handed over events into the spool.
pub struct Incoming {
    folder: PathBuf,
    spool: Arc<Spool>,
    progress: Arc<Progress>,
    /// Files that are in the spool and could not be removed.
    spooled: HashSet<PathBuf>,
}

impl Incoming {
    /// Takes from the folder in this data folder, which is made if needed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new(data_dir: &Path, spool: Arc<Spool>, progress: Arc<Progress>) -> io::Result<Self> {
        let folder = make_folder(data_dir)?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if is_unfinished(&entry.path()) && age > LEFT_BEHIND {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(Self { folder, spool, progress, spooled: HashSet::new() })
    }

    /// Takes until it is stopped. Blocks.
    pub fn run(mut self) {
        while !self.progress.stop.load(Ordering::Relaxed) {
            let problem = match self.take() {
                Ok((taken, problem)) => {
                    if taken == 0 {
                        sleep(POLL);
                    }
                    problem
                }
                Err(error) => {
                    sleep(DISK_PAUSE);
                    Some(format!("cannot take over the bounces in {} ({error}): they wait", self.folder.display()))
                }
            };
            self.progress.incoming.note(problem, "all bounces are taken over");
        }
    }

    /// Takes some files; answers how many, and what is wrong with one that stays: it must not hold back the others.
    fn take(&mut self) -> io::Result<(usize, Option<String>)> {
        let (mut events, mut found, mut problem) = (Vec::new(), Vec::new(), None);
        let mut stays = |path: &Path, error: io::Error| {
            problem.get_or_insert_with(|| {
                format!("cannot take over {} ({error}): does it belong to the agent's user?", path.display())
            });
        };
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if is_unfinished(&path) {
                continue;
            }
            if !self.spooled.contains(&path) {
                let content = match std::fs::read(&path) {
                    Ok(content) => content,
                    Err(error) => {
                        stays(&path, error);
                        continue;
                    }
                };
                match serde_json::from_slice::<Vec<NewDeliveryEvent>>(&content) {
                    Ok(of_file) => events.extend(of_file),
                    Err(error) => {
                        // What serde says may quote an address.
                        let what = error.classify();
                        tracing::error!(?what, file = %path.display(), "a handed over file is damaged");
                        self.spool.reject(&String::from_utf8_lossy(&content), &error.to_string())?;
                    }
                }
            }
            found.push(path);
            // Those that cannot be removed take no place from others.
            if found.len() == BATCH + self.spooled.len() {
                break;
            }
        }
        self.spool.append(&events)?;
        self.spooled.extend(found.iter().cloned());
        let mut taken = 0;
        for path in &found {
            match std::fs::remove_file(path) {
                Ok(()) => {
                    self.spooled.remove(path);
                    taken += 1;
                }
                Err(error) => stays(path, error),
            }
        }
        Ok((taken, problem))
    }
}

/// Whether a writer has not finished it.
fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."))
}
