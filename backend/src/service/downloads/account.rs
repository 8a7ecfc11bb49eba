//! Everything of an account in one file: for when it is closed, or moves away.

use super::{Download, List, body, csv::Writer, file_name, file_safe};
use crate::{
    service::{Error, Result, authentication::Identity, run_settings},
    state::AppState,
    store::{
        self,
        audit::{self, NewAuditEntry},
        blocked_addresses, delivery_events, exemptions, inquiries,
        search::Keyset,
    },
};
use async_zip::{Compression, ZipEntryBuilder, tokio::write::ZipFileWriter};
use bytes::Bytes;
use futures::{AsyncWriteExt, Stream, StreamExt};
use serde::Serialize;
use serde_json::json;
use shared::{
    RefusalCode,
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

type Zip = ZipFileWriter<DuplexStream>;

/// A ZIP file with the account, its people, tokens (without secrets), inquiries and audit log, and for each server
/// configuration its settings and the same four CSV files as downloads are. Constant memory whatever the size.
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

/// The account, if a provider may see all that is in it: inside of it, or while it is suspended, before it is closed.
///
/// # Errors
/// [`Error::NotFound`]: no such account. [`Error::Conflict`]: it is in use, and the provider is outside of it.
pub async fn exportable(state: &AppState, provider: &Identity, id: Uuid) -> Result<Account> {
    let account = store::accounts::find(state.db.connection(), id).await?.ok_or(Error::NotFound)?;
    if account.suspended_at.is_none() && provider.account_id != Some(id) {
        return Err(Error::conflict(RefusalCode::NotSuspended, "suspend the account, or enter it, to see its lists"));
    }
    Ok(account)
}

async fn write_all(state: &AppState, account: Account, mut zip: Zip) -> Result<()> {
    let connection = state.db.connection();
    let id = account.id;
    json_file(&mut zip, "account.json", &account).await?;
    json_file(&mut zip, "users.json", &store::users::list(connection, Some(id), Keyset::ALL).await?).await?;
    json_file(&mut zip, "tokens.json", &store::tokens::list(connection, id, Keyset::ALL).await?).await?;
    json_file(&mut zip, "inquiries.json", &threads(state, id).await?).await?;
    let log = audit::source(Some(id), &audit::Filter { direction: Direction::Ascending, ..audit::Filter::default() });
    csv_file(state, &mut zip, "", List::AuditLog, vec![log], HashMap::new()).await?;
    let configurations = store::server_configurations::list(connection, id, None, Keyset::ALL).await?;
    for (number, configuration) in configurations.into_iter().enumerate() {
        let folder = format!("{:02} {}/", number + 1, file_safe(&configuration.name));
        configuration_files(state, &mut zip, &folder, configuration.into()).await?;
    }
    zip.close().await.map_err(unwritten).map(drop)
}

async fn configuration_files(
    state: &AppState,
    zip: &mut Zip,
    folder: &str,
    configuration: ServerConfiguration,
) -> Result<()> {
    let (connection, id) = (state.db.connection(), configuration.id);
    let stored = store::mail_servers::list(connection, id, Keyset::ALL).await?;
    let names: HashMap<Uuid, String> = stored.iter().map(|server| (server.id, server.name.clone())).collect();
    let settings = json!({
        "server_configuration": configuration,
        "run_settings": run_settings::get(state, id).await?,
        "mail_servers": names,
    });
    json_file(zip, &format!("{folder}configuration.json"), &settings).await?;
    let order = (ListSort::Date, Direction::Ascending);
    let held = store::agent_lists::held_by_all(connection, id).await?;
    let blocked = blocked_addresses::sources(id, &blocked_addresses::Filter::default(), held, order.0, order.1);
    csv_file(state, zip, folder, List::BlockedAddresses, blocked, HashMap::new()).await?;
    let exempt = exemptions::source(id, &exemptions::Filter::default(), order.0, order.1);
    csv_file(state, zip, folder, List::Exemptions, vec![exempt], HashMap::new()).await?;
    let events = delivery_events::Filter { direction: order.1, ..delivery_events::Filter::default() };
    let events = delivery_events::source(id, &events);
    csv_file(state, zip, folder, List::DeliveryLog, vec![events], names).await
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
