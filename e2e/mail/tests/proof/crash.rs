//! The service kills itself in the middle of its work, beside real agents and mail servers. The tests `crash` kill it at
//! every single statement, alone; this one shows that those around it end at the right list.

use backend::store::{ConnectionTrait, Db, statement};
use mail_e2e::{
    field::{Field, SOON},
    rig::holds_within,
};
use shared::run::DistributionState;
use std::time::Instant;
use uuid::Uuid;

/// How many addresses each run blocks.
const ADDRESSES: usize = 2_000;

/// Before which statement of which job the service dies, each in the transaction that does its work.
const MOMENTS: [(&str, usize); 4] = [("Run", 9), ("Run", 16), ("Distribution", 4), ("Distribution", 8)];

#[tokio::test(flavor = "multi_thread")]
async fn killed_inside_a_run_and_inside_its_distribution_it_finishes_them_after_a_restart() -> anyhow::Result<()> {
    Field::prove_by_clock(async |field, clock| {
        for (round, (job, n)) in MOMENTS.into_iter().enumerate() {
            let before = report(field, round).await?;
            clock.kill_in(job, n)?;
            let run = field.api.queue_run().await?.id;
            holds_within("the service kills itself", SOON, async || field.service.was_killed()).await?;
            clock.let_live()?;
            // The transaction that died left nothing.
            let done = round + usize::from(job == "Distribution");
            let expected = format!("{done} done, {} blocked, {round} published", done * ADDRESSES);
            assert_eq!(left_behind(field.database.url()).await?, expected, "killed in {job}, statement {n}");
            assert!(!field.is_refused(&address(round)).await?, "nothing of it has reached the mail servers");
            let start = Instant::now();
            field.service.start().await?;
            println!("FIGURE the service is ready again after {} ms", start.elapsed().as_millis());
            finished(field, run, before).await?;
        }
        nothing_is_doubled(field, MOMENTS.len()).await
    })
    .await
}

/// One of the addresses of a round.
fn address(round: usize) -> String {
    format!("r{round}-{}@example.test", ADDRESSES - 1)
}

/// Reports errors of new addresses; returns how many addresses the list has before their run.
async fn report(field: &Field, round: usize) -> anyhow::Result<i64> {
    let addresses: Vec<String> = (0..ADDRESSES).map(|n| format!("r{round}-{n}@example.test")).collect();
    field.api.report_unknown_users(&addresses).await?;
    Ok(field.configuration().await?.list_count)
}

/// What the database holds while no service looks after it.
async fn left_behind(url: &str) -> anyhow::Result<String> {
    let database = Db::connect(url).await?;
    let sql = "SELECT (SELECT COUNT(*) FROM runs WHERE state = 'done') || ' done, ' \
               || (SELECT COUNT(*) FROM blocked_addresses b JOIN change_sets s ON s.id = b.added_set_id \
               WHERE s.ready) || ' blocked, ' \
               || (SELECT COUNT(*) FROM distributions WHERE published_at IS NOT NULL) || ' published' AS line";
    let row = database.connection().query_one_raw(statement(database.connection(), sql, [])).await?;
    let line = row.expect("a row").try_get("", "line")?;
    database.close().await;
    Ok(line)
}

/// Waits until run and distribution are finished, and checks that they did their work once.
async fn finished(field: &Field, run: Uuid, before: i64) -> anyhow::Result<()> {
    let run = field.run_is_done(run).await?;
    let added = i64::try_from(ADDRESSES)?;
    assert_eq!(run.blocked.iter().map(|of| of.count).sum::<i64>(), added);
    let distribution = field.distribution_is_complete(run.distribution_id.expect("a distribution")).await?;
    assert_eq!(distribution.added, added);
    assert_eq!(distribution.count, Some(before + added));
    for receipt in &distribution.receipts {
        assert_eq!((receipt.count, receipt.checksum), (distribution.count, distribution.checksum), "{receipt:?}");
    }
    field.both_are_in_sync().await
}

/// As many runs and distributions as were asked for, each version once, every address refused.
async fn nothing_is_doubled(field: &Field, rounds: usize) -> anyhow::Result<()> {
    assert_eq!(field.configuration().await?.list_count, i64::try_from(rounds * ADDRESSES)?);
    assert_eq!(field.api.runs().await?.len(), rounds);
    let distributions = field.api.distributions().await?;
    assert_eq!(distributions.len(), rounds);
    assert!(distributions.iter().all(|one| one.state == DistributionState::Complete));
    let mut versions: Vec<_> = distributions.iter().map(|one| one.version).collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), rounds, "a version was published twice: {versions:?}");
    for round in 0..rounds {
        assert!(field.is_refused(&address(round)).await?);
    }
    Ok(())
}
