//! Downloads: the lists and logs as CSV, always what a search finds, streamed.

mod account;
mod csv;

pub use account::{account, exportable};
pub use csv::{BYTE_ORDER_MARK, List, OF_ENDED_BLOCKS};

use super::{
    Access, Error, Result, authentication::Identity, blocked_addresses, delivery_events, exemptions,
    server_configurations::OpenConfiguration,
};
use crate::{
    state::AppState,
    store::{
        self, Db, agent_lists,
        audit::{self, NewAuditEntry},
        downloads::Source,
        search::Keyset,
    },
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use csv::Writer;
use futures::{
    Stream, StreamExt, TryStreamExt, future,
    stream::{self, BoxStream},
};
use serde_json::json;
use shared::{csv::Language, delivery_event::Outcome, list::ListSort, page::Direction};
use std::collections::HashMap;
use tokio_util::task::AbortOnDropHandle;

/// The media type of every CSV file (RFC 4180 section 3).
pub const CSV: &str = "text/csv; charset=utf-8; header=present";

/// What a part takes when it is written, mostly, in bytes.
const PIECE: usize = 640 << 10;
/// Parts of a download that are read and written at a time, each by a connection of its own.
pub(super) const AT_ONCE: usize = 2;

/// How a download is wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of column names and labels.
    pub language: Language,
    /// Whether the file begins with a byte order mark, by which Excel knows UTF-8.
    pub byte_order_mark: bool,
    /// The search in the words of the request, for the audit log.
    pub search: String,
}

/// A download that has begun.
pub struct Download {
    /// The name for the file, in the wished language.
    pub file_name: String,
    /// What kind of file it is.
    pub media_type: &'static str,
    /// The file.
    pub body: BoxStream<'static, Result<Bytes>>,
}

/// The blocked list.
///
/// # Errors
/// [`Error::DownloadsDisabled`]; the database refused.
pub async fn blocked_addresses(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    filter: &blocked_addresses::Filter,
    order: (ListSort, Direction),
    wish: Wish,
) -> Result<Download> {
    let begun = Begun::new(state, access, configuration, List::BlockedAddresses, wish).await?;
    let held = agent_lists::held_by_all(state.db.connection(), configuration.id).await?;
    let sources = store::blocked_addresses::sources(configuration.id, filter, held, order.0, order.1);
    Ok(begun.download(sources, HashMap::new()))
}

/// The stop cancellation list.
///
/// # Errors
/// As [`blocked_addresses`].
pub async fn exemptions(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    filter: &exemptions::Filter,
    order: (ListSort, Direction),
    wish: Wish,
) -> Result<Download> {
    let begun = Begun::new(state, access, configuration, List::Exemptions, wish).await?;
    let source = store::exemptions::source(configuration.id, filter, order.0, order.1);
    Ok(begun.download(vec![source], HashMap::new()))
}

/// The delivery log, or the error log where the filter finds errors only.
///
/// # Errors
/// As [`blocked_addresses`]; [`Error::Invalid`] names `domain` when it is none.
pub async fn delivery_events(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    filter: delivery_events::Filter,
    wish: Wish,
) -> Result<Download> {
    let filter = delivery_events::stored_filter(filter)?;
    let list = if filter.outcome == Some(Outcome::Error) { List::ErrorLog } else { List::DeliveryLog };
    let begun = Begun::new(state, access, configuration, list, wish).await?;
    let mail_servers = store::mail_servers::list(state.db.connection(), configuration.id, Keyset::ALL).await?;
    let names = mail_servers.into_iter().map(|server| (server.id, server.name)).collect();
    Ok(begun.download(vec![store::delivery_events::source(configuration.id, &filter)], names))
}

