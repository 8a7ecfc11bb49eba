//! What monitoring is told (Prometheus). Counters and durations are of this process since its start; gauges are read
//! from the database when they are asked for, so every node tells the same.
//!
//! Labels have few values. Two gauges are labelled by server configuration, because an alert must say which one it is
//! about. Nothing here holds a mail address or a name that somebody chose.

use super::{Result, mail_servers::state_of};
use crate::{
    state::AppState,
    store::{self, queue},
};
use chrono::{DateTime, TimeDelta, Utc};
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use shared::{
    Reason,
    delivery_event::BatchResult,
    list::{ReleaseItem, ReleaseStatus},
    mail_server::MailServerState,
    run::{DistributionKind, ReasonCount, RunState, RunTrigger},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// How long the database may take until the figures are given without it.
const PATIENCE: Duration = Duration::from_secs(2);
/// From a run of milliseconds to one of minutes, in seconds.
const RUN_SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];
/// From a release that agents wait for to a night that a mail server was away, in seconds.
const DISTRIBUTION_SECONDS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 43_200.0];

/// The figures.
pub struct Metrics {
    registry: Registry,
    runs: IntCounterVec,
    run_attempts_failed: IntCounter,
    run_seconds: HistogramVec,
    last_run: GaugeVec,
    blocks: IntCounterVec,
    blocks_cancelled: IntCounter,
    distributions: IntCounterVec,
    distribution_attempts_failed: IntCounter,
    distribution_seconds: HistogramVec,
    events: IntCounterVec,
    releases: IntCounterVec,
    mismatches: IntCounter,
    stored: Stored,
}

/// What is read from the database.
struct Stored {
    database_up: IntGauge,
    configurations: IntGauge,
    addresses: IntGaugeVec,
    mail_servers: IntGaugeVec,
    last_done: GaugeVec,
    schedule_delay: Gauge,
    runs: IntGaugeVec,
    distributions: IntGaugeVec,
    jobs: IntGauge,
    known: Mutex<Known>,
}

/// The labels of the series by server configuration that are told now.
#[derive(Default)]
struct Known {
    mail_servers: HashSet<(String, String)>,
    last_done: HashSet<String>,
}

/// Makes figures and registers them.
struct Maker<'a>(&'a Registry);

impl Maker<'_> {
    fn add<M: prometheus::core::Collector + Clone + 'static>(&self, metric: M) -> prometheus::Result<M> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.add(IntCounter::new(name, help)?)
    }

    /// Begins with a zero for each value of its one label: a rate needs a first value.
    fn counters(&self, name: &str, help: &str, label: &str, values: &[&str]) -> prometheus::Result<IntCounterVec> {
        let counters = self.add(IntCounterVec::new(Opts::new(name, help), &[label])?)?;
        for value in values {
            counters.with_label_values(&[value]).reset();
        }
        Ok(counters)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn times(&self, name: &str, help: &str, label: &str) -> prometheus::Result<GaugeVec> {
        self.add(GaugeVec::new(Opts::new(name, help), &[label])?)
    }

    fn durations(&self, name: &str, help: &str, label: &str, buckets: &[f64]) -> prometheus::Result<HistogramVec> {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &[label])?)
    }
}

impl Metrics {
    /// All figures, at zero.
    ///
    /// # Errors
    /// A name is used twice.
    pub fn new() -> anyhow::Result<Self> {
        let registry = Registry::new();
        let make = Maker(&registry);
        let kinds = DistributionKind::ALL.map(DistributionKind::as_str);
        let statuses = RELEASE_STATUSES.map(|(_, name)| name);
        let runs = IntCounterVec::new(
            Opts::new("stoplist_runs_total", "Runs that ended, by what asked for them and how they ended."),
            &["trigger", "outcome"],
        )?;
        for trigger in RunTrigger::ALL {
            for outcome in [RunState::Done, RunState::Failed] {
                runs.with_label_values(&[trigger.as_str(), outcome.as_str()]).reset();
            }
        }
        Ok(Self {
            runs: make.add(runs)?,
            run_attempts_failed: make
                .counter("stoplist_run_attempts_failed_total", "Attempts to perform a run that failed.")?,
            run_seconds: make.durations(
                "stoplist_run_duration_seconds",
                "How long the attempt took that performed a run.",
                "trigger",
                RUN_SECONDS,
            )?,
            last_run: make.times(
                "stoplist_run_last_timestamp_seconds",
                "When this process last ended a run, by how it ended.",
                "outcome",
            )?,
            blocks: make.counters(
                "stoplist_blocks_total",
                "Addresses that runs blocked.",
                "reason",
                &Reason::COUNTED.map(Reason::as_str),
            )?,
            blocks_cancelled: make
                .counter("stoplist_blocks_cancelled_total", "Blocks that runs ended with their watch period.")?,
            distributions: make.counters(
                "stoplist_distributions_published_total",
                "Distributions that were published.",
                "kind",
                &kinds,
            )?,
            distribution_attempts_failed: make
                .counter("stoplist_distribution_attempts_failed_total", "Attempts to publish that failed.")?,
            distribution_seconds: make.durations(
                "stoplist_distribution_duration_seconds",
                "From the moment a distribution was asked for until the last active mail server acknowledged it.",
                "kind",
                DISTRIBUTION_SECONDS,
            )?,
            events: make.counters(
                "stoplist_delivery_events_total",
                "Reported delivery events.",
                "status",
                &["accepted", "duplicate", "rejected"],
            )?,
            releases: make.counters(
                "stoplist_releases_total",
                "Addresses that a release was asked for.",
                "status",
                &statuses,
            )?,
            mismatches: make.counter(
                "stoplist_list_mismatches_total",
                "Acknowledgements whose version, count or checksum the service does not agree with.",
            )?,
            stored: Stored::new(&make)?,
            registry,
        })
    }

