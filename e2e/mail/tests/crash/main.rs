//! The service is killed with SIGKILL before every single statement of its work, one after the other, and started again
//! each time: the work is finished once, nothing is lost and nothing doubled. Long work, that of list operations, is killed
//! at some of its statements.
//!
//! The service is a real process, without mail servers around it. On SQLite, or on PostgreSQL when
//! `STOPLIST_TEST_DATABASE_URL` names one.

mod agent;
mod books;
mod operations;
mod registrations;

use agent::Agent;
use anyhow::{Context, ensure};
use books::Books;
use mail_e2e::{
    field::{Api, ClockFile, SOON, Service},
    rig::{Database, eventually, holds_within},
};
use shared::{
    Reason,
    delivery_event::{NewDeliveryEvent, Outcome},
    list::ReleaseStatus,
    run::{DistributionState, RunState},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// More statements than any of the works has: a work that never gets through is an error.
const MOST: usize = 150;
/// After the work is seen to be done, for so long the kill may still come.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// Addresses in a round that one error blocks.
const ADDRESSES: usize = 4;

/// A service that can be killed at a statement, and what it must hold.
struct Bench {
    service: Service,
    api: Api,
    agent: Agent,
    clock: ClockFile,
    books: Books,
    _database: Database,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("stoplist-crash-").tempdir()?;
        let database = Database::fresh(folder.path()).await?;
        let clock = ClockFile::tomorrow(folder.path())?;
        let home = folder.path().join("service");
        std::fs::create_dir(&home)?;
        let mut service = Service::alone(home, free_address(), &database, Some(&clock))?;
        service.start().await?;
        let api = Api::set_up(&mut service).await?;
        let agent = Agent::new(&service, api.add_mail_server("one").await?.token);
        let books = Books::open(database.url()).await?;
        Ok(Self { service, api, agent, clock, books, _database: database, _folder: folder })
    }

    /// Waits until the service has killed itself, and starts it again.
    async fn restart(&mut self) -> anyhow::Result<()> {
        let (service, clock) = (&mut self.service, &self.clock);
        holds_within("the service kills itself", SOON, async || service.was_killed()).await?;
        clock.let_live()?;
        self.books.forget_orphans().await?;
        service.start().await
    }

    /// Does `work`, and the same again with the service killed at the first statement, at the second, and so on until
    /// it gets through. `work` is told the number of its round and answers whether the service died.
    async fn at_every_statement(&mut self, what: &str, work: impl AsyncFn(&mut Self, usize) -> anyhow::Result<bool>) {
        self.at_statements(1..=MOST, what, work).await;
    }

    /// The same at every fifth statement, for a work that takes long: at others on PostgreSQL than on SQLite.
    async fn at_every_fifth_statement(
        &mut self,
        what: &str,
        work: impl AsyncFn(&mut Self, usize) -> anyhow::Result<bool>,
    ) {
        let first = if Database::is_shared() { 3 } else { 1 };
        self.at_statements((first..=MOST).step_by(5), what, work).await;
    }

    async fn at_statements(
        &mut self,
        statements: impl Iterator<Item = usize>,
        what: &str,
        work: impl AsyncFn(&mut Self, usize) -> anyhow::Result<bool>,
    ) {
        let begun = Instant::now();
        for (kills, n) in statements.enumerate() {
            if !self.at_statement(what, n, &work).await {
                assert!(kills > 2, "{what} took less than {n} statements: is the kill in its place?");
                println!("FIGURE {what}: killed at {kills} of less than {n} statements, {:?}", begun.elapsed());
                return;
            }
        }
        panic!("{what} did not get through within {MOST} statements");
    }

    /// The same at some statements only, for what takes many and takes its steps as others do.
    async fn at_some_statements(
        &mut self,
        what: &str,
        sample: &[usize],
        work: impl AsyncFn(&mut Self, usize) -> anyhow::Result<bool>,
    ) {
        let begun = Instant::now();
        for n in sample {
            assert!(self.at_statement(what, *n, &work).await, "{what} has fewer than {n} statements: kill it earlier");
        }
        println!("FIGURE {what}: killed at the statements {sample:?}, {:?}", begun.elapsed());
    }

    async fn at_statement(
        &mut self,
        what: &str,
        n: usize,
        work: &impl AsyncFn(&mut Self, usize) -> anyhow::Result<bool>,
    ) -> bool {
        let died = match work(self, n).await {
            Ok(died) => died,
            Err(error) => panic!("{what}, killed at statement {n}: {error:?}\n{}", self.service.output()),
        };
        if let Err(error) = self.books.balance().await {
            panic!("{what}, killed at statement {n}, leaves wrong books: {error:?}");
        }
        died
    }
}

