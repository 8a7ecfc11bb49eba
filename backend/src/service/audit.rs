//! The audit log: searching it, and proving that nothing was changed or removed.

pub use crate::store::audit::Filter;

use super::{Access, Error, Result, authentication::Identity, position};
use crate::{
    state::AppState,
    store::{
        self, DatabaseTransaction, Db,
        audit::{self, Chain, NewAuditEntry},
        search::CursorScope,
    },
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::{Page, audit::AuditEntry, page::Direction};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Entries that are checked at a time.
const PART: u32 = 5_000;

/// Adds to the audit log what the service itself did with a server configuration: what it was, and `told` of it.
///
/// # Errors
/// [`Error::NotFound`]: there is no such server configuration. The database refused.
pub(super) async fn by_service(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    now: DateTime<Utc>,
    action: &'static str,
    (object, mut told): (Uuid, Value),
) -> Result<()> {
    let owner = store::server_configurations::owner(transaction, server_configuration_id).await?;
    let (account_id, name) = owner.ok_or(Error::NotFound)?;
    told["server_configuration"] = json!(name);
    let entry = Access::system(account_id).audit(now, action, object.to_string());
    transaction.audit(NewAuditEntry { after: Some(told), ..entry });
    Ok(())
}

/// A page of the log of the account that is open, or outside of all accounts of the provider's own.
///
/// # Errors
/// [`Error::Invalid`]: a cursor of another search.
pub async fn search(
    state: &AppState,
    identity: &Identity,
    filter: &Filter,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<AuditEntry>> {
    let filters = (&filter.text, filter.actor_kind, filter.from, filter.to, filter.direction == Direction::Descending);
    let scope = CursorScope::new("audit_log", identity.account_id.unwrap_or_default(), &filters);
    let after: Option<i64> = position(&scope, cursor)?;
    let wanted = usize::from(limit) + 1;
    let (entries, stopped) = audit::list(state.db.connection(), identity.account_id, filter, after, wanted).await?;
    let mut page = scope.page(entries, limit, None, |entry| entry.number);
    if page.next_cursor.is_none() {
        page.next_cursor = stopped.map(|number| scope.cursor(&number));
    }
    Ok(page)
}

/// What a check of one log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The account; `None`: the provider's log.
    pub account_id: Option<Uuid>,
    /// How many entries it has.
    pub entries: i64,
    /// How many of them are older than the chain, and cannot be checked.
    pub unchained: i64,
    /// The hash of the last one: kept elsewhere, it also proves that nobody wrote the whole log anew.
    pub hash: String,
    /// What is wrong; `None`: nothing.
    pub problem: Option<String>,
}

impl Verified {
    fn broken(self, problem: String) -> Self {
        Self { problem: Some(problem), ..self }
    }
}

/// What a check of all logs found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Each log.
    pub logs: Vec<Verified>,
    /// Which of the hashes that were asked for no entry has.
    pub unknown_hashes: Vec<String>,
}

/// Checks the log of every account and of the provider: that it is there, each entry against its hash and the one before,
/// and the last against the end that is kept beside; and that each of `hashes`, which somebody noted, still is an entry's.
///
/// # Errors
/// The database refused.
pub async fn verify(db: &Db, hashes: &[String]) -> Result<Verification> {
    let mut ends: BTreeMap<Option<Uuid>, Option<Chain>> =
        audit::logs(db.connection()).await?.into_iter().map(|account_id| (account_id, None)).collect();
    for end in audit::chains(db.connection()).await? {
        ends.insert(end.account_id, Some(end));
    }
    let mut unknown_hashes = hashes.to_vec();
    let mut logs = Vec::with_capacity(ends.len());
    for (account_id, end) in ends {
        logs.push(verify_log(db, account_id, end, &mut unknown_hashes).await?);
    }
    Ok(Verification { logs, unknown_hashes })
}

async fn verify_log(
    db: &Db,
    account_id: Option<Uuid>,
    end: Option<Chain>,
    unknown_hashes: &mut Vec<String>,
) -> Result<Verified> {
    let mut log = Verified { account_id, entries: 0, unchained: 0, hash: String::new(), problem: None };
    let Some(end) = end else {
        let is_empty = audit::entries_after(db.connection(), account_id, 0, 1).await?.is_empty();
        let problem = if is_empty { "nothing of it is left" } else { "its end is not known any more" };
        return Ok(log.broken(problem.to_owned()));
    };
    loop {
        let part = audit::entries_after(db.connection(), account_id, log.entries, PART).await?;
        if part.is_empty() {
            break;
        }
        for entry in part {
            let expected = log.entries + 1;
            if entry.number != expected {
                return Ok(log.broken(format!("entry {expected} is missing")));
            }
            if entry.hash.is_empty() && log.unchained == log.entries {
                log.unchained += 1;
            } else if entry.hash_after(&log.hash)? != entry.hash {
                return Ok(log.broken(format!("entry {expected} was changed, or does not follow the one before it")));
            }
            // The log may be longer by now than the end that was read before it.
            if entry.number == end.length && entry.hash != end.hash {
                return Ok(log.broken(format!("entry {expected} is not the one that was written last")));
            }
            unknown_hashes.retain(|hash| *hash != entry.hash);
            log.entries = entry.number;
            log.hash = entry.hash;
        }
    }
    if log.entries < end.length {
        let problem = format!("it ends with entry {}, but {} were written", log.entries, end.length);
        return Ok(log.broken(problem));
    }
    Ok(log)
}