    /// Where all figures are registered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A run was performed.
    pub fn run_done(
        &self,
        trigger: RunTrigger,
        took: Duration,
        at: DateTime<Utc>,
        blocked: &[ReasonCount],
        cancelled: i64,
    ) {
        self.run_ended(trigger, RunState::Done, at);
        self.run_seconds.with_label_values(&[trigger.as_str()]).observe(took.as_secs_f64());
        for ReasonCount { reason, count } in blocked {
            self.blocks.with_label_values(&[reason.as_str()]).inc_by(count.unsigned_abs());
        }
        self.blocks_cancelled.inc_by(cancelled.unsigned_abs());
    }

    /// A run was given up.
    pub fn run_given_up(&self, trigger: RunTrigger, at: DateTime<Utc>) {
        self.run_ended(trigger, RunState::Failed, at);
    }

    fn run_ended(&self, trigger: RunTrigger, outcome: RunState, at: DateTime<Utc>) {
        self.runs.with_label_values(&[trigger.as_str(), outcome.as_str()]).inc();
        self.last_run.with_label_values(&[outcome.as_str()]).set(seconds(at));
    }

    /// An attempt to perform a run failed.
    pub fn run_attempt_failed(&self) {
        self.run_attempts_failed.inc();
    }

    /// A distribution was published.
    pub fn distribution_published(&self, kind: DistributionKind) {
        self.distributions.with_label_values(&[kind.as_str()]).inc();
    }

    /// An attempt to publish failed.
    pub fn distribution_attempt_failed(&self) {
        self.distribution_attempts_failed.inc();
    }

    /// The last mail server acknowledged a distribution.
    pub fn distribution_acknowledged(&self, kind: DistributionKind, took: TimeDelta) {
        let took = took.to_std().unwrap_or_default();
        self.distribution_seconds.with_label_values(&[kind.as_str()]).observe(took.as_secs_f64());
    }

    /// A mail server holds something else than its version says.
    pub fn mismatch(&self) {
        self.mismatches.inc();
    }

    /// A batch of delivery events was stored.
    pub fn reported(&self, result: &BatchResult) {
        for (status, count) in
            [("accepted", result.accepted), ("duplicate", result.duplicates), ("rejected", result.rejected)]
        {
            self.events.with_label_values(&[status]).inc_by(u64::from(count));
        }
    }

    /// A release was carried out.
    pub fn released(&self, items: &[ReleaseItem]) {
        for (status, name) in RELEASE_STATUSES {
            let count = items.iter().filter(|item| item.status == status).count();
            self.releases.with_label_values(&[name]).inc_by(count as u64);
        }
    }
}

const RELEASE_STATUSES: [(ReleaseStatus, &str); 3] = [
    (ReleaseStatus::Released, "released"),
    (ReleaseStatus::NotBlocked, "not_blocked"),
    (ReleaseStatus::NotValid, "not_valid"),
];

fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1_000.0
}

impl Stored {
    fn new(make: &Maker<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            database_up: make
                .gauge("stoplist_database_up", "Whether the database answered; 0: the gauges below are old.")?,
            configurations: make.gauge("stoplist_server_configurations", "Server configurations.")?,
            addresses: make.gauges(
                "stoplist_list_addresses",
                "Addresses of all blocked lists: published ones, and those that the next distributions add and remove.",
                &["state"],
            )?,
            mail_servers: make.gauges(
                "stoplist_mail_servers",
                "Active mail servers of accounts at work; a state that none of a configuration is in is left out.",
                &["server_configuration", "state"],
            )?,
            last_done: make.times(
                "stoplist_run_last_done_timestamp_seconds",
                "When the last run of a server configuration was done; left out before the first, and while suspended.",
                "server_configuration",
            )?,
            schedule_delay: {
                let help = "For how long the scheduled run is due that has been due longest, of accounts at work.";
                make.add(Gauge::new("stoplist_run_schedule_delay_seconds", help)?)?
            },
            runs: make.gauges("stoplist_runs_unfinished", "Runs that are neither done nor given up.", &["state"])?,
            distributions: make.gauges(
                "stoplist_distributions_incomplete",
                "Distributions that are not published, or not acknowledged by every active mail server.",
                &["state"],
            )?,
            jobs: make.gauge("stoplist_jobs_waiting", "Jobs that wait to be performed, also for another attempt.")?,
            known: Mutex::default(),
        })
    }
}

