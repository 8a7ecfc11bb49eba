//! List operations: registrations, bulk releases and their undo. Each changes many rows of a list as one act, in many
//! small transactions: nobody waits long for one, and a process that dies goes on where it was.

mod ending;
mod malformed;
mod perform;
mod steps;

pub use perform::{failed, perform, step};

use super::{Access, Error, Result, blocked_addresses::stored_domain, position, uploads, wake::What};
use crate::{
    state::AppState,
    store::{
        ConnectionTrait, DatabaseTransaction,
        address_history::Whose,
        blocked_addresses::{self, Chosen, Counting, Filter, Seen, bulk},
        change_sets,
        list_operations::{self, NewOperation, StoredOperation},
        millis, queue,
        search::{CursorScope, Effort, Keyset},
    },
};
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::{
    Page, RefusalCode,
    list::BlockState,
    list_operation::{
        BlockFilter, BulkReleasePreview, BulkReleaseRequest, ListOperation, ListOperationKind, ListOperationParameters,
        ListOperationState, PREVIEW_SAMPLE, RegistrationRequest,
    },
    upload::UploadState,
};
use uuid::Uuid;

/// A page of the operations, newest first.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(
    state: &AppState,
    server_configuration_id: Uuid,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<ListOperation>> {
    let scope = CursorScope::new("list_operations", server_configuration_id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let rows = list_operations::list(state.db.connection(), server_configuration_id, keyset).await?;
    Ok(scope.page(rows, limit, None, |row| (millis(row.created_at), row.id)))
}

/// One operation.
///
/// # Errors
/// [`Error::NotFound`] when the configuration has no such operation; the database refused.
pub async fn get(state: &AppState, server_configuration_id: Uuid, id: Uuid) -> Result<ListOperation> {
    Ok(find(state.db.connection(), server_configuration_id, id).await?.operation)
}

async fn find<C: ConnectionTrait>(connection: &C, server_configuration_id: Uuid, id: Uuid) -> Result<StoredOperation> {
    let stored = list_operations::get(connection, id).await?;
    let stored = stored.filter(|stored| stored.server_configuration_id == server_configuration_id);
    stored.ok_or(Error::NotFound)
}

/// The blocks that a filter means: those that were on the list when it was asked for.
fn chosen(server_configuration_id: Uuid, filter: &BlockFilter, asked_at: DateTime<Utc>, seen: Option<Seen>) -> Chosen {
    let until_asked = asked_at + chrono::TimeDelta::milliseconds(1);
    let filter = Filter {
        text: filter.q.clone(),
        reason: filter.reason,
        origin: filter.origin,
        state: filter.state,
        domain: filter.domain.as_deref().map(stored_domain),
        from: filter.from,
        to: Some(filter.to.map_or(until_asked, |to| to.min(until_asked))),
    };
    Chosen { server_configuration_id, filter, seen, effort: Effort::default() }
}

/// What a bulk release is about.
enum Released<'a> {
    Filter(&'a BlockFilter),
    Upload(Uuid),
}

fn check(request: &BulkReleaseRequest) -> Result<Released<'_>> {
    match (&request.filter, request.upload_id) {
        (Some(filter), None) if *filter == BlockFilter::default() => Err(Error::field(
            "/filter",
            RefusalCode::Missing,
            "name at least one condition: an empty filter would release the whole list",
        )),
        (Some(BlockFilter { q: Some(text), .. }), None) if text.trim().is_empty() => Err(Error::field(
            "/filter/q",
            RefusalCode::Missing,
            "write a part of an address: a blank one is in every address of the list",
        )),
        (Some(BlockFilter { state: Some(BlockState::Releasing), .. }), None) => {
            Err(Error::field("/filter/state", RefusalCode::BeingReleased, "these are being released already"))
        }
        (Some(filter), None) => Ok(Released::Filter(filter)),
        (None, Some(upload_id)) => Ok(Released::Upload(upload_id)),
        (Some(_), Some(_)) => {
            Err(Error::field("/upload_id", RefusalCode::NotTogether, "send a filter or an upload, not both"))
        }
        (None, None) => Err(Error::field("/filter", RefusalCode::Missing, "send a filter, or an upload_id")),
    }
}

/// What a bulk release would do.
///
/// # Errors
/// [`Error::Invalid`] names what is wrong with the request; the database refused.
pub async fn preview(
    state: &AppState,
    server_configuration_id: Uuid,
    request: &BulkReleaseRequest,
) -> Result<BulkReleasePreview> {
    let connection = state.db.connection();
    let filter = match check(request)? {
        Released::Upload(upload_id) => return preview_upload(connection, server_configuration_id, upload_id).await,
        Released::Filter(filter) => filter,
    };
    let seen = Seen::now(connection, server_configuration_id).await?;
    let chosen = chosen(server_configuration_id, filter, state.clock.now(), Some(seen));
    let mut counting = Counting::default();
    // Between two pieces others have the connection.
    while chosen.count_on(connection, &mut counting).await? {}
    let count = counting.count;
    let shown = count.min(PREVIEW_SAMPLE.into()) as usize;
    let sample = if shown == 0 { Vec::new() } else { chosen.newest(connection, shown).await? };
    Ok(BulkReleasePreview { count, sample })
}

