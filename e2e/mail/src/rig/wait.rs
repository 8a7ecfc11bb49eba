//! Waiting for something to become true, with a deadline: never a blind sleep.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const PACE: Duration = Duration::from_millis(20);

/// Polls `look` until it gives a value, and returns that with the time that it took.
///
/// # Errors
/// The deadline passed, or `look` failed; the message names `what`.
pub async fn eventually<T, F>(what: &str, deadline: Duration, mut look: F) -> anyhow::Result<(T, Duration)>
where
    F: AsyncFnMut() -> anyhow::Result<Option<T>>,
{
    let start = Instant::now();
    loop {
        let seen = look().await.map_err(|error| error.context(format!("while waiting until {what}")))?;
        if let Some(value) = seen {
            return Ok((value, start.elapsed()));
        }
        anyhow::ensure!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
        tokio::time::sleep(PACE).await;
    }
}

/// As [`eventually`], for a condition that is true or false.
///
/// # Errors
/// As [`eventually`].
pub async fn holds_within<F>(what: &str, deadline: Duration, mut look: F) -> anyhow::Result<Duration>
where
    F: AsyncFnMut() -> anyhow::Result<bool>,
{
    let (_, took) = eventually(what, deadline, async || Ok(look().await?.then_some(()))).await?;
    Ok(took)
}