/// Reads the gauges of the database. Without it they stay as they were, and one of them says so.
pub async fn refresh(state: &AppState) {
    let stored = &state.metrics.stored;
    match tokio::time::timeout(PATIENCE, read(state)).await {
        Ok(Ok(())) => stored.database_up.set(1),
        Ok(Err(error)) => {
            tracing::warn!(%error, "cannot read the figures for monitoring");
            stored.database_up.set(0);
        }
        Err(_) => stored.database_up.set(0),
    }
}

async fn read(state: &AppState) -> Result<()> {
    let (connection, now) = (state.db.connection(), state.clock.now());
    let configurations = store::metrics::configurations(connection).await?;
    let (added, removed) = store::metrics::pending(connection).await?;
    let mail_servers = store::mail_servers::active(connection).await?;
    let runs = store::metrics::unfinished_runs(connection).await?;
    let distributions = store::metrics::incomplete_distributions(connection).await?;
    let jobs = queue::waiting(connection).await?;

    let stored = &state.metrics.stored;
    stored.configurations.set(configurations.len() as i64);
    let published = configurations.iter().map(|configuration| configuration.head.count).sum();
    for (name, count) in [("in_effect", published), ("pending", added), ("releasing", removed)] {
        stored.addresses.with_label_values(&[name]).set(count);
    }
    // Where no run is made and no agent is answered, nobody has to be called for it.
    let at_work: Vec<_> = configurations.iter().filter(|configuration| configuration.at_work).collect();
    let due = at_work.iter().map(|configuration| configuration.next_run_at).min();
    let delay = due.map_or(TimeDelta::zero(), |due| (now - due).max(TimeDelta::zero()));
    stored.schedule_delay.set(delay.as_seconds_f64());
    let last_done = at_work.iter().filter_map(|of| Some((of.id.to_string(), seconds(of.previous_execution_at?))));
    let last_done: HashMap<String, f64> = last_done.collect();
    let heads: HashMap<Uuid, _> = at_work.iter().map(|of| (of.id, of.head)).collect();
    let mut by_state: HashMap<(String, String), i64> = HashMap::new();
    for mail_server in &mail_servers {
        let Some(head) = heads.get(&mail_server.server_configuration_id) else { continue };
        let name = state_name(state_of(mail_server, *head, now)).to_owned();
        *by_state.entry((mail_server.server_configuration_id.to_string(), name)).or_default() += 1;
    }
    let mut known = stored.known.lock().unwrap_or_else(PoisonError::into_inner);
    for ((id, name), count) in &by_state {
        stored.mail_servers.with_label_values(&[id, name]).set(*count);
    }
    for (id, at) in &last_done {
        stored.last_done.with_label_values(&[id]).set(*at);
    }
    // What was told is there.
    for (id, name) in known.mail_servers.iter().filter(|labels| !by_state.contains_key(*labels)) {
        drop(stored.mail_servers.remove_label_values(&[id, name]));
    }
    for id in known.last_done.iter().filter(|id| !last_done.contains_key(*id)) {
        drop(stored.last_done.remove_label_values(&[id]));
    }
    *known = Known { mail_servers: by_state.into_keys().collect(), last_done: last_done.into_keys().collect() };
    set_all(&stored.runs, [RunState::Queued, RunState::Running].map(RunState::as_str), &runs);
    set_all(&stored.distributions, ["queued", "published"], &distributions);
    stored.jobs.set(jobs);
    Ok(())
}

fn set_all(gauges: &IntGaugeVec, names: [&str; 2], counts: &[(String, i64)]) {
    for name in names {
        let count = counts.iter().find(|(of, _)| of == name).map_or(0, |(_, count)| *count);
        gauges.with_label_values(&[name]).set(count);
    }
}

/// The state as the API names it.
const fn state_name(state: MailServerState) -> &'static str {
    match state {
        MailServerState::Waiting => "waiting",
        MailServerState::InSync => "in_sync",
        MailServerState::Late => "late",
        MailServerState::Mismatch => "mismatch",
        MailServerState::Silent => "silent",
    }
}