async fn preview_upload<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    upload_id: Uuid,
) -> Result<BulkReleasePreview> {
    expect_releasable(connection, server_configuration_id, upload_id).await?;
    let malformed = malformed::blocks(connection, server_configuration_id, upload_id, usize::MAX).await?;
    let count = bulk::count_blocked(connection, server_configuration_id, upload_id).await? + malformed.len() as i64;
    let mut sample =
        blocked_addresses::sample_of_upload(connection, server_configuration_id, upload_id, PREVIEW_SAMPLE).await?;
    for block in malformed.iter().take(usize::from(PREVIEW_SAMPLE) - sample.len()) {
        let whose = Whose { server_configuration_id, key: &block.key };
        // They are live: what mail servers hold of ended ones is not wanted.
        sample.extend(blocked_addresses::of_address(connection, whose, i64::MAX).await?);
    }
    Ok(BulkReleasePreview { count, sample })
}

/// That the upload of a release is analysed.
async fn expect_releasable<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    upload_id: Uuid,
) -> Result<()> {
    let found = uploads::find(connection, server_configuration_id, upload_id).await?;
    match found.map(|found| found.upload.state) {
        None => Err(Error::field("/upload_id", RefusalCode::NotFound, "there is no such upload")),
        Some(UploadState::Uploading | UploadState::Analysing | UploadState::Failed) => {
            Err(Error::field("/upload_id", RefusalCode::NotReady, "the upload is not analysed yet, or could not be"))
        }
        Some(UploadState::Ready | UploadState::Registering | UploadState::Registered | UploadState::Undone) => Ok(()),
    }
}

/// Queues the registration of an analysed upload.
///
/// # Errors
/// [`Error::NotFound`]: there is no such upload. [`Error::Conflict`]: it is not ready to be registered. The database
/// refused.
pub async fn register(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    upload_id: Uuid,
    request: &RegistrationRequest,
) -> Result<ListOperation> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let found = uploads::find(&transaction, server_configuration_id, upload_id).await?.ok_or(Error::NotFound)?;
    let from = [UploadState::Ready, UploadState::Undone];
    if !uploads::move_to(&transaction, upload_id, &from, UploadState::Registering, now).await? {
        return Err(match found.upload.state {
            UploadState::Registering => Error::conflict(RefusalCode::InProgress, "it is being registered already"),
            UploadState::Registered => Error::conflict(
                RefusalCode::DoneAlready,
                "it is registered already: undo that first to register it again",
            ),
            _ => Error::conflict(RefusalCode::NotReady, "it is not analysed yet, or could not be: read its state"),
        });
    }
    let new = NewOperation {
        server_configuration_id,
        kind: ListOperationKind::RegisterUpload,
        requested_by: access.actor.name().to_owned(),
        comment: request.comment.clone(),
        parameters: ListOperationParameters {
            block_exempt: request.block_exempt,
            delivery_timing: Some(request.delivery_timing),
            filter: None,
        },
        seen: None,
        upload_id: Some(upload_id),
        undo_of: None,
    };
    enqueue(state, access, transaction, new, "upload.register").await
}

/// Queues a bulk release.
///
/// # Errors
/// As [`preview`].
pub async fn release(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    request: &BulkReleaseRequest,
) -> Result<ListOperation> {
    let released = check(request)?;
    let transaction = state.db.begin().await?;
    // Held, so that the list, or the upload, stays as it is until the operation is seen to need it.
    change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let seen = match released {
        Released::Filter(_) => Some(Seen::now(&transaction, server_configuration_id).await?),
        Released::Upload(upload_id) => {
            expect_releasable(&transaction, server_configuration_id, upload_id).await?;
            None
        }
    };
    let new = NewOperation {
        server_configuration_id,
        kind: ListOperationKind::Release,
        requested_by: access.actor.name().to_owned(),
        comment: request.comment.clone(),
        parameters: ListOperationParameters { filter: request.filter.clone(), ..ListOperationParameters::default() },
        seen,
        upload_id: request.upload_id,
        undo_of: None,
    };
    enqueue(state, access, transaction, new, "blocked_address.bulk_release").await
}

/// Queues an operation, with its audit entry and its job, and commits.
async fn enqueue(
    state: &AppState,
    access: &Access,
    transaction: DatabaseTransaction,
    new: NewOperation,
    action: &'static str,
) -> Result<ListOperation> {
    let now = state.clock.now();
    let server_configuration_id = new.server_configuration_id;
    let operation = queued(&transaction, new, now).await?;
    let id = operation.id;
    let mut entry = access.audit(now, action, id.to_string());
    entry.after = Some(described(&transaction, server_configuration_id, &operation).await?);
    entry.comment.clone_from(&operation.comment);
    transaction.audit(entry);
    state.wake.commit(transaction, server_configuration_id, &asked(&operation)).await?;
    Ok(operation)
}

