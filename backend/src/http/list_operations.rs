//! List operations: registrations, bulk releases, and what is common to all.

use super::{
    auth::{Operator, Viewer},
    extract::{Body, Paging, PathIds, QueryParams},
};
use crate::{
    service::{Result, list_operations, server_configurations::open},
    state::AppState,
};
use actix_web::{HttpResponse, get, post, web};
use shared::{
    Page,
    list_operation::{
        BulkReleasePreview, BulkReleaseRequest, ListOperation, ListOperationComment, RegistrationRequest,
    },
    plan::Capability,
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(register).service(release).service(list).service(show).service(cancel).service(undo);
}

/// Put the addresses of an analysed upload on the blocked list, as one act
#[utoipa::path(tag = "List operations", operation_id = "register_upload", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("upload_id" = Uuid, Path, description = "The upload"),
    ), request_body = RegistrationRequest,
    responses((status = 202, body = ListOperation, description = "Queued")))]
#[post("/server-configurations/{id}/uploads/{upload_id}/registration")]
async fn register(
    state: web::Data<AppState>,
    access: Operator,
    ids: PathIds<(Uuid, Uuid)>,
    body: Body<RegistrationRequest>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::ActInBulk).await?;
    let operation = list_operations::register(&state, &access.0, configuration.id, ids.0.1, &body.0).await?;
    Ok(HttpResponse::Accepted().json(operation))
}

/// Release many blocks as one act, on every mail server at once; with `dry_run` only count them
#[utoipa::path(tag = "List operations", operation_id = "release_in_bulk", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")), request_body = BulkReleaseRequest,
    responses(
        (status = 200, body = BulkReleasePreview, description = "What it would release"),
        (status = 202, body = ListOperation, description = "Queued"),
    ))]
#[post("/server-configurations/{id}/bulk-releases")]
async fn release(
    state: web::Data<AppState>,
    access: Operator,
    id: PathIds<Uuid>,
    body: Body<BulkReleaseRequest>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::ActInBulk).await?;
    if body.0.dry_run {
        return Ok(HttpResponse::Ok().json(list_operations::preview(&state, configuration.id, &body.0).await?));
    }
    let operation = list_operations::release(&state, &access.0, configuration.id, &body.0).await?;
    Ok(HttpResponse::Accepted().json(operation))
}

/// The list operations of a server configuration, newest first
#[utoipa::path(tag = "List operations", operation_id = "list_list_operations", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Paging),
    responses((status = 200, body = Page<ListOperation>)))]
#[get("/server-configurations/{id}/list-operations")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<ListOperation>>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::ActInBulk).await?;
    let page = list_operations::list(&state, configuration.id, paging.0.cursor.as_deref(), paging.0.limit());
    Ok(web::Json(page.await?))
}

/// A list operation
#[utoipa::path(tag = "List operations", operation_id = "show_list_operation", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("operation_id" = Uuid, Path, description = "The operation"),
    ),
    responses((status = 200, body = ListOperation)))]
#[get("/server-configurations/{id}/list-operations/{operation_id}")]
async fn show(
    state: web::Data<AppState>,
    access: Viewer,
    ids: PathIds<(Uuid, Uuid)>,
) -> Result<web::Json<ListOperation>> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::ActInBulk).await?;
    Ok(web::Json(list_operations::get(&state, configuration.id, ids.0.1).await?))
}

/// Cancel a list operation that is not done: the lists stay as they are
#[utoipa::path(tag = "List operations", operation_id = "cancel_list_operation", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("operation_id" = Uuid, Path, description = "The operation"),
    ), request_body = ListOperationComment,
    responses(
        (status = 202, body = ListOperation, description = "Being taken back"),
    ))]
#[post("/server-configurations/{id}/list-operations/{operation_id}/cancel")]
async fn cancel(
    state: web::Data<AppState>,
    access: Operator,
    ids: PathIds<(Uuid, Uuid)>,
    body: Body<ListOperationComment>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::ActInBulk).await?;
    let comment = body.0.comment.as_deref();
    let operation = list_operations::cancel(&state, &access.0, configuration.id, ids.0.1, comment).await?;
    Ok(HttpResponse::Accepted().json(operation))
}

/// Undo a registration or a bulk release as a whole: answers the operation that does
#[utoipa::path(tag = "List operations", operation_id = "undo_list_operation", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("operation_id" = Uuid, Path, description = "The operation"),
    ), request_body = ListOperationComment,
    responses(
        (status = 202, body = ListOperation, description = "Queued"),
    ))]
#[post("/server-configurations/{id}/list-operations/{operation_id}/undo")]
async fn undo(
    state: web::Data<AppState>,
    access: Operator,
    ids: PathIds<(Uuid, Uuid)>,
    body: Body<ListOperationComment>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::ActInBulk).await?;
    let comment = body.0.comment.as_deref();
    let operation = list_operations::undo(&state, &access.0, configuration.id, ids.0.1, comment).await?;
    Ok(HttpResponse::Accepted().json(operation))
}
