//! The composition root: puts settings, database, keys, jobs and HTTP together.

use crate::{
    clock::Clock,
    config::Settings,
    http, jobs,
    service::{
        self, Wake, keys::Keys, limits::Limits, mails::Mailer, metrics::Metrics, signing_keys::Signer, slots::Slots,
    },
    state::AppState,
    store::{Db, service_settings},
    tls::Certificate,
};
use actix_web::{HttpServer, middleware, web};
use anyhow::{Context, bail};
use futures::{StreamExt, stream::FuturesUnordered};
use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};
use std::{
    fs::File,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// How long running requests may take after the service is told to stop, in seconds.
const SHUTDOWN_SECONDS: u64 = 10;

/// How often is looked whether the keys that sign access tokens were replaced.
const KEYS: Duration = Duration::from_secs(30);

/// A running service.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its handlers share.
    pub state: AppState,
    /// The one-time code, while the service waits for its first provider.
    pub setup_code: Option<String>,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
    /// Held until the end, so that no second process opens the same SQLite file.
    _lock: Option<File>,
}

impl Running {
    /// Asks the service to stop; [`Running::wait`] waits for it.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }

    /// What [`Running::stop`] cancels.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Waits until everything has stopped.
    ///
    /// # Errors
    /// A part of the service died.
    pub async fn wait(self) -> anyhow::Result<()> {
        let mut result = Ok(());
        let mut tasks: FuturesUnordered<_> = self.tasks.into_iter().collect();
        while let Some(ended) = tasks.next().await {
            // Without one part the service is not whole: stop the others too.
            self.shutdown.cancel();
            result = result.and(ended.context("a part of the service died").and_then(|ended| ended));
        }
        self.state.db.close().await;
        result
    }
}

/// Opens the database, brings it up to date and makes the state that everything shares.
///
/// # Errors
/// The data folder or the database cannot be used.
pub async fn open(settings: Settings, clock: Clock) -> anyhow::Result<AppState> {
    make_data_folder(&settings)?;
    let db = connect(&settings).await?;
    let lock = db.lock_schema().await.context("cannot wait for other nodes to bring the schema up to date")?;
    db.migrate().await.context("cannot bring the database schema up to date")?;
    jobs::migrate(db.pool()).await.context("cannot bring the job queue's schema up to date")?;
    let secret =
        service_settings::get_or_insert(db.connection(), service_settings::SEALING_KEY, service::keys::random_text())
            .await?;
    let signer = Arc::new(Signer::load(&db, clock.now()).await?);
    drop(lock);
    let keys = Arc::new(Keys::new(secret.as_bytes(), settings.password_cost)?);
    let metrics = Arc::new(Metrics::new().context("cannot make the figures for monitoring")?);
    let limits = Arc::new(Limits::new(settings.request_rate));
    let mailer = settings.mail.as_ref().map(Mailer::new).transpose()?.map(Arc::new);
    Ok(AppState {
        clock,
        settings: Arc::new(settings),
        keys,
        signer,
        attempts: Arc::default(),
        limits,
        slots: Slots::new(db.connections()),
        packed_lists: Arc::default(),
        mailer,
        metrics,
        wake: Wake::default(),
        db,
    })
}

/// Opens the database and proves that it can be written.
///
/// # Errors
/// It cannot be opened or written; the message says which, and whose a SQLite file is.
pub async fn connect(settings: &Settings) -> anyhow::Result<Db> {
    let db = Db::connect(&settings.database_url)
        .await
        .context("cannot open the database: check --database-url and that the database is running")?;
    if let Err(error) = db.try_to_write().await {
        db.close().await;
        let file = settings.sqlite_file().and_then(|file| Some((file.metadata().ok()?.uid(), file)));
        return Err(error).context(match file {
            Some((owner, file)) => format!(
                "cannot write to the database {}: it belongs to user {owner}, and this process runs as user {}",
                file.display(),
                geteuid().as_raw()
            ),
            None => "cannot write to the database".to_owned(),
        });
    }
    Ok(db)
}

/// Starts the service and returns when it answers.
///
/// # Errors
/// The address is taken, another process uses the data folder, or [`open`] failed.
pub async fn start(settings: Settings, clock: Clock) -> anyhow::Result<Running> {
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    let lock = if settings.is_sqlite() { Some(lock(&settings)?) } else { None };
    let state = open(settings, clock).await?;
    let shutdown = CancellationToken::new();
    let mut tasks = vec![];
    let setup_code = if state.settings.serves_http() {
        service::setup::new_code(&state.db).await.context("cannot look for the first provider account")?
    } else {
        None
    };
    let (address, http_task) = listen(&state, shutdown.clone())?;
    tasks.push(http_task);
    if state.settings.runs_jobs() {
        tasks.push(tokio::spawn(jobs::work(state.clone(), shutdown.clone())));
    }
    if state.settings.serves_http() {
        tasks.push(tokio::spawn(service::agent_sync::follow(state.clone(), shutdown.clone())));
    }
    tasks.push(tokio::spawn(follow_keys(state.clone(), shutdown.clone())));
    let (relayed, stop) = (state.clone(), shutdown.clone());
    tasks.push(tokio::spawn(async move {
        relayed.wake.relay(&relayed.db, &stop).await;
        stop.cancelled().await;
        relayed.wake.close();
        Ok(())
    }));
    Ok(Running { address, state, setup_code, shutdown, tasks, _lock: lock })
}

