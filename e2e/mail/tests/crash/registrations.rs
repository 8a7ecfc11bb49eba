//! The registration of an upload and its undo, of so many addresses that each takes more than one step.

use super::{
    Bench,
    operations::{ADDRESSES, operate},
    run,
};
use anyhow::{Context, ensure};
use mail_e2e::{field::SOON, rig::eventually};
use shared::{
    list_operation::ListOperationState,
    run::DistributionState,
    run_settings::DeliveryTiming::{NextExecution, Now},
    upload::UploadState,
};
use uuid::Uuid;

/// Statements of a registration: in the request, in both steps, between them, and at the end.
const OF_REGISTRATION: [usize; 6] = [4, 12, 20, 28, 35, 42];
/// Statements of its undo, likewise.
const OF_UNDO: [usize; 6] = [4, 17, 30, 43, 56, 69];

/// Statements of one that is published at once: the last are of its end and its run.
const OF_PUBLISHED: [usize; 4] = [9, 24, 40, 52];
/// Statements of a long one that is cancelled: of its steps, of the cancellation, and of taking back.
const OF_CANCELLED: [usize; 5] = [2, 4, 6, 8, 11];
/// Statements of a release of all that an upload has.
const OF_RELEASE: [usize; 4] = [5, 17, 29, 41];
/// So many that a registration is not over before it is cancelled.
const MANY: usize = 20_000;

/// A service, and an analysed upload of all addresses.
async fn uploaded() -> anyhow::Result<(Bench, Uuid)> {
    let bench = Bench::start().await?;
    let upload = analysed(&bench, addresses()).await?;
    Ok((bench, upload))
}

async fn analysed(bench: &Bench, addresses: Vec<String>) -> anyhow::Result<Uuid> {
    let upload = bench.api.upload(addresses.join("\n")).await?.id;
    eventually("the upload is analysed", SOON, async || {
        Ok((bench.api.find_upload(upload).await?.state == UploadState::Ready).then_some(()))
    })
    .await?;
    Ok(upload)
}

fn addresses() -> Vec<String> {
    (0..ADDRESSES).map(|n| format!("u{n}@example.test")).collect()
}

/// Registers everything and has it published.
async fn register(bench: &mut Bench, upload: Uuid, kill_at: Option<usize>) -> anyhow::Result<(Uuid, bool)> {
    let (operation, died) = operate(bench, kill_at, async |api| api.register(upload, NextExecution).await).await?;
    ensure!(operation.counts.added == ADDRESSES as i64, "{operation:?}");
    ensure!(bench.api.find_upload(upload).await?.state == UploadState::Registered, "not registered");
    bench.books.registered(&addresses());
    run(bench).await?;
    bench.agent.follow().await?;
    bench.books.is_held_by(&bench.agent)?;
    Ok((operation.id, died))
}

/// Undoes that.
async fn undo(bench: &mut Bench, upload: Uuid, registration: Uuid, kill_at: Option<usize>) -> anyhow::Result<bool> {
    let (operation, died) = operate(bench, kill_at, async |api| api.undo(registration).await).await?;
    ensure!(operation.counts.removed == ADDRESSES as i64, "{operation:?}");
    ensure!(bench.api.find_upload(upload).await?.state == UploadState::Undone, "not undone");
    bench.books.undid_registration();
    bench.agent.follow().await?;
    bench.books.is_held_by(&bench.agent)?;
    Ok(died)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration() -> anyhow::Result<()> {
    let (mut bench, upload) = uploaded().await?;
    bench
        .at_some_statements("a registration", &OF_REGISTRATION, async |bench, n| {
            let (id, died) = register(bench, upload, Some(n)).await?;
            bench.books.balance().await?;
            undo(bench, upload, id, None).await?;
            Ok(died)
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_undo_of_a_registration() -> anyhow::Result<()> {
    let (mut bench, upload) = uploaded().await?;
    bench
        .at_some_statements("the undo of a registration", &OF_UNDO, async |bench, n| {
            let (id, _) = register(bench, upload, None).await?;
            undo(bench, upload, id, Some(n)).await
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_published_at_once() -> anyhow::Result<()> {
    let (mut bench, upload) = uploaded().await?;
    bench
        .at_some_statements("a registration that is published at once", &OF_PUBLISHED, async |bench, n| {
            let (operation, died) = operate(bench, Some(n), async |api| api.register(upload, Now).await).await?;
            ensure!(operation.counts.added == ADDRESSES as i64, "{operation:?}");
            bench.books.registered(&addresses());
            let run = operation.run_id.context("no run")?;
            eventually("the list is published", SOON, async || {
                let Some(distribution) = bench.api.run(run).await?.distribution_id else { return Ok(None) };
                let distribution = bench.api.distribution(distribution).await?;
                Ok((distribution.state != DistributionState::Queued).then_some(()))
            })
            .await?;
            bench.books.ran();
            bench.books.balance().await?;
            bench.agent.follow().await?;
            bench.books.is_held_by(&bench.agent)?;
            undo(bench, upload, operation.id, None).await?;
            Ok(died)
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_is_cancelled() -> anyhow::Result<()> {
    let mut bench = Bench::start().await?;
    let upload = analysed(&bench, (0..MANY).map(|n| format!("u{n}@example.test")).collect()).await?;
    bench
        .at_some_statements("a registration that is cancelled", &OF_CANCELLED, async |bench, n| {
            let id = bench.api.register(upload, NextExecution).await?.id;
            bench.clock.kill_at(n)?;
            let mut asked = bench.api.cancel(id).await.is_ok();
            let mut died = false;
            let (state, _) = eventually("the operation is over", SOON, async || {
                if !died && bench.service.was_killed()? {
                    died = true;
                    bench.restart().await?;
                }
                if !asked {
                    asked = bench.api.cancel(id).await.is_ok();
                }
                let Ok(operation) = bench.api.list_operation(id).await else { return Ok(None) };
                Ok(operation.state.is_final().then_some(operation.state))
            })
            .await?;
            if !died {
                bench.clock.let_live()?;
            }
            ensure!(state == ListOperationState::Cancelled, "{state:?}");
            ensure!(bench.api.find_upload(upload).await?.state == UploadState::Ready, "it cannot be registered again");
            bench.books.cancelled_registration();
            Ok(died)
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_of_all_that_an_upload_has() -> anyhow::Result<()> {
    let (mut bench, upload) = uploaded().await?;
    register(&mut bench, upload, None).await?;
    bench
        .at_some_statements("a release by upload", &OF_RELEASE, async |bench, n| {
            let (operation, died) = operate(bench, Some(n), async |api| api.release_upload(upload).await).await?;
            ensure!(operation.counts.removed == ADDRESSES as i64, "{operation:?}");
            bench.books.released_all();
            bench.agent.follow().await?;
            bench.books.is_held_by(&bench.agent)?;
            bench.books.balance().await?;
            operate(bench, None, async |api| api.undo(operation.id).await).await?;
            bench.books.undid_release();
            bench.agent.follow().await?;
            bench.books.is_held_by(&bench.agent)?;
            Ok(died)
        })
        .await;
    Ok(())
}
