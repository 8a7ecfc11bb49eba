//! The stop cancellation list.

use super::{
    auth::{Operator, Viewer},
    extract::{Paging, PathIds, QueryParts},
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
    page::Direction,
    plan::Capability,
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
pub(super) struct Search {
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
}

impl Search {
    /// The filter, and the order.
    pub(super) fn parts(self) -> (Filter, ListSort, Direction) {
        let Self { q, reason, domain, from, to, sort, direction } = self;
        (Filter { text: q, reason, domain: domain.as_deref().map(stored_domain), from, to }, sort, direction)
    }
}

/// The stop cancellation list: addresses that are never blocked automatically
#[utoipa::path(tag = "Stop cancellation list", operation_id = "list_exemptions", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Search, Paging),
    responses((status = 200, body = Page<Exemption>)))]
#[get("/server-configurations/{id}/exemptions")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    QueryParts(search, paging): QueryParts<Search, Paging>,
) -> Result<web::Json<Page<Exemption>>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::SeeLists).await?;
    let (filter, sort, direction) = search.parts();
    let view = View { sort, direction, limit: paging.limit(), cursor: paging.cursor };
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
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::ChangeLists).await?;
    exemptions::delete(&state, &access.0, configuration.id, ids.0.1).await?;
    Ok(HttpResponse::NoContent().finish())
}
