//! The service as it is, but with its time in a file, and killed by itself where a test wants it.
//!
//! `STOPLIST_CLOCK_FILE` names a file that holds the time as RFC 3339 text. The clock stands still until the file says
//! something else. While a file of the same name with the ending `.kill` holds a number, the process kills itself with
//! SIGKILL before that statement of its work, counted from 1 since the file is there. `Run 3` counts only the statements of
//! jobs that perform runs.
//!
//! Settings come from the same `STOPLIST_*` variables as those of `stoplist`.

use anyhow::Context as _;
use backend::{app, clock::Clock, config};
use chrono::{DateTime, Utc};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, SpanRef},
    util::SubscriberInitExt,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = PathBuf::from(
        std::env::var_os("STOPLIST_CLOCK_FILE").context("STOPLIST_CLOCK_FILE must name a file with a time")?,
    );
    let killer = Killer { file: file.with_extension("kill"), seen: AtomicUsize::new(0) };
    // One filter for both layers. With one each, a look at the level (sqlx does that) leaves the thread with a decision
    // that the next span then gets, and statements go unseen.
    tracing_subscriber::registry()
        .with(EnvFilter::new("info,sqlx=warn,sea_orm::database=trace"))
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .with(killer)
        .init();
    let last = Mutex::new(read(&file)?);
    let clock = Clock::custom(Arc::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        // Both files are replaced by a rename, so they are whole whenever they can be read.
        *last = read(&file).unwrap_or(*last);
        *last
    }));
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let settings = config::Settings::load(config::SettingsArgs {
        listen: Some(variable("STOPLIST_LISTEN")?.parse()?),
        database_url: Some(variable("STOPLIST_DATABASE_URL")?),
        data_dir: Some(variable("STOPLIST_DATA_DIR")?.into()),
        ..config::SettingsArgs::default()
    })?;
    app::serve(settings, clock).await
}

fn read(file: &Path) -> anyhow::Result<DateTime<Utc>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.trim().parse().with_context(|| format!("{} holds no RFC 3339 time: {text:?}", file.display()))
}

/// Sees every statement by the span that sea-orm opens before it, and whose work it is by the spans around.
struct Killer {
    file: PathBuf,
    seen: AtomicUsize,
}

/// The spans of what a test asks for. What the service does by itself meanwhile (the scheduler, the sweep) is in
/// neither, so that the same number always means the same statement.
fn is_work(span: &str) -> bool {
    matches!(span, "request" | "job")
}

/// A mark on the span of a request that only reads: a test asks in its own rhythm how far the work is.
struct Reads;

/// On the span of a job: its kind.
struct Kind(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Killer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let recorded = |name| {
            let mut value = Value { name, text: String::new() };
            attributes.record(&mut value);
            value.text
        };
        if span.name() == "request" && recorded("method") == "GET" {
            span.extensions_mut().insert(Reads);
        }
        if span.name() == "job" {
            let job = recorded("job");
            span.extensions_mut().insert(Kind(job.split('(').next().unwrap_or_default().to_owned()));
        }
        let statements =
            ["execute_raw", "execute_unprepared", "query_one_raw", "query_all_raw", "stream_raw", "commit"];
        let is_work = |span: &SpanRef<'_, S>| is_work(span.name()) && span.extensions().get::<Reads>().is_none();
        let is_statement = span.metadata().target().starts_with("sea_orm::") && statements.contains(&span.name());
        if is_statement && let Some(work) = span.scope().find(is_work) {
            self.count(&kind(&work));
        }
    }

    /// A job that ended and of which the queue does not know yet.
    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(job) = context.span(&id).filter(|span| span.name() == "job") {
            self.count(&kind(&job));
        }
    }
}

/// The kind of a job; empty for a request.
fn kind<S: for<'a> LookupSpan<'a>>(work: &SpanRef<'_, S>) -> String {
    work.extensions().get::<Kind>().map(|kind| kind.0.clone()).unwrap_or_default()
}

impl Killer {
    fn count(&self, kind: &str) {
        let Ok(file) = std::fs::read_to_string(&self.file) else {
            self.seen.store(0, Ordering::SeqCst);
            return;
        };
        let (of, wanted) = file.split_once(' ').unwrap_or((kind, &file));
        if of != kind {
            return;
        }
        let seen = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if wanted.trim().parse() == Ok(seen) {
            // Nothing is flushed, closed or rolled back, as with `kill -9` from outside.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}

/// The value of one field of a span.
struct Value {
    name: &'static str,
    text: String,
}

impl Visit for Value {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == self.name {
            self.text = format!("{value:?}");
        }
    }
}