/// Hears of keys that were replaced, until `shutdown`.
async fn follow_keys(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    while shutdown.run_until_cancelled(tokio::time::sleep(KEYS)).await.is_some() {
        if let Err(error) = state.signer.reload(&state.db).await {
            tracing::warn!(%error, "cannot look for replaced keys; trying again");
        }
    }
    Ok(())
}

/// Runs the service until it is told to stop by SIGTERM or Ctrl-C; says on standard output where it is.
///
/// # Errors
/// As [`start`], or a part of the service died.
pub async fn serve(settings: Settings, clock: Clock) -> anyhow::Result<()> {
    let running = start(settings, clock).await?;
    // Before anybody is told that it runs: from then on it stops in order.
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let scheme = if running.state.settings.tls.is_some() { "https" } else { "http" };
    println!("Stoplist is ready: {scheme}://{}/", running.address);
    if let Some(code) = &running.setup_code {
        println!("Set-up code: {code}");
    }
    let shutdown = running.shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            () = shutdown.cancelled() => {}
        }
        tracing::info!("stopping");
        shutdown.cancel();
    });
    running.wait().await
}

/// Only the service's own user may look into the folder: the database holds addresses, password hashes and keys.
fn make_data_folder(settings: &Settings) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&settings.data_dir)
        .with_context(|| format!("cannot make the data folder {}", settings.data_dir.display()))
}

/// SQLite belongs to one process: the queue's recovery at start would take a living process's jobs.
fn lock(settings: &Settings) -> anyhow::Result<File> {
    make_data_folder(settings)?;
    let path = settings.data_dir.join("stoplist.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(
            "another stoplist serves from {}: stop it, choose another --data-dir, or use PostgreSQL for several processes",
            settings.data_dir.display()
        );
    }
    Ok(file)
}

fn listen(
    state: &AppState,
    shutdown: CancellationToken,
) -> anyhow::Result<(SocketAddr, JoinHandle<anyhow::Result<()>>)> {
    let serves_api = state.settings.serves_http();
    let data = web::Data::new(state.clone());
    let metrics = actix_web_prom::PrometheusMetricsBuilder::new("stoplist")
        .registry(state.metrics.registry().clone())
        .endpoint("/metrics")
        .mask_unmatched_patterns("UNKNOWN")
        .build()
        .map_err(|error| anyhow::anyhow!("cannot make the metrics: {error}"))?;
    let routes = web::Data::new(http::methods::Routes::of(http::openapi::document()));
    let server = HttpServer::new(move || {
        // Without a validator: by default the page asks swagger.io for its opinion of the document.
        let docs = Config::new(["/api/v1/openapi.json"]).validator_url("none");
        let docs = SwaggerUi::new("/api/docs/{_:.*}").config(docs);
        let app = actix_web::App::new()
            .app_data(data.clone())
            .app_data(routes.clone())
            .service(http::health::healthz)
            .service(http::health::readyz)
            .service(http::health::metrics)
            .service(http::openapi::served)
            .service(web::redirect("/api/docs", "/api/docs/"))
            .service(docs);
        let app = if serves_api {
            let api = utoipa_actix_web::scope("/api/v1")
                .configure(http::api)
                .default_service(web::to(http::methods::unrouted));
            let rest = web::scope("/api").default_service(web::to(http::methods::unrouted));
            app.into_utoipa_app().service(api).into_app().service(rest).default_service(web::to(http::console::serve))
        } else {
            app.default_service(web::to(http::methods::nothing_here))
        };
        // Innermost but for the change of HEAD into GET: it writes the body of /metrics, which is compressed after that.
        app.wrap(middleware::from_fn(http::methods::head))
            .wrap(metrics.clone())
            .wrap(middleware::from_fn(http::idempotency::once))
            // Between the metrics and what lets a client name another method.
            .wrap(middleware::from_fn(http::methods::defined))
            .wrap(middleware::from_fn(http::problem::complete))
            .wrap(middleware::from_fn(http::uploads::tus::speak))
            .wrap(middleware::from_fn(http::headers::protect))
            .wrap(middleware::Compress::default())
            .wrap(TracingLogger::<http::request_log::RequestSpan>::new())
            .wrap(middleware::from_fn(http::unread::close))
    })
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    // Else the end of an answer that takes two packets waits 40 ms for the other side to say that it has the first.
    .tcp_nodelay(true)
    .client_request_timeout(state.settings.patience.head);
    let server = match state.settings.tls.clone() {
        Some(files) => {
            let certificate = Certificate::read(files)?;
            let server = server.bind_rustls_0_23(state.settings.listen, certificate.server_config()?);
            tokio::spawn(certificate.follow(shutdown.clone()));
            server
        }
        None => server.bind(state.settings.listen),
    };
    let server =
        server.with_context(|| format!("cannot listen on {}: choose another --listen", state.settings.listen))?;
    let address = server.addrs().first().copied().context("the server listens nowhere")?;
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(async move {
        shutdown.cancelled().await;
        handle.stop(true).await;
    });
    let task = tokio::spawn(async move { server.await.context("the HTTP server died") });
    Ok((address, task))
}
