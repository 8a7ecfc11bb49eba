//! A bulk release and its undo, of so many addresses that each takes more than one step.

use super::{Bench, LAST_MOMENT, error, run};
use anyhow::ensure;
use mail_e2e::{
    field::{Api, SOON},
    rig::eventually,
};
use shared::{
    Reason,
    list_operation::{BlockFilter, ListOperation, ListOperationState},
};
use std::time::Instant;
use uuid::Uuid;

/// More than the first step takes.
pub(super) const ADDRESSES: usize = 1_100;
/// Events of one batch.
const BATCH: usize = 500;

/// A service whose list has them all.
async fn blocked() -> anyhow::Result<Bench> {
    let mut bench = Bench::start().await?;
    let event = |n| error(&bench, format!("{n}"), format!("u{n}@example.test"), Reason::UnknownUser);
    let events: Vec<_> = (0..ADDRESSES).map(event).collect();
    for batch in events.chunks(BATCH) {
        bench.api.report(batch).await?;
    }
    bench.books.counted(&events);
    run(&mut bench).await?;
    bench.agent.follow().await?;
    bench.books.is_held_by(&bench.agent)?;
    bench.books.balance().await?;
    Ok(bench)
}

/// Asks for an operation and waits until it is done, through the death of the service if it is to be killed at a
/// statement. Answers the operation, and whether the service died.
pub(super) async fn operate(
    bench: &mut Bench,
    kill_at: Option<usize>,
    ask: impl AsyncFn(&Api) -> anyhow::Result<ListOperation>,
) -> anyhow::Result<(ListOperation, bool)> {
    let newest = async |api: &Api| anyhow::Ok(api.list_operations().await?.first().map(|operation| operation.id));
    let before = newest(&bench.api).await?;
    if let Some(n) = kill_at {
        bench.clock.kill_at(n)?;
    }
    let mut died = false;
    let id = match ask(&bench.api).await {
        Ok(operation) => operation.id,
        Err(_) => {
            died = true;
            bench.restart().await?;
            // Either the request was carried out or it was not.
            match newest(&bench.api).await? {
                Some(id) if before != Some(id) => id,
                _ => ask(&bench.api).await?.id,
            }
        }
    };
    let mut done_at: Option<Instant> = None;
    let (operation, _) = eventually("the operation is done", SOON, async || {
        if !died && bench.service.was_killed()? {
            died = true;
            bench.restart().await?;
            done_at = None;
        }
        let Ok(operation) = bench.api.list_operation(id).await else { return Ok(None) };
        if !operation.state.is_final() {
            return Ok(None);
        }
        let waited = done_at.get_or_insert_with(Instant::now).elapsed();
        Ok((died || kill_at.is_none() || waited >= LAST_MOMENT).then_some(operation))
    })
    .await?;
    if kill_at.is_some() && !died {
        bench.clock.let_live()?;
    }
    ensure!(operation.state == ListOperationState::Done, "{operation:?}");
    ensure!((operation.total, operation.done) == (Some(ADDRESSES as i64), ADDRESSES as i64), "{operation:?}");
    Ok((operation, died))
}

/// Releases everything.
async fn release(bench: &mut Bench, kill_at: Option<usize>) -> anyhow::Result<(Uuid, bool)> {
    let filter = BlockFilter { reason: Some(Reason::UnknownUser), ..BlockFilter::default() };
    let (operation, died) = operate(bench, kill_at, async |api| api.release_all(&filter).await).await?;
    ensure!(operation.counts.removed == ADDRESSES as i64, "{operation:?}");
    bench.books.released_all();
    bench.agent.follow().await?;
    bench.books.is_held_by(&bench.agent)?;
    Ok((operation.id, died))
}

/// Undoes that.
async fn undo(bench: &mut Bench, release: Uuid, kill_at: Option<usize>) -> anyhow::Result<bool> {
    let (operation, died) = operate(bench, kill_at, async |api| api.undo(release).await).await?;
    ensure!(operation.counts.added == ADDRESSES as i64, "{operation:?}");
    bench.books.undid_release();
    bench.agent.follow().await?;
    bench.books.is_held_by(&bench.agent)?;
    Ok(died)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_release() -> anyhow::Result<()> {
    let mut bench = blocked().await?;
    bench
        .at_every_fifth_statement("a bulk release", async |bench, n| {
            let (id, died) = release(bench, Some(n)).await?;
            bench.books.balance().await?;
            undo(bench, id, None).await?;
            Ok(died)
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_undo_of_a_bulk_release() -> anyhow::Result<()> {
    let mut bench = blocked().await?;
    bench
        .at_every_fifth_statement("the undo of a bulk release", async |bench, n| {
            let (id, _) = release(bench, None).await?;
            undo(bench, id, Some(n)).await
        })
        .await;
    Ok(())
}
