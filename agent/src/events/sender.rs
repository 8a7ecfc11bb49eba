//! Brings the spooled events to the service.

use super::spool::Spool;
use crate::service::{Service, ServiceError};
use reqwest::StatusCode;
use shared::{
    address::{mask, mask_in},
    delivery_event::{ItemStatus, NewDeliveryEvent},
};
use std::{io, sync::Arc, time::Duration};
use uuid::Uuid;

/// How many events a request has at most.
const BATCH: usize = 1_000;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("the spool cannot be read or written: {0}")]
    Disk(#[from] io::Error),
}

impl SendError {
    /// How long the service asks to wait.
    fn retry_after(&self) -> Duration {
        match self {
            Self::Service(error) => error.retry_after(),
            Self::Disk(_) => Duration::ZERO,
        }
    }
}

/// Sends for ever.
pub async fn run(service: Service, spool: Arc<Spool>) {
    let mut configuration = None;
    let mut pause = FIRST_PAUSE;
    loop {
        match send_batch(&service, &spool, &mut configuration).await {
            Ok(true) => pause = FIRST_PAUSE,
            Ok(false) => spool.added().await,
            Err(error) => {
                tracing::warn!(%error, backlog = spool.backlog(), "cannot report events; they wait on disk");
                // The token may have moved to another configuration meanwhile.
                configuration = None;
                tokio::time::sleep(pause.max(error.retry_after())).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Sends the next batch; false: there was none.
async fn send_batch(
    service: &Service,
    spool: &Arc<Spool>,
    configuration: &mut Option<Uuid>,
) -> Result<bool, SendError> {
    let reading = spool.clone();
    let batch = blocking(move || reading.next_batch(BATCH)).await?;
    if !batch.events.is_empty() {
        let id = match *configuration {
            Some(id) => id,
            None => *configuration.insert(service.identity().await?.server_configuration_id),
        };
        report(service, spool, id, &batch.events).await?;
    } else if batch.is_empty() {
        return Ok(false);
    }
    let finishing = spool.clone();
    blocking(move || {
        finishing.done(&batch);
        Ok(())
    })
    .await?;
    Ok(true)
}

/// Reports events. A request that is refused for its content is halved until the events to blame are alone.
async fn report(
    service: &Service,
    spool: &Arc<Spool>,
    configuration: Uuid,
    events: &[NewDeliveryEvent],
) -> Result<(), SendError> {
    let mut parts = vec![events];
    while let Some(part) = parts.pop() {
        match service.report(configuration, part).await {
            Ok(result) => {
                for item in result.items.iter().filter(|item| item.status == ItemStatus::Rejected) {
                    if let Some(event) = part.get(item.index as usize) {
                        reject(spool, event, item.detail.as_deref().unwrap_or("no explanation")).await;
                    }
                }
            }
            Err(ServiceError::Refused { status, detail, is_problem: true, .. })
                if is_about_content(status) && part.len() == 1 =>
            {
                reject(spool, &part[0], &detail).await;
            }
            Err(ServiceError::Refused { status, is_problem, .. })
                if part.len() > 1
                    && (status == StatusCode::PAYLOAD_TOO_LARGE || is_problem && is_about_content(status)) =>
            {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether sending the same again cannot help, if Stoplist says so: a proxy's opinion, a wrong token or address of the
/// service can be repaired.
fn is_about_content(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
}

/// Puts an event aside. One that will never be taken must not hold back the others, also when the disk is full.
async fn reject(spool: &Arc<Spool>, event: &NewDeliveryEvent, reason: &str) {
    let (address, told) = (mask(&event.address), mask_in(reason, &event.address));
    tracing::warn!(id = event.id, address, reason = told, "an event was rejected");
    let (spool, event, reason) = (spool.clone(), event.clone(), reason.to_owned());
    let kept = blocking(move || spool.reject(&serde_json::to_string(&event)?, &reason)).await;
    if let Err(error) = kept {
        tracing::error!(%error, "the rejected event could not be kept in rejected.ndjson");
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
