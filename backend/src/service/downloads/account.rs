//! Everything of an account in one file: for when it is closed, or moves away.

use super::{Download, List, body, csv::Writer, file_name, file_safe};
use crate::{
    service::{
        Error, Result, authentication::Identity, distributions, list_operations, mail_servers, run_settings, runs,
    },
    state::AppState,
    store::{
        self,
        audit::{self, NewAuditEntry},
        blocked_addresses, delivery_events, exemptions, inquiries,
        search::Keyset,
        server_configurations::StoredServerConfiguration,
    },
};
use async_zip::{Compression, ZipEntryBuilder, tokio::write::ZipFileWriter};
use bytes::Bytes;
use futures::{AsyncWriteExt, Stream, StreamExt};
use serde::Serialize;
use serde_json::json;
use shared::{
    Page,
    account::Account,
    csv::Language,
    inquiry::{InquirySide, InquiryThread},
    list::ListSort,
    mail_server::ServerConfiguration,
    page::Direction,
};
use std::collections::HashMap;
use tokio::io::DuplexStream;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// Bytes between who writes and who sends: what is read of the database waits for the client.
const AHEAD: usize = 256 * 1024;
/// Inquiries that are read at a time.
const INQUIRIES: u32 = 100;
/// Runs, distributions or list operations that are read at a time.
const PAGE: u16 = 500;

type Zip = ZipFileWriter<DuplexStream>;

/// A ZIP file with the account, its people, invitations, tokens (both without secrets), inquiries and audit log, and for each
/// server configuration its settings and mail servers, lists and delivery log as downloads are, what has ended of the lists,
/// its runs, distributions and list operations. Constant memory whatever the size.
///
/// # Errors
/// As [`exportable`].
pub async fn account(state: &AppState, provider: &Identity, id: Uuid) -> Result<Download> {
    let account = exportable(state, provider, id).await?;
    let now = state.clock.now();
    let entry = provider.audit(Some(id), now, "account.export", id.to_string());
    state.db.audit(NewAuditEntry { after: Some(json!({ "name": account.name })), ..entry }).await?;
    let file_name = file_name(&account.name, now, "zip");
    let (write, read) = tokio::io::duplex(AHEAD);
    let state = state.clone();
    let written = tokio::spawn(async move { write_all(&state, account, ZipFileWriter::with_tokio(write)).await });
    let body = async_stream::try_stream! {
        let mut pieces = ReaderStream::new(read);
        while let Some(piece) = pieces.next().await {
            yield piece.map_err(|error| Error::Internal(error.into()))?;
        }
        // A file that could not be finished must not look like a whole one.
        written.await.map_err(|error| Error::Internal(error.into()))??;
    };
    Ok(Download { file_name, media_type: "application/zip", body: body.boxed() })
}

/// The account, for a provider inside of it: only there a provider sees its lists (PRODUCT section 5).
///
/// # Errors
/// [`Error::NotFound`]: no such account. [`Error::Forbidden`]: the provider is outside of it.
pub async fn exportable(state: &AppState, provider: &Identity, id: Uuid) -> Result<Account> {
    let account = store::accounts::find(state.db.connection(), id).await?.ok_or(Error::NotFound)?;
    if provider.account_id != Some(id) {
        return Err(Error::Forbidden("enter the account first: its lists are seen only inside of it".to_owned()));
    }
    Ok(account)
}

async fn write_all(state: &AppState, account: Account, mut zip: Zip) -> Result<()> {
    let connection = state.db.connection();
    let id = account.id;
    json_file(&mut zip, "account.json", &account).await?;
    json_file(&mut zip, "users.json", &store::users::list(connection, Some(id), Keyset::ALL).await?).await?;
    let invitations = store::invitations::list(connection, Some(id), Keyset::ALL).await?;
    json_file(&mut zip, "invitations.json", &invitations).await?;
    json_file(&mut zip, "tokens.json", &store::tokens::list(connection, id, Keyset::ALL).await?).await?;
    json_file(&mut zip, "inquiries.json", &threads(state, id).await?).await?;
    let log = audit::source(Some(id), &audit::Filter { direction: Direction::Ascending, ..audit::Filter::default() });
    csv_file(state, &mut zip, "", List::AuditLog, vec![log], HashMap::new()).await?;
    let configurations = store::server_configurations::list(connection, id, None, Keyset::ALL).await?;
    for (number, configuration) in configurations.into_iter().enumerate() {
        let folder = format!("{:02} {}/", number + 1, file_safe(&configuration.name));
        configuration_files(state, &mut zip, &folder, configuration).await?;
    }
    zip.close().await.map_err(unwritten).map(drop)
}

