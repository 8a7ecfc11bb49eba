//! The workers of the queue, the scheduler and the sweep. A job is a few lines that call a service.

mod poller;

use crate::{
    service::{
        self, Pool, closing, distributions, idempotency, list_operations, mails,
        queue::{self, Job, LONG_QUEUE, MAIL_QUEUE, QUEUE},
        retention, runs, uploads,
        wake::What,
    },
    state::AppState,
};
use anyhow::Context;
use apalis::prelude::*;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use chrono::TimeDelta;
use futures::FutureExt;
use poller::Poller;
use std::{panic::AssertUnwindSafe, time::Duration};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

/// Jobs performed at the same time: on SQLite they wait for each other anyway.
const CONCURRENCY: usize = 4;
/// Long jobs performed at the same time.
const LONG_CONCURRENCY: usize = 2;
/// Mails sent at the same time.
const MAIL_CONCURRENCY: usize = 2;
/// A worker that does not show itself three times is dead and its jobs are given to another.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a worker that died rests.
const RESTART: Duration = Duration::from_millis(200);
/// How often the scheduler looks at the clock.
const TICK: Duration = Duration::from_millis(500);
/// How often work that nobody rang for is looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// How often ended jobs are removed.
const PRUNE: Duration = Duration::from_secs(3_600);
/// How often what is too old is looked for.
const CLEAN: Duration = Duration::from_secs(600);
/// How long running jobs may take after the service is told to stop; the rest is performed after the next start.
const SHUTDOWN: Duration = Duration::from_secs(8);

/// Makes the queue's own tables.
///
/// # Errors
/// The database refused.
pub async fn migrate(pool: &Pool) -> anyhow::Result<()> {
    match pool {
        // Not `setup()`: it would also set `synchronous = OFF`, and what was acknowledged could be lost.
        Pool::Sqlite(pool) => SqliteStorage::migrations().run(pool).await?,
        Pool::Postgres(pool) => PostgresStorage::setup(pool).await?,
    }
    Ok(())
}

/// Performs jobs, schedules runs and sweeps until `shutdown`.
///
/// # Errors
/// The workers died and could not be started again.
pub async fn work(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    queue::take_back(&state.db).await.context("cannot take back the jobs of the process before")?;
    runs::sweep(&state, TimeDelta::zero()).await.context("cannot look for waiting work")?;
    if matches!(state.db.pool(), Pool::Sqlite(_)) {
        // What was being read when the process before ended. With PostgreSQL another node may be reading it.
        uploads::sweep(&state, TimeDelta::zero()).await.context("cannot look for waiting uploads")?;
    }
    let monitor = monitor(&state);
    let stop = shutdown.clone();
    let stopped = async move {
        stop.cancelled().await;
        Ok(())
    };
    let (worked, (), ()) =
        tokio::join!(monitor.run_with_signal(stopped), tick(&state, &shutdown), clean(&state, &shutdown));
    worked.context("the workers died")
}

fn monitor(state: &AppState) -> Monitor {
    let monitor = Monitor::new()
        .on_event(|worker, event| {
            if let Event::Error(error) = event {
                tracing::warn!(worker = worker.name(), %error, "a worker reports an error");
            }
        })
        .shutdown_timeout(SHUTDOWN)
        .should_restart(|worker, error| {
            tracing::error!(worker = worker.name(), %error, "a worker died and is started again");
            // The database may be away: not in a tight circle.
            std::thread::sleep(RESTART);
            true
        });
    // A name is never used again: the queue takes a second worker of the same name for the first.
    let name = |attempt: usize| format!("stoplist-{}-{attempt}", Uuid::now_v7());
    let queues = [(QUEUE, CONCURRENCY), (LONG_QUEUE, LONG_CONCURRENCY), (MAIL_QUEUE, MAIL_CONCURRENCY)];
    macro_rules! register {
        ($storage:ident, $config:path, $pool:expr) => {
            queues.into_iter().fold(monitor, |monitor, (queue, concurrency)| {
                // More than one job at a time from the database would start some of them twice.
                let config = $config().queue(queue).batch_size(1).heartbeat_interval(HEARTBEAT).missed_heartbeats(3);
                let storage = $storage::<Job>::new($pool).with_config(config);
                let state = state.clone();
                monitor.register(move |attempt| {
                    WorkerBuilder::new(name(attempt))
                        .backend(storage.clone().poll_with_strategy(Poller::new(&state.wake)))
                        .concurrency(concurrency)
                        .data(state.clone())
                        // A handler that is busy must not keep the worker from showing itself.
                        .parallelize(tokio::spawn)
                        .build(perform)
                })
            })
        };
    }
    match state.db.pool() {
        Pool::Sqlite(pool) => register!(SqliteStorage, apalis_sqlite::Config::default, pool),
        Pool::Postgres(pool) => register!(PostgresStorage, apalis_postgres::Config::default, pool),
    }
}

