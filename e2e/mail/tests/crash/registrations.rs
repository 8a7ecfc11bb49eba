//! The registration of an upload and its undo, of so many addresses that each takes more than one step.

use super::{
    Bench,
    operations::{ADDRESSES, operate},
    run,
};
use anyhow::ensure;
use mail_e2e::{field::SOON, rig::eventually};
use shared::upload::UploadState;
use uuid::Uuid;

/// Statements of a registration: in the request, in both steps, between them, and at the end.
const OF_REGISTRATION: [usize; 6] = [4, 12, 20, 28, 35, 42];
/// Statements of its undo, likewise.
const OF_UNDO: [usize; 6] = [4, 17, 30, 43, 56, 69];

/// A service, and an analysed upload of all addresses.
async fn uploaded() -> anyhow::Result<(Bench, Uuid)> {
    let bench = Bench::start().await?;
    let upload = bench.api.upload(addresses().join("\n")).await?.id;
    eventually("the upload is analysed", SOON, async || {
        Ok((bench.api.find_upload(upload).await?.state == UploadState::Ready).then_some(()))
    })
    .await?;
    Ok((bench, upload))
}

fn addresses() -> Vec<String> {
    (0..ADDRESSES).map(|n| format!("u{n}@example.test")).collect()
}

/// Registers everything and has it published.
async fn register(bench: &mut Bench, upload: Uuid, kill_at: Option<usize>) -> anyhow::Result<(Uuid, bool)> {
    let (operation, died) = operate(bench, kill_at, async |api| api.register(upload).await).await?;
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
