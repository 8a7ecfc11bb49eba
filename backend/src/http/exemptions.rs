//! The stop cancellation list.

use super::{
    auth::{Operator, Viewer},
    extract::{PathIds, QueryParams},
};
use crate::{
    service::{
        Result,
        blocked_addresses::{View, stored_domain},
        exemptions::{self, Filter},
        server_configurations::open,
    },
    state::AppState,
};
use actix_web::{HttpResponse, delete, get, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use shared::{
    Page, Reason,
    list::{Exemption, ListSort},
    page::{DEFAULT_LIMIT, Direction, MAX_LIMIT},
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(remove);
}

/// Which entries to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Part of the address, in any case; `%` and `_` are plain characters.
    #[garde(length(chars, max = 254))]
    q: Option<String>,
    /// Why it had been blocked.
    #[garde(skip)]
    reason: Option<Reason>,
    /// The whole domain.
    #[garde(length(chars, max = 254))]
    domain: Option<String>,
    /// Released not before this time (RFC 3339).
    #[garde(skip)]
    from: Option<DateTime<Utc>>,
    /// Released before this time (RFC 3339).
    #[garde(skip)]
    to: Option<DateTime<Utc>>,
    /// The column that decides the order.
    #[garde(skip)]
    #[serde(default)]
    sort: ListSort,
    /// The direction of the order.
    #[garde(skip)]
    #[serde(default)]
    direction: Direction,
    /// `next_cursor` of the page before, with the same filters and order.
    #[garde(skip)]
    cursor: Option<String>,
    /// Rows of a page.
    #[garde(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

/// The stop cancellation list: addresses that are never blocked automatically
#[utoipa::path(tag = "Stop cancellation list", operation_id = "list_exemptions", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Search),
    responses((status = 200, body = Page<Exemption>)))]
#[get("/server-configurations/{id}/exemptions")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    query: QueryParams<Search>,
) -> Result<web::Json<Page<Exemption>>> {
    let configuration = open(&state.db, &access.0, id.0).await?;
    let Search { q, reason, domain, from, to, sort, direction, cursor, limit } = query.0;
    let filter = Filter { text: q, reason, domain: domain.as_deref().map(stored_domain), from, to };
    let view = View { sort, direction, cursor, limit: limit.unwrap_or(DEFAULT_LIMIT) };
    Ok(web::Json(exemptions::search(&state, configuration.id, &filter, &view).await?))
}

/// End an exemption: new errors can block the address again
#[utoipa::path(tag = "Stop cancellation list", operation_id = "delete_exemption", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("exemption_id" = Uuid, Path, description = "The entry"),
    ),
    responses((status = 204)))]
#[delete("/server-configurations/{id}/exemptions/{exemption_id}")]
async fn remove(state: web::Data<AppState>, access: Operator, ids: PathIds<(Uuid, Uuid)>) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0).await?;
    exemptions::delete(&state, &access.0, configuration.id, ids.0.1).await?;
    Ok(HttpResponse::NoContent().finish())
}