/// The kernel gives all of 127.0.0.0/8 to the loopback interface; the mail tests use the addresses below 127.192.0.0.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = u16::try_from(std::process::id() % 0x1_0000).unwrap_or_default().to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, 200, high, low), 8080 + NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// The errors of one round: addresses that one error blocks, and one that two errors do not.
fn events(bench: &Bench, round: usize) -> Vec<NewDeliveryEvent> {
    let event = |id, address, reason| error(bench, id, address, reason);
    let dead = (0..ADDRESSES)
        .map(|n| event(format!("{round}-{n}"), format!("r{round}-{n}@example.test"), Reason::UnknownUser));
    let slow =
        ["a", "b"].map(|n| event(format!("{round}-{n}"), format!("slow{round}@example.test"), Reason::ResendTimeout));
    dead.chain(slow).collect()
}

fn error(bench: &Bench, id: String, address: String, reason: Reason) -> NewDeliveryEvent {
    NewDeliveryEvent {
        id,
        address,
        outcome: Outcome::Error,
        reason: Some(reason),
        smtp_code: None,
        status: None,
        reply: None,
        occurred_at: bench.clock.time(),
    }
}

async fn report(bench: &mut Bench, round: usize) -> anyhow::Result<()> {
    let events = events(bench, round);
    let result = bench.api.report(&events).await?;
    ensure!(result.accepted as usize == events.len(), "{result:?}");
    bench.books.counted(&events);
    Ok(())
}

