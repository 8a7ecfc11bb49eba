//! Run settings.

use super::{
    auth::{Administrator, Viewer},
    extract::{Body, PathIds, etag, if_match},
};
use crate::{
    service::{Result, run_settings, server_configurations::open},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, get, post, put, web};
use shared::{
    Problem,
    plan::Capability,
    run_settings::{
        ExecuteTimingPreview, ExecuteTimingPreviewRequest, RunSettings, RunSettingsUpdate, WatchPeriodPreview,
        WatchPeriodPreviewRequest,
    },
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show).service(replace).service(preview).service(preview_execute_timing);
}

fn answer(settings: &RunSettings) -> HttpResponse {
    HttpResponse::Ok().insert_header(etag(settings.revision)).json(settings)
}

/// The run settings; their ETag goes into If-Match to change them
#[utoipa::path(tag = "Run settings", operation_id = "show_run_settings", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")),
    responses((status = 200, body = RunSettings, headers(("ETag" = String, description = "The revision")))))]
#[get("/server-configurations/{id}/run-settings")]
async fn show(state: web::Data<AppState>, access: Viewer, id: PathIds<Uuid>) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Watch).await?;
    Ok(answer(&run_settings::get(&state, configuration.id).await?))
}

/// Change the run settings; with the delivery timing "now" a run begins at once
#[utoipa::path(tag = "Run settings", operation_id = "replace_run_settings", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("If-Match" = String, Header, description = "The ETag that was read"),
    ),
    request_body = RunSettingsUpdate, responses(
        (status = 200, body = RunSettings, headers(("ETag" = String, description = "The new revision"))),
        (status = 412, body = Problem, content_type = "application/problem+json",
            description = "Changed by somebody else since it was read"),
        (status = 428, body = Problem, content_type = "application/problem+json", description = "If-Match is missing"),
    ))]
#[put("/server-configurations/{id}/run-settings")]
async fn replace(
    state: web::Data<AppState>,
    access: Administrator,
    id: PathIds<Uuid>,
    request: HttpRequest,
    body: Body<RunSettingsUpdate>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::ChangeRunSettings).await?;
    let revision = if_match(&request)?;
    Ok(answer(&run_settings::update(&state, &access.0, configuration.id, revision, &body.0).await?))
}

/// The days on which a watch period would end many blocks
#[utoipa::path(tag = "Run settings", operation_id = "preview_watch_period", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")), request_body = WatchPeriodPreviewRequest,
    responses((status = 200, body = WatchPeriodPreview)))]
#[post("/server-configurations/{id}/run-settings/watch-period-preview")]
async fn preview(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    body: Body<WatchPeriodPreviewRequest>,
) -> Result<web::Json<WatchPeriodPreview>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::ChangeRunSettings).await?;
    Ok(web::Json(run_settings::preview(&state, configuration.id, &body.0).await?))
}

/// When the next run would be with an execute timing
#[utoipa::path(tag = "Run settings", operation_id = "preview_execute_timing", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")), request_body = ExecuteTimingPreviewRequest,
    responses((status = 200, body = ExecuteTimingPreview)))]
#[post("/server-configurations/{id}/run-settings/execute-timing-preview")]
async fn preview_execute_timing(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    body: Body<ExecuteTimingPreviewRequest>,
) -> Result<web::Json<ExecuteTimingPreview>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::ChangeRunSettings).await?;
    Ok(web::Json(run_settings::preview_execute_timing(&state, configuration.id, &body.0).await?))
}
