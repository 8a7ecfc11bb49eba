//! The service as it is, but with its time in a file: `STOPLIST_CLOCK_FILE` holds it as RFC 3339 text.
//!
//! Settings come from the same `STOPLIST_*` variables. The clock stands still until the file says something else.

use anyhow::Context;
use backend::{app, clock::Clock, config, telemetry};
use chrono::{DateTime, Utc};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::var("STOPLIST_CLOCK_FILE").context("STOPLIST_CLOCK_FILE must name a file with a time")?;
    let last = Mutex::new(read(Path::new(&file))?);
    let clock = Clock::custom(Arc::new(move || {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        // The file is replaced by a rename, so it is whole whenever it can be read.
        *last = read(Path::new(&file)).unwrap_or(*last);
        *last
    }));
    let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let settings = config::Settings::load(config::SettingsArgs {
        listen: Some(variable("STOPLIST_LISTEN")?.parse()?),
        database_url: Some(variable("STOPLIST_DATABASE_URL")?),
        data_dir: Some(variable("STOPLIST_DATA_DIR")?.into()),
        ..config::SettingsArgs::default()
    })?;
    telemetry::start(settings.log_format);
    app::serve(settings, clock).await
}

fn read(file: &Path) -> anyhow::Result<DateTime<Utc>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    text.trim().parse().with_context(|| format!("{} holds no RFC 3339 time: {text:?}", file.display()))
}
