//! Structured logs. Mail addresses are logged through [`shared::address::mask`] only.

use crate::config::LogFormat;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// actix_web_prom warns whenever it labels a request as it should, by the pattern of its path.
const FILTER: &str = "info,sqlx=warn,sea_orm_migration=warn,actix_web_prom=error";

/// Starts logging to standard error; `RUST_LOG` chooses what. A second call does nothing.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
