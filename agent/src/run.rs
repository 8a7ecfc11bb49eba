//! The running agent: everything is put together here.

use crate::{
    bounce,
    clock::Clock,
    config::Config,
    events::{follower::Follower, incoming::Incoming, progress::Progress, sender, spool::Spool},
    list::{List, ListError},
    postfix::{self, map_file::Keeper, policy, socketmap},
    service::Service,
    status::{self, Status},
    sync::{Sync, SyncStatus},
};
use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::File,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};
use tokio::{net::TcpListener, task::JoinSet};

/// How large the spool may get: about 16 million events. Then the mail log waits.
const SPOOL_OCTETS: u64 = 4 << 30;

/// An agent that runs until it is dropped.
pub struct Agent {
    /// Where Postfix asks at RCPT.
    pub policy: SocketAddr,
    /// Where Postfix asks for the transport.
    pub socketmap: SocketAddr,
    /// The list that it holds.
    pub list: Arc<List>,
    tasks: JoinSet<()>,
    progress: Arc<Progress>,
    _lock: File,
}

impl Agent {
    /// Starts an agent.
    ///
    /// # Errors
    /// When the data folder or a port cannot be used, or another agent uses them.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let data_dir = config.data_dir.display().to_string();
        std::fs::create_dir_all(&config.data_dir).with_context(|| format!("cannot make data_dir {data_dir}"))?;
        let lock = File::create(lock_file(&config)).with_context(|| format!("cannot write in data_dir {data_dir}"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another agent runs with data_dir {data_dir}; stop it first");
        }
        if let Some(problem) = bounce::problem(&config) {
            tracing::warn!("{problem}");
        }
        let list = List::new(&config.data_dir);
        let map_file = Keeper::new(config.map_file.clone(), list.clone())?;
        let policy = listen("policy_listen", config.policy_listen).await?;
        let socketmap = listen("socketmap_listen", config.socketmap_listen).await?;
        let service = Service::new(&config)?;
        let mut agent = Self {
            policy: policy.local_addr()?,
            socketmap: socketmap.local_addr()?,
            list: list.clone(),
            tasks: JoinSet::new(),
            progress: Arc::default(),
            _lock: lock,
        };
        agent.tasks.spawn(postfix::serve(policy, list.clone(), policy::answer));
        agent.tasks.spawn(postfix::serve(socketmap, list.clone(), socketmap::answer));
        let sync_status = Arc::new(Mutex::new(SyncStatus::default()));
        agent.tasks.spawn(map_file.clone().run());
        agent.tasks.spawn(load_and_sync(service.clone(), list.clone(), clock, sync_status.clone()));
        let spool = Arc::new(
            Spool::open(&config.data_dir.join("spool"), SPOOL_OCTETS)
                .with_context(|| format!("cannot use the spool in data_dir {data_dir}"))?,
        );
        agent.tasks.spawn(sender::run(service, spool.clone()));
        let incoming = Incoming::new(&config.data_dir, spool.clone(), agent.progress.clone())
            .with_context(|| format!("cannot use the folder incoming in data_dir {data_dir}"))?;
        agent.tasks.spawn_blocking(|| incoming.run());
        if let Some(mail_log) = &config.mail_log {
            let parser = bounces::postfix::Config {
                server: config.myhostname.clone(),
                syslog_name: config.syslog_name.clone(),
                ignored_relays: config.ignored_relays.clone(),
            };
            let progress = agent.progress.clone();
            let follower = Follower::new(mail_log, parser, &config.data_dir, spool.clone(), clock, progress)
                .with_context(|| format!("cannot read mail-log.json in data_dir {data_dir}"))?;
            agent.tasks.spawn_blocking(|| follower.run());
        }
        let progress = agent.progress.clone();
        agent.tasks.spawn(report_status(config, list, clock, (sync_status, map_file), spool, progress));
        Ok(agent)
    }

    /// Stops; what is on disk needs no farewell.
    pub async fn stop(mut self) {
        self.progress.stop.store(true, Ordering::Relaxed);
        self.tasks.shutdown().await;
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // The tasks that block look at this.
        self.progress.stop.store(true, Ordering::Relaxed);
    }
}

fn lock_file(config: &Config) -> PathBuf {
    config.data_dir.join("agent.lock")
}

/// Whether an agent with this data folder is running.
pub fn is_running(config: &Config) -> bool {
    File::open(lock_file(config)).is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err())
}

async fn listen(name: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {name} {address}: is another agent or service there?"))
}

async fn load_and_sync(service: Service, list: Arc<List>, clock: Clock, status: Arc<Mutex<SyncStatus>>) {
    let loading = list.clone();
    match tokio::task::spawn_blocking(move || loading.load()).await {
        Ok(Ok(held)) => tracing::info!(version = held.version, count = held.count, "the list on disk is in effect"),
        Ok(Err(ListError::Missing)) => tracing::info!("no list yet; fetching the first"),
        Ok(Err(error)) => {
            tracing::error!(%error, "the list on disk cannot be used; the map file answers until a snapshot is here");
        }
        Err(error) => tracing::error!(%error, "loading the list broke off"),
    }
    Sync::new(service, list, clock, status).run().await;
}

async fn report_status(
    config: Config,
    list: Arc<List>,
    clock: Clock,
    (sync, map_file): (Arc<Mutex<SyncStatus>>, Arc<Keeper>),
    spool: Arc<Spool>,
    progress: Arc<Progress>,
) {
    let mut ticks = tokio::time::interval(status::INTERVAL);
    loop {
        ticks.tick().await;
        let sync = sync.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let bounces = bounce::problem(&config).map(str::to_owned);
        let problems =
            [sync.problem, map_file.problem.now(), progress.mail_log.now(), progress.incoming.now(), bounces];
        let problems: Vec<String> = problems.into_iter().flatten().collect();
        let status = Status {
            at: clock.now(),
            pid: std::process::id(),
            service: config.service.clone(),
            list: list.position(),
            acknowledged: sync.acknowledged,
            last_contact: sync.last_contact,
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
            spool_backlog: spool.backlog(),
            log_octets: config.mail_log.is_some().then(|| progress.octets.load(Ordering::Relaxed)),
        };
        if let Err(error) = status.write(&config) {
            tracing::debug!(%error, "cannot write the status file");
        }
    }
}