/// Performs a job. What failed is noted in its row, which also says when to try again: for the queue the job is done.
async fn perform(job: Job, state: Data<AppState>) -> Result<(), BoxDynError> {
    let span = tracing::info_span!("job", ?job);
    attempt(job, &state).instrument(span).await;
    Ok(())
}

async fn attempt(job: Job, state: &AppState) {
    let outcome = AssertUnwindSafe(async {
        match job {
            Job::Run(id) => runs::perform(state, id).await,
            Job::Distribution(id) => distributions::perform(state, id).await,
            Job::ListOperation(id) => list_operations::perform(state, id).await,
            Job::Upload(id) => uploads::perform(state, id).await,
            Job::Mail(id) => mails::perform(state, id).await,
        }
    })
    .catch_unwind()
    .await;
    let error = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(_) => service::Error::Internal(anyhow::anyhow!("the job panicked; the service's log says where")),
    };
    tracing::error!(%error, "a job failed");
    let noted = match job {
        Job::Run(id) => runs::failed(state, id, &error).await,
        Job::Distribution(id) => distributions::failed(state, id, &error).await,
        Job::ListOperation(id) => list_operations::failed(state, id, &error).await,
        Job::Upload(id) => uploads::failed(state, id, &error).await,
        // It waits for its next attempt.
        Job::Mail(_) => Ok(()),
    };
    if let Err(error) = noted {
        // The row still says that it waits: the sweep rings again.
        tracing::error!(%error, "cannot note why a job failed");
    }
}

/// Schedules, sweeps and prunes in their rhythms.
async fn tick(state: &AppState, shutdown: &CancellationToken) {
    let mut schedule = tokio::time::interval(TICK);
    let mut sweep = tokio::time::interval(SWEEP);
    let mut prune = tokio::time::interval(PRUNE);
    for rhythm in [&mut schedule, &mut sweep, &mut prune] {
        rhythm.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    let patience = TimeDelta::seconds(SWEEP.as_secs().cast_signed());
    loop {
        let (what, done): (_, service::Result<()>) = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = schedule.tick() => ("schedule runs", runs::schedule(state).await),
            _ = sweep.tick() => ("look for waiting work", look_for_work(state, patience).await),
            _ = prune.tick() => ("remove what is over", remove_what_is_over(state).await),
        };
        if let Err(error) = done {
            tracing::error!(%error, "cannot {what}; trying again");
        }
    }
}

/// Removes what is too old, beside everything else: it may take long.
async fn clean(state: &AppState, shutdown: &CancellationToken) {
    let mut rhythm = tokio::time::interval(CLEAN);
    rhythm.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let cleaning = async {
        loop {
            rhythm.tick().await;
            for removed in [retention::remove_old(state).await, closing::remove_closed(state).await] {
                if let Err(error) = removed {
                    tracing::error!(%error, "cannot remove what is too old or closed; trying again");
                }
            }
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = cleaning => {}
    }
}

async fn look_for_work(state: &AppState, patience: TimeDelta) -> service::Result<()> {
    runs::sweep(state, patience).await?;
    uploads::sweep(state, patience).await?;
    mails::sweep(state).await
}

async fn remove_what_is_over(state: &AppState) -> service::Result<()> {
    queue::prune(&state.db).await?;
    idempotency::forget_old(state).await?;
    uploads::expire(state).await
}