/// Runs, and waits until the list is published. Answers the distribution.
async fn run(bench: &mut Bench) -> anyhow::Result<Uuid> {
    let run = bench.api.queue_run().await?.id;
    let api = &bench.api;
    let (distribution, _) = eventually("the list is published", SOON, async || {
        let Some(distribution) = api.run(run).await?.distribution_id else { return Ok(None) };
        let distribution = api.distribution(distribution).await?;
        Ok((distribution.state != DistributionState::Queued).then_some(distribution.id))
    })
    .await?;
    bench.books.ran();
    Ok(distribution)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_events() -> anyhow::Result<()> {
    let mut bench = Bench::start().await?;
    bench
        .at_every_statement("a batch of events", async |bench, n| {
            let events = events(bench, n);
            bench.clock.kill_at(n)?;
            let first = bench.api.report(&events).await;
            let died = first.is_err();
            let result = if let Ok(result) = first {
                bench.clock.let_live()?;
                result
            } else {
                bench.restart().await?;
                // As an agent does that got no answer.
                bench.api.report(&events).await?
            };
            let whole = [result.accepted, result.duplicates].map(|part| part as usize == events.len());
            ensure!(whole[0] || (died && whole[1]), "a part of the batch was stored: {result:?}");
            bench.books.counted(&events);
            Ok(died)
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_its_distribution() -> anyhow::Result<()> {
    let mut bench = Bench::start().await?;
    bench
        .at_every_statement("a run and its distribution", async |bench, n| {
            report(bench, n).await?;
            bench.clock.kill_at(n)?;
            let mut died = false;
            let id = match bench.api.queue_run().await {
                Ok(run) => run.id,
                Err(_) => {
                    died = true;
                    bench.restart().await?;
                    // Either the request was carried out or it was not.
                    match bench.api.runs().await?.len() - bench.books.runs {
                        0 => bench.api.queue_run().await?.id,
                        1 => bench.api.runs().await?[0].id,
                        more => anyhow::bail!("{more} runs were queued by one request"),
                    }
                }
            };
            let mut done_at: Option<Instant> = None;
            let (distribution, _) = eventually("the run is done and its distribution published", SOON, async || {
                if !died && bench.service.was_killed()? {
                    died = true;
                    bench.restart().await?;
                    done_at = None;
                }
                let Ok(run) = bench.api.run(id).await else { return Ok(None) };
                ensure!(run.state != RunState::Failed, "{run:?}");
                let Some(distribution) = run.distribution_id else { return Ok(None) };
                let Ok(distribution) = bench.api.distribution(distribution).await else { return Ok(None) };
                if distribution.state == DistributionState::Queued {
                    return Ok(None);
                }
                let waited = done_at.get_or_insert_with(Instant::now).elapsed();
                Ok((died || waited >= LAST_MOMENT).then_some(distribution))
            })
            .await?;
            if !died {
                bench.clock.let_live()?;
            }
            ensure!(distribution.added == ADDRESSES as i64, "{distribution:?}");
            bench.books.ran();
            bench.agent.follow().await?;
            let distribution = bench.api.distribution(distribution.id).await?;
            ensure!(distribution.state == DistributionState::Complete, "{distribution:?}");
            bench.books.is_held_by(&bench.agent)?;
            Ok(died)
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release() -> anyhow::Result<()> {
    let mut bench = Bench::start().await?;
    for round in 1..=MOST / 2 {
        report(&mut bench, round).await?;
    }
    run(&mut bench).await?;
    bench.books.balance().await?;
    bench
        .at_every_statement("a release", async |bench, n| {
            let addresses = [0, 1].map(|of| format!("r{n}-{of}@example.test"));
            let addresses = [addresses[0].as_str(), addresses[1].as_str()];
            bench.clock.kill_at(n)?;
            let first = bench.api.release(&addresses).await;
            let died = first.is_err();
            let result = if let Ok(result) = first {
                bench.clock.let_live()?;
                result
            } else {
                bench.restart().await?;
                bench.api.release(&addresses).await?
            };
            let all = |status| result.items.iter().all(|item| item.status == status);
            ensure!(
                all(ReleaseStatus::Released) || (died && all(ReleaseStatus::NotBlocked)),
                "a part was released: {result:?}"
            );
            bench.books.released(&addresses);
            bench.agent.follow().await?;
            bench.books.is_held_by(&bench.agent)?;
            Ok(died)
        })
        .await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement() -> anyhow::Result<()> {
    let mut bench = Bench::start().await?;
    bench
        .at_every_statement("an acknowledgement", async |bench, n| {
            report(bench, n).await?;
            let distribution = run(bench).await?;
            bench.agent.fetch().await?;
            bench.clock.kill_at(n)?;
            let first = bench.agent.acknowledge().await;
            let died = first.is_err();
            if died {
                bench.restart().await?;
                bench.agent.acknowledge().await?;
            } else {
                bench.clock.let_live()?;
            }
            let distribution = bench.api.distribution(distribution).await?;
            ensure!(distribution.state == DistributionState::Complete, "{distribution:?}");
            let receipt = distribution.receipts.first().context("no receipt")?;
            ensure!(distribution.receipts.len() == 1, "{distribution:?}");
            ensure!((receipt.count, receipt.checksum) == (distribution.count, distribution.checksum), "{receipt:?}");
            bench.books.is_held_by(&bench.agent)?;
            Ok(died)
        })
        .await;
    Ok(())
}
