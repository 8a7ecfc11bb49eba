//! Delivery events: reporting them, and reading the error log and delivery log.

use super::{
    auth::{Reporter, Viewer},
    body::read_body,
    extract::{Paging, PathIds, QueryParts},
};
use crate::{
    service::{
        Error, Result,
        delivery_events::{self, Filter, batch},
        server_configurations,
    },
    state::AppState,
};
use actix_web::{
    HttpMessage, HttpRequest, get, post,
    web::{Data, Json, Payload},
};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use shared::{
    Page, Reason,
    delivery_event::{BatchResult, DeliveryEvent, NewDeliveryEvent, Outcome},
    page::Direction,
    plan::Capability,
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(report);
}

/// Which events to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Part of the address, in any case; `%` and `_` are plain characters.
    #[garde(length(chars, max = 254))]
    q: Option<String>,
    /// `error` is the error log; left out, the delivery log.
    #[garde(skip)]
    outcome: Option<Outcome>,
    /// Why it failed.
    #[garde(skip)]
    reason: Option<Reason>,
    /// The recipient's whole domain.
    #[garde(length(chars, max = 254))]
    domain: Option<String>,
    /// Not before this time (RFC 3339).
    #[garde(skip)]
    from: Option<DateTime<Utc>>,
    /// Before this time (RFC 3339).
    #[garde(skip)]
    to: Option<DateTime<Utc>>,
    /// Newest (`descending`) or oldest first.
    #[garde(skip)]
    #[serde(default)]
    direction: Direction,
}

impl Search {
    /// The filter.
    pub(super) fn filter(self) -> Filter {
        let Self { q, outcome, reason, domain, from, to, direction } = self;
        Filter { address: q, outcome, reason, domain, from, to, direction }
    }
}

/// Delivery events: the delivery log, or with `outcome=error` the error log
#[utoipa::path(
    operation_id = "list_delivery_events",
    tag = "Delivery events",
    params(("id" = Uuid, Path, description = "The server configuration"), Search, Paging),
    responses((status = 200, description = "A page of events", body = Page<DeliveryEvent>)),
    security(("bearer" = []))
)]
#[get("/server-configurations/{id}/delivery-events")]
async fn list(
    state: Data<AppState>,
    Viewer(access): Viewer,
    id: PathIds<Uuid>,
    QueryParts(search, paging): QueryParts<Search, Paging>,
) -> Result<Json<Page<DeliveryEvent>>> {
    let configuration = server_configurations::open(&state.db, &access, id.0, Capability::SearchLogs).await?;
    let limit = paging.limit();
    delivery_events::search(&state.db, configuration.id, search.filter(), paging.cursor.as_deref(), limit)
        .await
        .map(Json)
}

/// Report delivery events: up to 10,000 and 8 MiB, as a JSON array or as NDJSON with one event a line
///
/// An event whose `id` was reported before is a duplicate and changes nothing, so a batch can be sent again. One wrong
/// item does not cost the others: each item has its own result.
#[utoipa::path(
    operation_id = "report_delivery_events",
    tag = "Delivery events",
    params(("id" = Uuid, Path, description = "The server configuration")),
    request_body(content((Vec<NewDeliveryEvent> = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, description = "What became of each item", body = BatchResult)),
    security(("bearer" = []))
)]
#[post("/server-configurations/{id}/delivery-events")]
async fn report(
    state: Data<AppState>,
    Reporter(access): Reporter,
    id: PathIds<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<Json<BatchResult>> {
    let configuration = server_configurations::open(&state.db, &access, id.0, Capability::Connect).await?;
    let format = format(&request)?;
    let body = read_body(&request, payload.into_inner()).await?;
    delivery_events::report(&state, &access, &configuration, move || batch::read(format, &body)).await.map(Json)
}

fn format(request: &HttpRequest) -> Result<batch::Format> {
    match request.content_type().to_ascii_lowercase().as_str() {
        "application/json" => Ok(batch::Format::JsonArray),
        "application/x-ndjson" => Ok(batch::Format::Ndjson),
        _ => Err(Error::UnsupportedMediaType(
            "send a JSON array as application/json, or one event a line as application/x-ndjson".to_owned(),
        )),
    }
}