/// The audit log. Whoever may read it may also keep it: it is not one of the lists that the provider enables.
///
/// # Errors
/// The database refused.
pub async fn audit_log(state: &AppState, identity: &Identity, filter: &audit::Filter, wish: Wish) -> Result<Download> {
    let entry = identity.audit(identity.account_id, state.clock.now(), "download", "audit_log");
    let begun = Begun::record(state, entry, "stoplist", List::AuditLog, wish).await?;
    Ok(begun.download(vec![audit::source(identity.account_id, filter)], HashMap::new()))
}

/// That the account may download.
///
/// # Errors
/// [`Error::DownloadsDisabled`]; the database refused.
pub async fn expect_enabled(state: &AppState, access: &Access) -> Result<()> {
    let account = store::accounts::find(state.db.connection(), access.account_id).await?.ok_or(Error::NotFound)?;
    if account.downloads_enabled { Ok(()) } else { Err(Error::DownloadsDisabled) }
}

/// A download that is allowed and written into the audit log: who has the addresses of a list is worth knowing.
struct Begun {
    db: Db,
    list: List,
    wish: Wish,
    file_name: String,
}

impl Begun {
    async fn new(
        state: &AppState,
        access: &Access,
        configuration: &OpenConfiguration,
        list: List,
        wish: Wish,
    ) -> Result<Self> {
        expect_enabled(state, access).await?;
        let name = json!({ "server_configuration": configuration.stored.name });
        let entry = access.audit(state.clock.now(), "download", configuration.id.to_string());
        let entry = NewAuditEntry { after: Some(name), ..entry };
        Self::record(state, entry, &configuration.stored.name, list, wish).await
    }

    /// `place`: what the list is of, for the name of the file.
    async fn record(state: &AppState, entry: NewAuditEntry, place: &str, list: List, wish: Wish) -> Result<Self> {
        let file_name = file_name(&format!("{}_{place}", list.name(wish.language)), entry.at, "csv");
        let mut after = entry.after.clone().unwrap_or_else(|| json!({}));
        after["list"] = json!(list.name(Language::En));
        after["search"] = json!(wish.search);
        state.db.audit(NewAuditEntry { after: Some(after), ..entry }).await?;
        Ok(Self { db: state.db.clone(), list, wish, file_name })
    }

    fn download(self, sources: Vec<Source>, mail_servers: HashMap<uuid::Uuid, String>) -> Download {
        let writer = Writer::new(self.list, self.wish.language, mail_servers);
        let body = body(self.db, sources, writer, self.wish.byte_order_mark);
        Download { file_name: self.file_name, media_type: CSV, body: body.boxed() }
    }
}

/// The name of a file with what there is at a time.
fn file_name(what: &str, at: DateTime<Utc>, extension: &str) -> String {
    format!("{}_{}.{extension}", file_safe(what), at.format("%Y-%m-%dT%H-%M-%SZ"))
}

/// A name that every system takes for a file.
fn file_safe(name: &str) -> String {
    name.replace(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c), "-")
}

/// The file in pieces: the rows of all sources in one order. Some are read and written at a time.
fn body(
    db: Db,
    sources: Vec<Source>,
    writer: Writer,
    byte_order_mark: bool,
) -> impl Stream<Item = Result<Bytes>> + Send {
    let header = Ok(writer.header(byte_order_mark).into());
    let pieces = store::downloads::parts(db, sources).map(move |part| {
        let mut writer = writer.clone();
        // A client that goes away drops it: nobody waits for the piece then.
        AbortOnDropHandle::new(tokio::spawn(async move {
            let part = part?.await?;
            let mut out = String::with_capacity(PIECE);
            for row in part.rows() {
                writer.row(row, &mut out);
            }
            Ok::<_, Error>(Bytes::from(out))
        }))
    });
    let pieces = pieces.buffered(AT_ONCE).map(|done| done.map_err(|error| Error::Internal(error.into()))?);
    let pieces = pieces.try_filter(|piece| future::ready(!piece.is_empty()));
    stream::once(future::ready(header)).chain(pieces)
}
