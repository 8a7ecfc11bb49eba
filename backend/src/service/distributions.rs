//! Distributions: publish versions of the list and follow who holds them.

use super::{Error, Result, position, wake::What};
use crate::{
    state::AppState,
    store::{
        DatabaseTransaction,
        change_sets::{self, ChangeSet, Head},
        distributions, millis, queue,
        search::{CursorScope, Keyset},
    },
};
use chrono::{DateTime, Utc};
use shared::{
    Page,
    run::{Distribution, DistributionKind},
};
use uuid::Uuid;

/// A page of the distributions, newest first.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(
    state: &AppState,
    server_configuration_id: Uuid,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<Distribution>> {
    let connection = state.db.connection();
    let scope = CursorScope::new("distributions", server_configuration_id, &());
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let rows = distributions::list(connection, server_configuration_id, keyset).await?;
    let mut page = scope.page(rows, limit, None, |row| (millis(row.created_at), row.id));
    page.items = distributions::with_receipts(connection, server_configuration_id, page.items).await?;
    Ok(page)
}

/// One distribution with its receipts.
///
/// # Errors
/// [`Error::NotFound`] when the configuration has no such distribution; the database refused.
pub async fn get(state: &AppState, server_configuration_id: Uuid, id: Uuid) -> Result<Distribution> {
    let connection = state.db.connection();
    let stored = distributions::get(connection, id).await?;
    let stored = stored.filter(|stored| stored.server_configuration_id == server_configuration_id);
    let distribution = stored.ok_or(Error::NotFound)?.distribution;
    let mut found = distributions::with_receipts(connection, server_configuration_id, vec![distribution]).await?;
    found.pop().ok_or(Error::NotFound)
}

/// Gives sets the next version and moves the head of the list to it; without any change the version stays.
async fn advance(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    head: &mut Head,
    sets: &[ChangeSet],
    now: DateTime<Utc>,
) -> Result<(i64, i64)> {
    let (mut added, mut removed) = (0, 0);
    for set in sets {
        head.sum = head.sum.plus(set.added).minus(set.removed);
        added += set.added.count;
        removed += set.removed.count;
    }
    if added + removed > 0 {
        head.version += 1;
    }
    change_sets::publish(transaction, sets, head.version, now).await?;
    change_sets::save_head(transaction, server_configuration_id, head).await?;
    Ok((added, removed))
}

/// Publishes a release or an undo alone, in its own transaction. The caller holds the lock of the configuration.
pub(super) async fn publish_alone(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    kind: DistributionKind,
    head: &mut Head,
    set: ChangeSet,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let id = distributions::insert(transaction, server_configuration_id, kind, now).await?;
    let (added, removed) = advance(transaction, server_configuration_id, head, &[set], now).await?;
    distributions::publish(transaction, id, head, added, removed, now).await?;
    distributions::settle(transaction, server_configuration_id, now).await?;
    Ok(id)
}

/// Publishes everything that is pending: the end of a run. Doing it twice does nothing the second time.
///
/// # Errors
/// The database refused; then nothing changed.
pub async fn perform(state: &AppState, id: Uuid) -> Result<()> {
    let Some(stored) = distributions::get(state.db.connection(), id).await? else { return Ok(()) };
    let server_configuration_id = stored.server_configuration_id;
    if stored.distribution.published_at.is_some() {
        return Ok(());
    }
    // The clock of the node that asked for it may be ahead of this one's.
    let now = state.clock.now().max(stored.distribution.created_at);
    distributions::begin(state.db.connection(), id, now).await?;
    let transaction = state.db.begin().await?;
    let mut head = change_sets::lock(&transaction, server_configuration_id).await?.ok_or(Error::NotFound)?;
    let stored = distributions::get(&transaction, id).await?.ok_or(Error::NotFound)?;
    if stored.distribution.published_at.is_some() {
        return Ok(());
    }
    let sets = change_sets::pending(&transaction, server_configuration_id).await?;
    let (added, removed) = advance(&transaction, server_configuration_id, &mut head, &sets, now).await?;
    distributions::publish(&transaction, id, &head, added, removed, now).await?;
    let settled = distributions::settle(&transaction, server_configuration_id, now).await?;
    let mut changes = vec![What::List, What::Rows, What::Distribution(id)];
    changes.extend(settled.changed.into_iter().filter(|settled| *settled != id).map(What::Distribution));
    state.wake.commit(transaction, server_configuration_id, &changes).await?;
    state.metrics.distribution_published(stored.distribution.kind);
    Ok(())
}

/// Notes why publishing failed and has it tried again, later each time, up to a minute.
///
/// # Errors
/// The database refused; then the sweep tries again.
pub async fn failed(state: &AppState, id: Uuid, error: &Error) -> Result<()> {
    let transaction = state.db.begin().await?;
    let Some(stored) = distributions::get(&transaction, id).await? else { return Ok(()) };
    distributions::fail(&transaction, id, &error.to_string(), error.cause()).await?;
    queue::ring(&transaction, queue::Job::Distribution(id), super::runs::backoff(stored.attempts)).await?;
    state.wake.commit(transaction, stored.server_configuration_id, &[What::Distribution(id)]).await?;
    state.metrics.distribution_attempt_failed();
    Ok(())
}

/// Looks again at who holds what, after a mail server was added, activated or deactivated, in the transaction of that
/// change. Returns what to tell those who wait.
///
/// # Errors
/// The database refused.
pub async fn mail_servers_changed(
    transaction: &DatabaseTransaction,
    server_configuration_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<What>> {
    change_sets::lock(transaction, server_configuration_id).await?;
    let settled = distributions::settle(transaction, server_configuration_id, now).await?;
    Ok(settled.changed.into_iter().map(What::Distribution).chain([What::MailServers, What::Rows]).collect())
}
