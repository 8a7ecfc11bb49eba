//! How an operation ends: what it has prepared becomes ready in one transaction, or all of it was taken back.

use super::steps::Work;
use crate::{
    service::{
        Error, Result, blocked_addresses::leave_pending, distributions, runs, uploads::move_to as move_upload,
        wake::What,
    },
    store::{
        DatabaseTransaction,
        blocked_addresses::bulk,
        change_sets::{self, ChangeSet, Head},
        list_operations::{self, StoredOperation},
        pending_parts,
    },
};
use chrono::{DateTime, Utc};
use shared::{
    list_operation::{ListOperationKind, ListOperationState},
    run::DistributionKind,
    run_settings::DeliveryTiming,
    upload::UploadState,
};
use uuid::Uuid;

/// Ends an operation that has no rows left. Returns what to tell those who wait.
pub(super) async fn end(work: &mut Work<'_>, mut head: Head) -> Result<Vec<What>> {
    let mut changes = vec![What::Rows];
    if work.stored.operation.state == ListOperationState::Cancelling {
        if let Some(set) = work.set.take() {
            pending_parts::clear(work.transaction, set.id).await?;
            work.stored.change_set_id = None;
            // Nothing may name the set when it goes.
            list_operations::save(work.transaction, &work.stored, work.now).await?;
            change_sets::discard(work.transaction, set.id).await?;
        }
        cancelled(work.transaction, &mut work.stored, work.now).await?;
        changes.extend(work.stored.operation.upload_id.map(What::Upload));
        return Ok(changes);
    }
    let mut set = work.set.take().ok_or(Error::NotFound)?;
    let adds = work.adds();
    let undoes_registration =
        work.undone.as_ref().is_some_and(|undone| undone.kind == ListOperationKind::RegisterUpload);
    let operation = &mut work.stored.operation;
    if !adds && leave_pending(work.transaction, &mut set).await? {
        take_over(work.transaction, work.stored.server_configuration_id, &mut set).await?;
    }
    set.ready = true;
    change_sets::save(work.transaction, &set).await?;
    operation.state = ListOperationState::Done;
    operation.finished_at = Some(work.now);
    if let Some(upload_id) = operation.upload_id {
        // One that was removed since is none any more.
        if operation.kind == ListOperationKind::RegisterUpload {
            let from = [UploadState::Registering];
            move_upload(work.transaction, upload_id, &from, UploadState::Registered, work.now).await?;
            changes.push(What::Job);
        } else if undoes_registration {
            let from = [UploadState::Registered];
            move_upload(work.transaction, upload_id, &from, UploadState::Undone, work.now).await?;
        }
        changes.push(What::Upload(upload_id));
    }
    if operation.kind == ListOperationKind::RegisterUpload {
        if operation.parameters.delivery_timing == Some(DeliveryTiming::Now) {
            let run = runs::enqueue(work.transaction, work.stored.server_configuration_id, work.now).await?;
            operation.run_id = Some(run);
            changes.extend([What::Run(run), What::Job]);
        }
    } else if set.added.count + set.removed.count > 0 {
        let kind = match operation.kind {
            ListOperationKind::Undo => DistributionKind::Undo,
            _ => DistributionKind::Release,
        };
        let server_configuration_id = work.stored.server_configuration_id;
        let published =
            distributions::publish_alone(work.transaction, server_configuration_id, kind, &mut head, set, work.now)
                .await?;
        operation.distribution_id = Some(published);
        changes.extend([What::List, What::Distribution(published)]);
    } else {
        // Nothing that a mail server holds has changed: part of the version that is there.
        change_sets::publish(work.transaction, &[set], head.version, work.now).await?;
    }
    Ok(changes)
}

/// An address that was blocked again before the end of an older block was distributed is still on the published list,
/// because of the older one: it has to come off now, too.
async fn take_over(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    set: &mut ChangeSet,
) -> Result<()> {
    for mut waiting in change_sets::pending(transaction, server_configuration_id).await? {
        if waiting.removed.count == 0 {
            continue;
        }
        for key in bulk::take_over(transaction, waiting.id, set.id).await? {
            waiting.removed.remove(&key);
            set.removed.add(&key);
        }
        change_sets::save(transaction, &waiting).await?;
    }
    Ok(())
}

/// Says that an operation is cancelled or given up, after all of it was taken back.
pub(super) async fn cancelled(
    transaction: &DatabaseTransaction,
    stored: &mut StoredOperation,
    now: DateTime<Utc>,
) -> Result<()> {
    let operation = &mut stored.operation;
    operation.state =
        if operation.error.is_some() { ListOperationState::Failed } else { ListOperationState::Cancelled };
    operation.finished_at = Some(now);
    operation.done = 0;
    if operation.kind == ListOperationKind::RegisterUpload
        && let Some(upload_id) = operation.upload_id
    {
        move_upload(transaction, upload_id, &[UploadState::Registering], UploadState::Ready, now).await?;
    }
    if let Some(of) = operation.undo_of {
        let mut undone = list_operations::get(transaction, of).await?.ok_or(Error::NotFound)?;
        undone.operation.undone_by = None;
        list_operations::save(transaction, &undone, now).await?;
    }
    Ok(())
}
