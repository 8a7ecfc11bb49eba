//! Mail servers.

use super::{
    auth::{Administrator, Viewer},
    extract::{Body, Paging, PathIds, QueryParams, etag, if_match},
    idempotency::secret,
};
use crate::{
    service::{self, Result, server_configurations::open},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use shared::{
    Page, Problem,
    mail_server::{MailServer, MailServerCredential, MailServerUpdate, NewMailServer},
    plan::Capability,
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(update).service(renew_token);
}

/// The mail servers of a server configuration, by name, and which list each holds
#[utoipa::path(tag = "Mail servers", operation_id = "list_mail_servers", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Paging),
    responses((status = 200, body = Page<MailServer>)))]
#[get("/server-configurations/{id}/mail-servers")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<MailServer>>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Watch).await?;
    let page = service::mail_servers::list(&state, &configuration, paging.0.cursor.as_deref(), paging.0.limit());
    Ok(web::Json(page.await?))
}

/// Add a mail server; the token of its agent is shown this once
#[utoipa::path(tag = "Mail servers", operation_id = "create_mail_server", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")), request_body = NewMailServer, responses(
        (status = 201, body = MailServerCredential),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is taken"),
    ))]
#[post("/server-configurations/{id}/mail-servers")]
async fn create(
    state: web::Data<AppState>,
    access: Administrator,
    id: PathIds<Uuid>,
    body: Body<NewMailServer>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Connect).await?;
    let created = service::mail_servers::create(&state, &access.0, &configuration, body.0).await?;
    Ok(secret(HttpResponse::Created().json(created)))
}

/// Rename a mail server, or say whether distributions wait for it
///
/// Its `revision` in quotes is the ETag.
#[utoipa::path(tag = "Mail servers", operation_id = "update_mail_server", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("mail_server_id" = Uuid, Path, description = "The mail server"),
        ("If-Match" = String, Header, description = "The ETag that was read"),
    ),
    request_body = MailServerUpdate, responses(
        (status = 200, body = MailServer, headers(("ETag" = String, description = "The new revision"))),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is taken"),
        (status = 412, body = Problem, content_type = "application/problem+json",
            description = "Changed by somebody else since it was read"),
        (status = 428, body = Problem, content_type = "application/problem+json", description = "If-Match is missing"),
    ))]
#[patch("/server-configurations/{id}/mail-servers/{mail_server_id}")]
async fn update(
    state: web::Data<AppState>,
    access: Administrator,
    ids: PathIds<(Uuid, Uuid)>,
    request: HttpRequest,
    body: Body<MailServerUpdate>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Connect).await?;
    let revision = if_match(&request)?;
    let server = service::mail_servers::update(&state, &access.0, &configuration, ids.0.1, revision, body.0).await?;
    Ok(HttpResponse::Ok().insert_header(etag(server.revision)).json(server))
}

/// Make a new token for the agent of a mail server; the old one stops working at once
#[utoipa::path(tag = "Mail servers", operation_id = "renew_mail_server_token", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("mail_server_id" = Uuid, Path, description = "The mail server"),
    ),
    responses((status = 200, body = MailServerCredential)))]
#[post("/server-configurations/{id}/mail-servers/{mail_server_id}/token")]
async fn renew_token(
    state: web::Data<AppState>,
    access: Administrator,
    ids: PathIds<(Uuid, Uuid)>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, ids.0.0, Capability::Connect).await?;
    let renewed = service::mail_servers::renew_token(&state, &access.0, &configuration, ids.0.1).await?;
    Ok(secret(HttpResponse::Ok().json(renewed)))
}