async fn configuration_files(
    state: &AppState,
    zip: &mut Zip,
    folder: &str,
    configuration: StoredServerConfiguration,
) -> Result<()> {
    let (connection, id, now) = (state.db.connection(), configuration.id, state.clock.now());
    let stored = store::mail_servers::list(connection, id, Keyset::ALL).await?;
    let names: HashMap<Uuid, String> = stored.iter().map(|server| (server.id, server.name.clone())).collect();
    let head = configuration.head;
    let mail_servers: Vec<_> = stored.into_iter().map(|server| mail_servers::to_wire(server, head, now)).collect();
    let settings = json!({
        "server_configuration": ServerConfiguration::from(configuration),
        "run_settings": run_settings::get(state, id).await?,
        "mail_servers": mail_servers,
    });
    json_file(zip, &format!("{folder}configuration.json"), &settings).await?;
    let order = (ListSort::Date, Direction::Ascending);
    let held = store::agent_lists::held_by_all(connection, id).await?;
    let blocked = blocked_addresses::sources(id, &blocked_addresses::Filter::default(), held, order.0, order.1);
    csv_file(state, zip, folder, List::BlockedAddresses, blocked, HashMap::new()).await?;
    let exempt = exemptions::source(id, &exemptions::Filter::default(), order.0, order.1);
    csv_file(state, zip, folder, List::Exemptions, vec![exempt], HashMap::new()).await?;
    csv_file(state, zip, folder, List::EndedBlocks, vec![blocked_addresses::ended_source(id)], HashMap::new()).await?;
    csv_file(state, zip, folder, List::EndedExemptions, exemptions::ended_sources(id), HashMap::new()).await?;
    let events = delivery_events::Filter { direction: order.1, ..delivery_events::Filter::default() };
    let events = delivery_events::source(id, &events);
    csv_file(state, zip, folder, List::DeliveryLog, vec![events], names).await?;
    let name = |what: &str| format!("{folder}{what}.json");
    let read = |cursor: Option<String>| async move { runs::list(state, id, cursor.as_deref(), PAGE).await };
    file(zip, &name("runs"), pages(read)).await?;
    let read = |cursor: Option<String>| async move { distributions::list(state, id, cursor.as_deref(), PAGE).await };
    file(zip, &name("distributions"), pages(read)).await?;
    let read = |cursor: Option<String>| async move { list_operations::list(state, id, cursor.as_deref(), PAGE).await };
    file(zip, &name("list-operations"), pages(read)).await
}

/// All pages of a list as one JSON array, an item a line.
fn pages<T: Serialize, F: Future<Output = Result<Page<T>>>>(
    read: impl Fn(Option<String>) -> F,
) -> impl Stream<Item = Result<Bytes>> {
    async_stream::try_stream! {
        let (mut cursor, mut before) = (None, "[\n");
        loop {
            let page = read(cursor).await?;
            let mut text = String::new();
            for item in page.items {
                let item = serde_json::to_string(&item).map_err(|error| Error::Internal(error.into()))?;
                text.extend([before, &item]);
                before = ",\n";
            }
            yield text.into();
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        yield Bytes::from_static(if before == "[\n" { b"[]\n" } else { b"\n]\n" });
    }
}

async fn threads(state: &AppState, account: Uuid) -> Result<Vec<InquiryThread>> {
    let (connection, side) = (state.db.connection(), InquirySide::Provider);
    let filter = inquiries::Filter { account_id: Some(account), ..inquiries::Filter::default() };
    let (mut threads, mut after) = (Vec::new(), None);
    loop {
        let page = inquiries::list(connection, side, &filter, Keyset { after, limit: INQUIRIES }).await?;
        let Some(last) = page.last() else { return Ok(threads) };
        after = Some((store::millis(last.changed_at), last.id));
        for inquiry in page {
            let messages = inquiries::messages(connection, inquiry.id).await?;
            threads.push(InquiryThread { inquiry, messages });
        }
    }
}

async fn json_file(zip: &mut Zip, name: &str, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| Error::Internal(error.into()))?;
    file(zip, name, futures::stream::iter([Ok(Bytes::from(text))])).await
}

async fn csv_file(
    state: &AppState,
    zip: &mut Zip,
    folder: &str,
    list: List,
    sources: Vec<store::downloads::Source>,
    mail_servers: HashMap<Uuid, String>,
) -> Result<()> {
    let rows = body(state.db.clone(), sources, Writer::new(list, Language::En, mail_servers), false);
    file(zip, &format!("{folder}{}.csv", list.name(Language::En)), rows).await
}

async fn file(zip: &mut Zip, name: &str, content: impl Stream<Item = Result<Bytes>>) -> Result<()> {
    let entry = ZipEntryBuilder::new(name.into(), Compression::Stored);
    let mut file = zip.write_entry_stream(entry).await.map_err(unwritten)?;
    let mut content = std::pin::pin!(content);
    while let Some(piece) = content.next().await {
        file.write_all(&piece?).await.map_err(|error| Error::Internal(error.into()))?;
    }
    file.close().await.map_err(unwritten)
}

fn unwritten(error: async_zip::error::ZipError) -> Error {
    Error::Internal(error.into())
}
