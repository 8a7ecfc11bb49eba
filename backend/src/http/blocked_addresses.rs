//! The blocked list.

use super::{
    auth::{Operator, Viewer},
    extract::{Body, Paging, PathIds, QueryParts},
};
use crate::{
    service::{
        Result, additions,
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
    list::{
        AdditionRequest, AdditionResult, BlockState, BlockedAddress, ListSort, Origin, ReleaseRequest, ReleaseResult,
    },
    page::Direction,
    plan::Capability,
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(add).service(release);
}

/// Which blocks to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
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
}

impl Search {
    /// The filter, and the order.
    pub(super) fn parts(self) -> (Filter, ListSort, Direction) {
        let Self { q, reason, origin, state, domain, from, to, sort, direction } = self;
        let domain = domain.as_deref().map(stored_domain);
        (Filter { text: q, reason, origin, state, domain, from, to }, sort, direction)
    }
}

/// The blocked list: blocks in effect, pending and being released
#[utoipa::path(tag = "Blocked list", operation_id = "list_blocked_addresses", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Search, Paging),
    responses((status = 200, body = Page<BlockedAddress>)))]
#[get("/server-configurations/{id}/blocked-addresses")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    QueryParts(search, paging): QueryParts<Search, Paging>,
) -> Result<web::Json<Page<BlockedAddress>>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::SeeLists).await?;
    let (filter, sort, direction) = search.parts();
    let view = View { sort, direction, limit: paging.limit(), cursor: paging.cursor };
    Ok(web::Json(blocked_addresses::search(&state, configuration.id, &filter, &view).await?))
}

/// Block up to 1,000 addresses: pending until the next distribution
#[utoipa::path(tag = "Blocked list", operation_id = "add_blocked_addresses", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")), request_body = AdditionRequest,
    responses((status = 200, body = AdditionResult)))]
#[post("/server-configurations/{id}/blocked-addresses")]
async fn add(
    state: web::Data<AppState>,
    access: Operator,
    id: PathIds<Uuid>,
    body: Body<AdditionRequest>,
) -> Result<web::Json<AdditionResult>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::ChangeLists).await?;
    Ok(web::Json(additions::add(&state, &access.0, configuration.id, &body.0).await?))
}

/// Release addresses: off the blocked list on every mail server at once, and on the stop cancellation list
///
/// Each address was `released`, `not_blocked`, or is `not_valid`. The Standard plan releases one address at a time.
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
    let several = body.0.addresses.len() > 1;
    let capability = if several { Capability::ReleaseSeveral } else { Capability::ReleaseAddress };
    let configuration = open(&state.db, &access.0, id.0, capability).await?;
    Ok(web::Json(releases::release(&state, &access.0, configuration.id, &body.0).await?))
}
