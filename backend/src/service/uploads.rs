//! Uploads: files that come in pieces, are read, and wait to be registered (PRODUCT section 4, Upload).

mod analysis;
mod file;
mod invalid_rows;
mod receive;

pub use invalid_rows::invalid_rows;
pub use receive::{Algorithm, Announced, Checksum, Sender, receive};

use super::{Access, Error, Result, position, server_configurations::OpenConfiguration, wake::What};
use crate::{
    state::AppState,
    store::{
        self, ConnectionTrait, DatabaseTransaction, audit, change_sets, list_operations, millis, queue,
        search::{CursorScope, Keyset},
        uploads::{NewUpload, StoredUpload, contents, pieces},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::{
    Page, RefusalCode,
    upload::{Failure, FailureCode, ReadingRequest, Upload, UploadState},
};
use uuid::Uuid;

/// Uploads of one configuration that hold bytes, or will, and were not registered.
const MAX_OPEN: i64 = 20;
/// How often an analysis is begun before it is given up.
const MAX_ATTEMPTS: i64 = 4;
/// Uploads that expire in one transaction.
const EXPIRED_AT_ONCE: u32 = 100;

/// An upload to begin.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// The file's name.
    pub file_name: String,
    /// The `Upload-Metadata` header as it came.
    pub metadata: String,
    /// The file's size in bytes.
    pub size: u64,
    /// How it is to be read.
    pub wanted: ReadingRequest,
}

/// Until when an upload in a state is kept if nothing happens to it.
fn kept_until(state: UploadState, now: DateTime<Utc>) -> DateTime<Utc> {
    now + match state {
        UploadState::Uploading => TimeDelta::hours(24),
        UploadState::Analysing | UploadState::Ready | UploadState::Failed => TimeDelta::days(7),
        UploadState::Registering | UploadState::Registered | UploadState::Undone => TimeDelta::days(90),
    }
}

/// The largest file that an account may upload, in bytes.
///
/// # Errors
/// The database refused.
pub async fn max_bytes(state: &AppState, access: &Access) -> Result<u64> {
    let account = store::accounts::find(state.db.connection(), access.account_id).await?.ok_or(Error::NotFound)?;
    Ok(account.upload_max_bytes)
}

/// Begins an upload.
///
/// # Errors
/// [`Error::TooLarge`]: the account may not upload so much. [`Error::Conflict`]: too many uploads wait already.
pub async fn begin(
    state: &AppState,
    access: &Access,
    configuration: &OpenConfiguration,
    begin: Begin,
) -> Result<Upload> {
    let limit = max_bytes(state, access).await?;
    let size = i64::try_from(begin.size).ok().filter(|_| begin.size <= limit);
    let size = size.ok_or_else(|| {
        Error::TooLarge(format!(
            "the file has {} bytes, this account may upload {limit} at most: split it, or ask the provider for more",
            begin.size
        ))
    })?;
    check(&begin.wanted)?;
    let now = state.clock.now();
    let new = NewUpload {
        id: Uuid::now_v7(),
        server_configuration_id: configuration.id,
        created_by: access.actor.name().to_owned(),
        file_name: begin.file_name,
        metadata: begin.metadata,
        size,
        wanted: begin.wanted,
        created_at: now,
        expires_at: kept_until(UploadState::Uploading, now),
    };
    let transaction = state.db.begin().await?;
    // Whoever counts waits for others who do.
    change_sets::lock(&transaction, configuration.id).await?.ok_or(Error::NotFound)?;
    if store::uploads::count_open(&transaction, configuration.id).await? >= MAX_OPEN {
        let detail = "uploads of this server configuration are not registered: register or delete some first";
        return Err(Error::conflict(RefusalCode::TooMany, format!("{MAX_OPEN} {detail}")));
    }
    store::uploads::insert(&transaction, &new).await?;
    let entry = audit::NewAuditEntry {
        after: Some(json!({ "file_name": new.file_name, "size": size })),
        ..access.audit(now, "upload.create", new.id.to_string())
    };
    transaction.audit(entry);
    let mut changes = vec![What::Upload(new.id)];
    if size == 0 {
        complete(&transaction, new.id, now).await?;
        changes.push(What::Job);
    }
    let stored = store::uploads::find(&transaction, new.id).await?.ok_or(Error::NotFound)?;
    state.wake.commit(transaction, configuration.id, &changes).await?;
    Ok(stored.upload)
}

/// Says that every byte is here; the caller tells `What::Upload` and `What::Job`.
async fn complete(transaction: &DatabaseTransaction, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    move_to(transaction, id, &[UploadState::Uploading], UploadState::Analysing, now).await?;
    Ok(queue::ring(transaction, queue::Job::Upload(id), 0).await?)
}

/// Moves an upload to another state; false when it is not in one of `from`. The caller tells `What::Upload`, and
/// `What::Job` when it is registered, because then its bytes go.
///
/// # Errors
/// The database refused.
pub async fn move_to(
    transaction: &DatabaseTransaction,
    id: Uuid,
    from: &[UploadState],
    to: UploadState,
    now: DateTime<Utc>,
) -> Result<bool> {
    let moved = store::uploads::set_state(transaction, id, from, to, now, kept_until(to, now)).await?;
    if moved && to == UploadState::Registered {
        queue::ring(transaction, queue::Job::Upload(id), 0).await?;
    }
    Ok(moved)
}

/// A page of the uploads, newest first, without their previews.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(
    state: &AppState,
    server_configuration_id: Uuid,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<Upload>> {
    let scope = CursorScope::new("uploads", server_configuration_id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let mut rows = store::uploads::list(state.db.connection(), server_configuration_id, keyset).await?;
    for analysis in rows.iter_mut().filter_map(|upload| upload.analysis.as_mut()) {
        analysis.preview.clear();
    }
    Ok(scope.page(rows, limit, None, |row| (millis(row.created_at), row.id)))
}

/// One upload of a configuration, `None` when it is not there.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    id: Uuid,
) -> Result<Option<StoredUpload>> {
    let stored = store::uploads::find(connection, id).await?;
    Ok(stored.filter(|stored| stored.server_configuration_id == server_configuration_id))
}

/// One upload of a configuration, and the `Upload-Metadata` header that it began with.
///
/// # Errors
/// [`Error::NotFound`], or [`Error::Gone`] for one that ended lately.
pub async fn get(state: &AppState, server_configuration_id: Uuid, id: Uuid) -> Result<(Upload, String)> {
    let connection = state.db.connection();
    match find(connection, server_configuration_id, id).await? {
        Some(stored) => Ok((stored.upload, stored.metadata)),
        None if store::uploads::is_removed(connection, server_configuration_id, id).await? => {
            Err(Error::gone(RefusalCode::NotFound, "this upload was deleted, or its time was over: begin another"))
        }
        None => Err(Error::NotFound),
    }
}

/// Has a file read in another way.
///
/// # Errors
/// [`Error::Conflict`]: its bytes are not all here, or it is being registered or was. [`Error::Invalid`]: the column is
/// named twice.
pub async fn read_again(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    id: Uuid,
    wanted: &ReadingRequest,
) -> Result<Upload> {
    check(wanted)?;
    let before = get(state, server_configuration_id, id).await?.0;
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    expect_unused(&transaction, server_configuration_id, id).await?;
    if !contents::read_again(&transaction, id, wanted, now, kept_until(UploadState::Analysing, now)).await? {
        let detail = "only an upload that is whole and was not registered can be read in another way";
        return Err(Error::conflict(RefusalCode::NotReady, detail));
    }
    let told = |reading: &ReadingRequest| Some(json!({ "file_name": before.file_name, "reading": reading }));
    let entry = access.audit(now, "upload.read_again", id.to_string());
    transaction.audit(audit::NewAuditEntry { before: told(&before.wanted), after: told(wanted), ..entry });
    queue::ring(&transaction, queue::Job::Upload(id), 0).await?;
    let stored = store::uploads::find(&transaction, id).await?.ok_or(Error::NotFound)?;
    state.wake.commit(transaction, server_configuration_id, &[What::Upload(id), What::Job]).await?;
    Ok(stored.upload)
}

/// That no list operation reads it, until the transaction ends.
async fn expect_unused(transaction: &DatabaseTransaction, server_configuration_id: Uuid, id: Uuid) -> Result<()> {
    change_sets::lock(transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    if list_operations::uses_upload(transaction, server_configuration_id, id).await? {
        return Err(Error::conflict(
            RefusalCode::InProgress,
            "a list operation reads it: wait for its end, or cancel it",
        ));
    }
    Ok(())
}

fn check(wanted: &ReadingRequest) -> Result<()> {
    if wanted.column.is_some() && wanted.column_number.is_some() {
        return Err(Error::field(
            "/column_number",
            RefusalCode::NotTogether,
            "send the column's name or its number, not both",
        ));
    }
    Ok(())
}

/// Ends an upload. What it holds is taken away by a job.
///
/// # Errors
/// As [`get`]; [`Error::Conflict`] while it is being registered.
pub async fn remove(state: &AppState, access: &Access, server_configuration_id: Uuid, id: Uuid) -> Result<()> {
    let (upload, _) = get(state, server_configuration_id, id).await?;
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    expect_unused(&transaction, server_configuration_id, id).await?;
    let removable: Vec<_> = UploadState::ALL.into_iter().filter(|state| *state != UploadState::Registering).collect();
    if !store::uploads::hide(&transaction, id, &removable, now).await? {
        return Err(Error::conflict(RefusalCode::InProgress, "it is being registered: cancel that first"));
    }
    let entry = audit::NewAuditEntry {
        before: Some(json!({ "file_name": upload.file_name, "state": upload.state })),
        ..access.audit(now, "upload.delete", id.to_string())
    };
    transaction.audit(entry);
    queue::ring(&transaction, queue::Job::Upload(id), 0).await?;
    state.wake.commit(transaction, server_configuration_id, &[What::Upload(id), What::Job]).await
}

/// Does what waits for an upload: analyses it, or takes a removed one away. Doing it twice does no harm.
///
/// # Errors
/// The database refused.
pub async fn perform(state: &AppState, id: Uuid) -> Result<()> {
    let Some(stored) = store::uploads::find(state.db.connection(), id).await? else {
        return take_away(state, id).await;
    };
    match stored.upload.state {
        UploadState::Analysing if stored.attempts >= MAX_ATTEMPTS => give_up(state, id).await,
        UploadState::Analysing => analysis::perform(state, &stored).await,
        // Nothing needs the bytes any more.
        UploadState::Registered | UploadState::Undone => drop_bytes(state, id).await,
        _ => Ok(()),
    }
}

async fn give_up(state: &AppState, id: Uuid) -> Result<()> {
    let detail = "the file could not be read: the service failed each time; its log says how";
    analysis::fail(state, id, Failure { code: FailureCode::Internal, line: None, detail: detail.to_owned() }).await
}

/// Notes why a job failed and has it done again, later each time; a full disk ends the analysis, because what it wrote
/// has to make room.
///
/// # Errors
/// The database refused; then the sweep tries again.
pub async fn failed(state: &AppState, id: Uuid, error: &Error) -> Result<()> {
    let stored = store::uploads::find(state.db.connection(), id).await?;
    let Some(stored) = stored.filter(|stored| stored.upload.state == UploadState::Analysing) else { return Ok(()) };
    if matches!(error, Error::StorageFull(_)) {
        let detail = "the service's disk is full: delete this upload, or have it read again when there is room";
        let failure = Failure { code: FailureCode::DiskFull, line: None, detail: detail.to_owned() };
        return analysis::fail(state, id, failure).await;
    }
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let detail = "the service failed to read the file and tries again; its log says how".to_owned();
    contents::note(&transaction, id, &Failure { code: FailureCode::Internal, line: None, detail }).await?;
    store::uploads::rung(&transaction, id, now).await?;
    queue::ring(&transaction, queue::Job::Upload(id), super::runs::backoff(stored.attempts)).await?;
    state.wake.commit(transaction, stored.server_configuration_id, &[What::Upload(id), What::Job]).await
}

/// Takes away what is left of a removed upload, in small steps.
async fn take_away(state: &AppState, id: Uuid) -> Result<()> {
    // The bytes first: on a full disk they make room for the rest.
    drop_bytes(state, id).await?;
    let mut after = Some(0);
    while let Some(line) = after {
        let step = state.db.begin().await?;
        after = contents::remove(&step, id, line).await?;
        store::uploads::rung(&step, id, state.clock.now()).await?;
        step.commit().await?;
        state.db.give_back_space().await?;
    }
    Ok(store::uploads::delete(state.db.connection(), id).await?)
}

async fn drop_bytes(state: &AppState, id: Uuid) -> Result<()> {
    loop {
        let step = state.db.begin().await?;
        let more = pieces::remove(&step, id, 0).await?;
        store::uploads::rung(&step, id, state.clock.now()).await?;
        step.commit().await?;
        state.db.give_back_space().await?;
        if !more {
            return Ok(());
        }
    }
}

/// Ends uploads whose time is over.
///
/// # Errors
/// The database refused.
pub async fn expire(state: &AppState) -> Result<()> {
    let now = state.clock.now();
    let endable: Vec<_> = UploadState::ALL
        .into_iter()
        .filter(|state| !matches!(state, UploadState::Analysing | UploadState::Registering))
        .collect();
    loop {
        let expired = store::uploads::expired(state.db.connection(), now, EXPIRED_AT_ONCE).await?;
        if expired.is_empty() {
            break;
        }
        for (id, server_configuration_id) in expired {
            let transaction = state.db.begin().await?;
            // A list operation may have been asked for since.
            change_sets::lock(&transaction, server_configuration_id).await?;
            if !list_operations::uses_upload(&transaction, server_configuration_id, id).await?
                && store::uploads::hide(&transaction, id, &endable, now).await?
            {
                queue::ring(&transaction, queue::Job::Upload(id), 0).await?;
                state.wake.commit(transaction, server_configuration_id, &[What::Upload(id), What::Job]).await?;
            }
        }
    }
    Ok(())
}

/// Tells the queue again of every upload that waits, unless it was told, or its work went on, within `patience`.
///
/// # Errors
/// The database refused.
pub async fn sweep(state: &AppState, patience: TimeDelta) -> Result<()> {
    let now = state.clock.now();
    let waiting = store::uploads::waiting(state.db.connection(), now - patience).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let transaction = state.db.begin().await?;
    for id in waiting {
        store::uploads::rung(&transaction, id, now).await?;
        queue::ring(&transaction, queue::Job::Upload(id), 0).await?;
    }
    // The nil configuration: a doorbell that concerns none in particular.
    state.wake.commit(transaction, Uuid::nil(), &[What::Job]).await
}
