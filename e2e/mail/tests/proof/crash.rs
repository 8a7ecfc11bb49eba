//! The service is killed with `kill -9` in the middle of its work, beside real agents and mail servers. The tests `crash`
//! kill it at every single statement, alone; this one shows that those around it end at the right list, and on PostgreSQL
//! that the queue gives the jobs of a dead node to the next.

use mail_e2e::field::{Field, clock};
use shared::run::{DistributionState, Run};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How many addresses each run blocks.
const ADDRESSES: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_run_it_finishes_after_a_restart() -> anyhow::Result<()> {
    Field::prove(async |field| {
        // The moment of the kill moves through the run.
        let moments = [0, 20, 60, 150].map(Duration::from_millis);
        let mut unfinished = 0;
        for (round, moment) in moments.into_iter().enumerate() {
            let before = report(field, round).await?;
            let run = field.api.queue_run().await?.id;
            tokio::time::sleep(moment).await;
            let at_the_kill = field.api.run(run).await?.state;
            let restart = restart(field).await?;
            println!("FIGURE killed while the run was {at_the_kill:?}");
            let run = finished(field, run, before).await?;
            unfinished += usize::from(run.finished_at.is_some_and(|at| at >= restart));
        }
        assert!(unfinished > 0, "no kill came before a run was done");
        println!("FIGURE {unfinished} of {} kills came before the run was done", moments.len());
        nothing_is_doubled(field, moments.len()).await
    })
    .await
}

/// Reports errors of new addresses; returns how many addresses the list has before their run.
async fn report(field: &Field, round: usize) -> anyhow::Result<i64> {
    let addresses: Vec<String> = (0..ADDRESSES).map(|n| format!("r{round}-{n}@example.test")).collect();
    field.api.report_unknown_users(&addresses).await?;
    Ok(field.configuration().await?.list_count)
}

/// Kills the service with `kill -9` and starts it again; returns the moment between.
async fn restart(field: &mut Field) -> anyhow::Result<chrono::DateTime<chrono::Utc>> {
    field.service.kill()?;
    let killed = clock::now();
    let start = Instant::now();
    field.service.start().await?;
    println!("FIGURE the service is ready again after {} ms", start.elapsed().as_millis());
    Ok(killed)
}

/// Waits until run and distribution are finished, and checks that they did their work once.
async fn finished(field: &Field, run: Uuid, before: i64) -> anyhow::Result<Run> {
    let run = field.run_is_done(run).await?;
    let added = i64::try_from(ADDRESSES)?;
    assert_eq!(run.blocked.iter().map(|of| of.count).sum::<i64>(), added);
    let distribution = field.distribution_is_complete(run.distribution_id.expect("a distribution")).await?;
    assert_eq!(distribution.added, added);
    assert_eq!(distribution.count, Some(before + added));
    for receipt in &distribution.receipts {
        assert_eq!((receipt.count, receipt.checksum), (distribution.count, distribution.checksum), "{receipt:?}");
    }
    field.both_are_in_sync().await?;
    Ok(run)
}

/// As many runs and distributions as were asked for, each version once, every address refused.
async fn nothing_is_doubled(field: &Field, rounds: usize) -> anyhow::Result<()> {
    assert_eq!(field.configuration().await?.list_count, i64::try_from(rounds * ADDRESSES)?);
    assert_eq!(field.api.runs().await?.len(), rounds);
    let distributions = field.api.distributions().await?;
    assert_eq!(distributions.len(), rounds);
    assert!(distributions.iter().all(|one| one.state == DistributionState::Complete));
    let mut versions: Vec<_> = distributions.iter().map(|one| one.version).collect();
    versions.dedup();
    assert_eq!(versions.len(), rounds, "a version was published twice: {versions:?}");
    for round in 0..rounds {
        assert!(field.is_refused(&format!("r{round}-{}@example.test", ADDRESSES - 1)).await?);
    }
    Ok(())
}
