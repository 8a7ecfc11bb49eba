//! Uploads: what the console and scripts read of them. Their bytes come by the tus protocol, in `tus`.

mod metadata;
pub mod tus;

use super::{
    auth::{Operator, Viewer},
    downloads::{Format, answer},
    extract::{Body, Paging, PathIds, QueryParams},
};
use crate::{
    service::{Result, server_configurations::open, slots::Lasting, uploads},
    state::AppState,
};
use actix_web::{HttpResponse, get, put, web};
use shared::{
    Page, Problem,
    plan::Capability,
    upload::{ReadingRequest, Upload},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(show).service(read_again).service(invalid_rows);
    tus::routes(config);
}

/// The uploads of a server configuration, newest first, without their previews
#[utoipa::path(tag = "Uploads", operation_id = "list_uploads", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Paging),
    responses((status = 200, body = Page<Upload>)))]
#[get("/server-configurations/{id}/uploads")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<Upload>>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Upload).await?;
    Ok(web::Json(uploads::list(&state, configuration.id, paging.0.cursor.as_deref(), paging.0.limit()).await?))
}

/// An upload: how far it has come, and what was found in it
#[utoipa::path(tag = "Uploads", operation_id = "show_upload", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("upload_id" = Uuid, Path, description = "The upload"),
    ),
    responses(
        (status = 200, body = Upload),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "Deleted, or its time was over"),
    ))]
#[get("/server-configurations/{id}/uploads/{upload_id}")]
async fn show(state: web::Data<AppState>, access: Viewer, ids: PathIds<(Uuid, Uuid)>) -> Result<web::Json<Upload>> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Upload).await?;
    Ok(web::Json(uploads::get(&state, configuration.id, ids.0.1).await?.0))
}

/// Have a file read in another way: it is analysed again
#[utoipa::path(tag = "Uploads", operation_id = "read_upload_again", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("upload_id" = Uuid, Path, description = "The upload"),
    ),
    request_body = ReadingRequest,
    responses(
        (status = 202, body = Upload),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "Bytes are missing, or it is being registered or was"),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "Deleted, or its time was over"),
    ))]
#[put("/server-configurations/{id}/uploads/{upload_id}/reading")]
async fn read_again(
    state: web::Data<AppState>,
    access: Operator,
    ids: PathIds<(Uuid, Uuid)>,
    body: Body<ReadingRequest>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Upload).await?;
    let upload = uploads::read_again(&state, &access.0, configuration.id, ids.0.1, &body.0).await?;
    Ok(HttpResponse::Accepted().json(upload))
}

/// The rows of a file that have no valid address: line, value and cause as CSV (RFC 4180)
///
/// Once the file is registered its bytes are gone: of more than 100,000 such rows the first are listed then, and a last
/// row without a line and a cause says how many are missing.
#[utoipa::path(tag = "Uploads", operation_id = "list_invalid_rows", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("upload_id" = Uuid, Path, description = "The upload"),
        Format,
    ),
    responses(
        (status = 200, body = String, content_type = "text/csv"),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "Deleted, or its time was over"),
    ))]
#[get("/server-configurations/{id}/uploads/{upload_id}/invalid-rows")]
async fn invalid_rows(
    state: web::Data<AppState>,
    access: Viewer,
    ids: PathIds<(Uuid, Uuid)>,
    format: QueryParams<Format>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Upload).await?;
    let (upload, _) = uploads::get(&state, configuration.id, ids.0.1).await?;
    let slot =
        state.slots.take_soon(Lasting::Download { account_id: Some(access.0.account_id) }, &access.0.actor).await?;
    Ok(answer(&state, uploads::invalid_rows(&state, upload, &format.0.wish("")), slot))
}
