//! Runs.

use super::{
    auth::{Administrator, Viewer},
    extract::{Paging, PathIds, QueryParams},
};
use crate::{
    service::{Result, runs, server_configurations::open},
    state::AppState,
};
use actix_web::{HttpResponse, get, post, web};
use shared::{Page, plan::Capability, run::Run};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(request).service(show);
}

/// The runs of a server configuration, newest first
#[utoipa::path(tag = "Runs", operation_id = "list_runs", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Paging),
    responses((status = 200, body = Page<Run>)))]
#[get("/server-configurations/{id}/runs")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<Run>>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Watch).await?;
    Ok(web::Json(runs::list(&state, configuration.id, paging.0.cursor.as_deref(), paging.0.limit()).await?))
}

/// Run now: apply the conditions, cancel what the watch period ended, distribute
#[utoipa::path(tag = "Runs", operation_id = "request_run", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")),
    responses((status = 202, body = Run, description = "Queued")))]
#[post("/server-configurations/{id}/runs")]
async fn request(state: web::Data<AppState>, access: Administrator, id: PathIds<Uuid>) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Run).await?;
    Ok(HttpResponse::Accepted().json(runs::request(&state, &access.0, &configuration).await?))
}

/// A run
#[utoipa::path(tag = "Runs", operation_id = "show_run", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("run_id" = Uuid, Path, description = "The run"),
    ),
    responses((status = 200, body = Run)))]
#[get("/server-configurations/{id}/runs/{run_id}")]
async fn show(state: web::Data<AppState>, access: Viewer, ids: PathIds<(Uuid, Uuid)>) -> Result<web::Json<Run>> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Watch).await?;
    Ok(web::Json(runs::get(&state, configuration.id, ids.0.1).await?))
}
