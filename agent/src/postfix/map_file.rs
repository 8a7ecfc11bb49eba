//! The cdb file that Postfix uses while the agent is down.

use super::{REFUSAL, cdb};
use crate::{list::List, status::Problem};
use anyhow::Context;
use shared::Address;
use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// Keeps the file from being empty, which Postfix refuses to open. No mail can go there (RFC 2606).
const SENTINEL: &str = "sentinel@stoplist.invalid";
/// How long changes are collected: an agent that dies after a release must not leave a file that refuses the address.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// How often the file is looked at: something else may have changed or removed it.
const LOOK: Duration = Duration::from_secs(3);
/// The pause after the disk refused.
const RETRY: Duration = Duration::from_secs(10);
/// Writing may take this part of the time at most, so that a long list does not keep the disk busy.
const REST_PER_BUILD: u32 = 5;

/// Gives the forms in which Postfix may look an address up, by its key: the key; with the domain in Unicode; each without
/// the quotes of its local part. None for a key that is no address: `foo@` is every foo of all domains to Postfix, and
/// `example.com` all of that domain (access(5)). Only the agent itself refuses these.
fn for_each_form(key: &str, each: &mut impl FnMut(&str)) {
    if is_plain(key) {
        return each(key);
    }
    let Some((local, domain)) = key.rsplit_once('@').filter(|_| Address::parse(key).is_ok()) else { return };
    let mut forms = vec![key.to_owned()];
    if domain.split('.').any(|label| label.starts_with("xn--")) {
        let (unicode, result) = idna::domain_to_unicode(domain);
        if result.is_ok() && unicode != domain {
            forms.push(format!("{local}@{unicode}"));
        }
    }
    if let Some(quoted) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        let mut plain = String::new();
        let mut chars = quoted.chars();
        while let Some(c) = chars.next() {
            plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
        }
        let unquoted: Vec<_> =
            forms.iter().filter_map(|form| Some(format!("{plain}@{}", form.rsplit_once('@')?.1))).collect();
        forms.extend(unquoted);
    }
    forms.iter().for_each(|form| each(form));
}

/// Whether a key is an address with one form only. Nearly all are, and a list has millions.
fn is_plain(key: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_' | b'+'))
    };
    key.split_once('@').is_some_and(|(local, domain)| is_plain(local) && is_plain(domain))
        && !key.ends_with('.')
        && !key.contains("xn--")
}

/// One state of a file: whoever writes to it or replaces it leaves another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    file: (u64, u64),
    octets: u64,
    modified: (i64, i64),
}

impl From<Metadata> for Stamp {
    fn from(of: Metadata) -> Self {
        Self { file: (of.dev(), of.ino()), octets: of.len(), modified: (of.mtime(), of.mtime_nsec()) }
    }
}

/// Writes the file from the durable list. Blocks. Answers how many addresses that list has.
///
/// # Errors
/// When there is no sound list on disk, it does not fit or the disk refuses. The old file then stays.
pub fn write(path: &Path, list: &List) -> anyhow::Result<(i64, Stamp)> {
    let mut writer = cdb::Writer::create(path)?;
    writer.push(SENTINEL.as_bytes(), b"DUNNO")?;
    let value = format!("550 {REFUSAL}");
    let mut failed: io::Result<()> = Ok(());
    let position = list.for_each_durable_key(|key| {
        for_each_form(key, &mut |form| {
            if failed.is_ok() {
                failed = writer.push(form.as_bytes(), value.as_bytes());
            }
        });
    })?;
    failed?;
    Ok((position.count, writer.finish()?.into()))
}

/// Makes sure that there is a file which Postfix can open: without one it would refuse all mail for now, with a damaged
/// one not even answer. It is written from the list on disk; where there is none, it refuses nothing. Blocks.
///
/// # Errors
/// When the disk refuses.
fn make_whole(path: &Path, list: &List) -> anyhow::Result<Stamp> {
    let whole = File::open(path).and_then(|file| Ok(if cdb::is_whole(&file)? { Some(file.metadata()?) } else { None }));
    if let Ok(Some(whole)) = whole {
        return Ok(whole.into());
    }
    match write(path, list) {
        Ok((count, stamp)) => {
            tracing::warn!(count, "the map file was missing or damaged and is written anew");
            Ok(stamp)
        }
        Err(_) => {
            let start = || {
                let mut writer = cdb::Writer::create(path)?;
                writer.push(SENTINEL.as_bytes(), b"DUNNO")?;
                writer.finish()
            };
            Ok(start().with_context(|| format!("cannot write map_file {}", path.display()))?.into())
        }
    }
}

