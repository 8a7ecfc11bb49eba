//! The blocked list.

use super::{
    auth::{Operator, Viewer},
    extract::{Body, PathIds, QueryParams},
};
use crate::{
    service::{
        Result,
        blocked_addresses::{self, Filter, View, stored_domain},
        releases,
        server_configurations::open,
    },
    state::AppState,
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use shared::{
    Page, Reason,
    list::{BlockState, BlockedAddress, ListSort, Origin, ReleaseRequest, ReleaseResult},
    page::{DEFAULT_LIMIT, Direction, MAX_LIMIT},
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(release);
}

/// Which blocks to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Part of the address, in any case; `%` and `_` are plain characters.
    #[garde(length(chars, max = 254))]
    q: Option<String>,
    /// Why it is blocked.
    #[garde(skip)]
    reason: Option<Reason>,
    /// Where the block came from.
    #[garde(skip)]
    origin: Option<Origin>,
    /// How far it has come.
    #[garde(skip)]
    state: Option<BlockState>,
    /// The whole domain.
    #[garde(length(chars, max = 254))]
    domain: Option<String>,
    /// Blocked not before this time (RFC 3339).
    #[garde(skip)]
    from: Option<DateTime<Utc>>,
    /// Blocked before this time (RFC 3339).
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

/// The blocked list: blocks in effect, pending and being released
#[utoipa::path(tag = "Blocked list", operation_id = "list_blocked_addresses", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Search),
    responses((status = 200, body = Page<BlockedAddress>)))]
#[get("/server-configurations/{id}/blocked-addresses")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    query: QueryParams<Search>,
) -> Result<web::Json<Page<BlockedAddress>>> {
    let configuration = open(&state.db, &access.0, id.0).await?;
    let Search { q, reason, origin, state: how_far, domain, from, to, sort, direction, cursor, limit } = query.0;
    let domain = domain.as_deref().map(stored_domain);
    let filter = Filter { text: q, reason, origin, state: how_far, domain, from, to };
    let view = View { sort, direction, cursor, limit: limit.unwrap_or(DEFAULT_LIMIT) };
    Ok(web::Json(blocked_addresses::search(&state, configuration.id, &filter, &view).await?))
}

/// Release addresses: off the blocked list on every mail server at once, and on the stop cancellation list
#[utoipa::path(tag = "Blocked list", operation_id = "release_addresses", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")), request_body = ReleaseRequest,
    responses((status = 200, body = ReleaseResult)))]
#[post("/server-configurations/{id}/releases")]
async fn release(
    state: web::Data<AppState>,
    access: Operator,
    id: PathIds<Uuid>,
    body: Body<ReleaseRequest>,
) -> Result<web::Json<ReleaseResult>> {
    let configuration = open(&state.db, &access.0, id.0).await?;
    Ok(web::Json(releases::release(&state, &access.0, configuration.id, &body.0).await?))
}
