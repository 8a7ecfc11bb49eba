//! Distributions.

use super::{
    auth::Viewer,
    extract::{Paging, PathIds, QueryParams},
};
use crate::{
    service::{Result, distributions, server_configurations::open},
    state::AppState,
};
use actix_web::{get, web};
use shared::{Page, plan::Capability, run::Distribution};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(show);
}

/// The distributions of a server configuration with each mail server's acknowledgement, newest first
#[utoipa::path(tag = "Distributions", operation_id = "list_distributions", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Paging),
    responses((status = 200, body = Page<Distribution>)))]
#[get("/server-configurations/{id}/distributions")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<Distribution>>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Watch).await?;
    Ok(web::Json(distributions::list(&state, configuration.id, paging.0.cursor.as_deref(), paging.0.limit()).await?))
}

/// A distribution with each mail server's acknowledgement
#[utoipa::path(tag = "Distributions", operation_id = "show_distribution", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("distribution_id" = Uuid, Path, description = "The distribution"),
    ),
    responses((status = 200, body = Distribution)))]
#[get("/server-configurations/{id}/distributions/{distribution_id}")]
async fn show(
    state: web::Data<AppState>,
    access: Viewer,
    ids: PathIds<(Uuid, Uuid)>,
) -> Result<web::Json<Distribution>> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Watch).await?;
    Ok(web::Json(distributions::get(&state, configuration.id, ids.0.1).await?))
}