/// An operation for the audit log: what was asked, and of which file.
async fn described(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    operation: &ListOperation,
) -> Result<serde_json::Value> {
    let upload = match operation.upload_id {
        Some(upload_id) => uploads::find(transaction, server_configuration_id, upload_id).await?,
        None => None,
    };
    Ok(json!({ "kind": operation.kind, "parameters": operation.parameters, "upload_id": operation.upload_id,
        "file_name": upload.map(|found| found.upload.file_name) }))
}

/// What to tell when something was asked of an operation.
fn asked(operation: &ListOperation) -> Vec<What> {
    let mut changes = vec![What::ListOperation(operation.id), What::Job];
    changes.extend(operation.upload_id.map(What::Upload));
    changes
}

/// Queues an operation, with its job; the caller tells `What::ListOperation` and `What::Job`.
async fn queued(transaction: &DatabaseTransaction, new: NewOperation, now: DateTime<Utc>) -> Result<ListOperation> {
    let id = list_operations::insert(transaction, new, now).await?;
    queue::ring(transaction, queue::Job::ListOperation(id), 0).await?;
    Ok(list_operations::get(transaction, id).await?.ok_or(Error::NotFound)?.operation)
}

/// The operation, held until the transaction ends.
async fn locked(transaction: &DatabaseTransaction, server_configuration_id: Uuid, id: Uuid) -> Result<StoredOperation> {
    change_sets::lock(transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    find(transaction, server_configuration_id, id).await
}

/// Cancels an operation that is not done. What it has prepared is taken back, in steps too; doing it twice is no error.
///
/// # Errors
/// [`Error::Conflict`] when it is over; [`Error::NotFound`]; the database refused.
pub async fn cancel(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    id: Uuid,
    comment: Option<&str>,
) -> Result<ListOperation> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let mut stored = locked(&transaction, server_configuration_id, id).await?;
    let before = stored.operation.state;
    match before {
        ListOperationState::Queued | ListOperationState::Running => {}
        ListOperationState::Cancelling => return Ok(stored.operation),
        ListOperationState::Done => {
            return Err(Error::conflict(RefusalCode::DoneAlready, "it is done already: undo it instead"));
        }
        ListOperationState::Cancelled | ListOperationState::Failed => {
            return Err(Error::conflict(
                RefusalCode::DoneAlready,
                "it is over already: nothing of it is left to cancel",
            ));
        }
    }
    stored.operation.state = ListOperationState::Cancelling;
    stored.operation.error = None;
    if before == ListOperationState::Queued {
        ending::cancelled(&transaction, &mut stored, now).await?;
    }
    list_operations::save(&transaction, &stored, now).await?;
    let mut entry = access.audit(now, "list_operation.cancel", id.to_string());
    let mut told = described(&transaction, server_configuration_id, &stored.operation).await?;
    told["state"] = json!(before);
    entry.before = Some(told.clone());
    told["state"] = json!(stored.operation.state);
    entry.after = Some(told);
    entry.comment = comment.map(str::to_owned);
    transaction.audit(entry);
    queue::ring(&transaction, queue::Job::ListOperation(id), 0).await?;
    state.wake.commit(transaction, server_configuration_id, &asked(&stored.operation)).await?;
    Ok(stored.operation)
}

/// Queues the undo of a registration or a bulk release as a whole.
///
/// # Errors
/// [`Error::Conflict`] when it is not done, was undone, or is an undo itself; [`Error::NotFound`]; the database refused.
pub async fn undo(
    state: &AppState,
    access: &Access,
    server_configuration_id: Uuid,
    id: Uuid,
    comment: Option<&str>,
) -> Result<ListOperation> {
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let mut stored = locked(&transaction, server_configuration_id, id).await?;
    let operation = &stored.operation;
    if operation.kind == ListOperationKind::Undo {
        return Err(Error::conflict(RefusalCode::NotAccepted, "it is an undo itself: do again what it undid"));
    }
    if operation.state != ListOperationState::Done {
        return Err(Error::conflict(RefusalCode::NotReady, "only what is done can be undone: cancel it while it runs"));
    }
    if let Some(by) = operation.undone_by {
        return Err(Error::conflict(RefusalCode::DoneAlready, format!("it is undone already, by the operation {by}")));
    }
    let new = NewOperation {
        server_configuration_id,
        kind: ListOperationKind::Undo,
        requested_by: access.actor.name().to_owned(),
        comment: comment.map(str::to_owned),
        parameters: ListOperationParameters::default(),
        seen: None,
        upload_id: operation.upload_id,
        undo_of: Some(id),
    };
    let operation = queued(&transaction, new, now).await?;
    let undo = operation.id;
    stored.operation.undone_by = Some(undo);
    list_operations::save(&transaction, &stored, now).await?;
    let mut entry = access.audit(now, "list_operation.undo", id.to_string());
    let mut told = described(&transaction, server_configuration_id, &stored.operation).await?;
    entry.before = Some(told.clone());
    told["undone_by"] = json!(undo);
    entry.after = Some(told);
    entry.comment = comment.map(str::to_owned);
    transaction.audit(entry);
    let changes = [What::ListOperation(id), What::ListOperation(undo), What::Job];
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    Ok(operation)
}
