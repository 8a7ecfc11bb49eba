//! Server-sent events.

use super::{
    auth::{Correspondent, Provider, Viewer, bearer},
    extract::PathIds,
};
use crate::{
    service::{
        Actor, Error, Result,
        live::{self, Followed},
        server_configurations::open,
        slots::Lasting,
    },
    state::AppState,
};
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{CACHE_CONTROL, CONTENT_ENCODING},
    web,
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde_json::Value;
use shared::{plan::Capability, run::LiveEvent};
use std::time::Duration;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A comment is sent this often, so that nobody on the way takes the stream for dead.
const PING: Duration = Duration::from_secs(15);

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(follow).service(follow_account).service(follow_provider);
}

/// Follow a server configuration: server-sent events named after their type, from now on
///
/// The stream ends with the token that opened it, within seconds of its expiry, its revocation or a sign-out.
#[utoipa::path(tag = "Live", operation_id = "follow", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")),
    responses((status = 200, body = LiveEvent, content_type = "text/event-stream")))]
#[get("/server-configurations/{id}/live")]
async fn follow(
    request: HttpRequest,
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Watch).await?;
    let followed = Followed::Configuration { id: configuration.id, account_id: configuration.account_id };
    stream(&request, &state, &access.0.actor, followed)
}

/// Follow the account: `inquiries_changed` and `account_changed`, from now on
///
/// `GET /server-configurations/{id}/live` tells them, too.
#[utoipa::path(tag = "Live", operation_id = "follow_account", security(("bearer" = [])),
    responses((status = 200, body = LiveEvent, content_type = "text/event-stream")))]
#[get("/live")]
async fn follow_account(
    request: HttpRequest,
    state: web::Data<AppState>,
    access: Correspondent,
) -> Result<HttpResponse> {
    stream(&request, &state, &access.0.actor, Followed::Account(access.0.account_id))
}

/// Follow the inquiries of all accounts, and the accounts themselves: `inquiries_changed`, `account_changed`, from now on
#[utoipa::path(tag = "Provider", operation_id = "follow_provider", security(("bearer" = [])),
    responses((status = 200, body = LiveEvent, content_type = "text/event-stream")))]
#[get("/provider/live")]
async fn follow_provider(request: HttpRequest, state: web::Data<AppState>, provider: Provider) -> Result<HttpResponse> {
    stream(&request, &state, &provider.0.actor, Followed::Provider)
}

fn stream(request: &HttpRequest, state: &AppState, listener: &Actor, followed: Followed) -> Result<HttpResponse> {
    let slot = state.slots.take(Lasting::LiveStream, listener)?;
    let events = live::follow(state.clone(), followed, bearer(request)?.to_owned());
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression would hold events back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .streaming(slot.hold(with_pings(events))))
}

fn with_pings(events: impl Stream<Item = LiveEvent>) -> impl Stream<Item = Result<Bytes>> {
    async_stream::try_stream! {
        let mut events = std::pin::pin!(events);
        // At once, so that the listener knows that it hears.
        yield Bytes::from_static(b": following\n\n");
        loop {
            match tokio::time::timeout(PING, events.next()).await {
                Ok(Some(event)) => yield message(&event)?,
                Ok(None) => break,
                Err(_) => yield Bytes::from_static(b": ping\n\n"),
            }
        }
    }
}

fn message(event: &LiveEvent) -> Result<Bytes> {
    let data = serde_json::to_value(event).map_err(|error| Error::Internal(error.into()))?;
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    Ok(Bytes::from(format!("event: {name}\ndata: {data}\n\n")))
}