/// What the file answers for an address key.
///
/// # Errors
/// When there is no readable file.
pub fn look_up(path: &Path, key: &str) -> io::Result<Option<String>> {
    let value = cdb::look_up(&File::open(path)?, key.as_bytes())?;
    Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
}

/// Keeps the file at what the list on disk is.
pub struct Keeper {
    path: PathBuf,
    list: Arc<List>,
    /// As it was at the start.
    found: Stamp,
    /// Why the file is not what it should be.
    pub problem: Problem,
}

impl Keeper {
    /// Of this file and list. From now on there is a file that Postfix can open. Blocks.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new(path: PathBuf, list: Arc<List>) -> anyhow::Result<Arc<Self>> {
        let found = make_whole(&path, &list)?;
        Ok(Arc::new(Self { path, list, found, problem: Problem::default() }))
    }

    /// Keeps the file for ever.
    pub async fn run(self: Arc<Self>) {
        let mut changes = self.list.watch_durable();
        let (mut written, mut stamp) = (None, self.found);
        loop {
            let wanted = changes.borrow_and_update().clone();
            let is_ours = fs::metadata(&self.path).is_ok_and(|of| Stamp::from(of) == stamp);
            if wanted == written && is_ours {
                match timeout(LOOK, changes.changed()).await {
                    Ok(Ok(())) => sleep(DEBOUNCE).await,
                    Ok(Err(_)) => return,
                    Err(_) => {}
                }
                continue;
            }
            if !is_ours {
                tracing::warn!("something else has changed or removed the map file; it is written anew");
            }
            let (keeper, has_list) = (self.clone(), wanted.is_some());
            let started = Instant::now();
            let result = tokio::task::spawn_blocking(move || keeper.write(has_list)).await;
            let took = started.elapsed();
            match result.map_err(anyhow::Error::from).flatten() {
                Ok((count, of)) => {
                    tracing::info!(count, milliseconds = took.as_millis() as u64, "wrote the map file");
                    (written, stamp) = (wanted, of);
                    self.problem.set(None);
                }
                Err(error) => {
                    let error = format!("cannot write map_file {}: {error:#}", self.path.display());
                    tracing::error!(error, "the map file stays as it is, trying again soon");
                    self.problem.set(Some(error));
                    // A list that was damaged is there again as soon as a snapshot is.
                    let _ = timeout(RETRY, changes.changed()).await;
                }
            }
            sleep(DEBOUNCE.max(took * REST_PER_BUILD)).await;
        }
    }

    fn write(&self, has_list: bool) -> anyhow::Result<(i64, Stamp)> {
        if has_list { write(&self.path, &self.list) } else { Ok((0, make_whole(&self.path, &self.list)?)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(key: &str) -> Vec<String> {
        let mut forms = Vec::new();
        for_each_form(key, &mut |form| forms.push(form.to_owned()));
        forms
    }

    #[test]
    fn an_address_is_found_however_postfix_spells_it() {
        for plain in ["taro@example.com", "t.a-r_o+1@a-b.example.com", "taro@localhost"] {
            assert_eq!(forms(plain), [plain]);
        }
        assert_eq!(forms("taro@xn--wgv71a119e.example"), ["taro@xn--wgv71a119e.example", "taro@日本語.example"]);
        assert_eq!(forms("\"a@b\"@example.com"), ["\"a@b\"@example.com", "a@b@example.com"]);
    }

    #[test]
    fn what_is_no_address_refuses_nobody_else() {
        for key in [
            "foo@",
            "foo@.",
            "foo@..",
            "example.com",
            ".example.com",
            "com",
            "@example.com",
            "\"\"@example.com",
            "foo",
            "@",
            "*",
            "<>",
        ] {
            assert_eq!(forms(key), [""; 0], "{key}");
        }
    }
}
