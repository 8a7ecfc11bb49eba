//! Server configurations.

use super::{
    auth::{Administrator, Viewer},
    extract::{Body, Paging, PathIds, QueryParams, etag, if_match},
};
use crate::{
    service::{self, Result, server_configurations::open},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use shared::{
    Page, Problem,
    mail_server::{NewServerConfiguration, ServerConfiguration},
    plan::Capability,
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(show).service(update);
}

/// The server configurations of the account, by name
#[utoipa::path(tag = "Server configurations", operation_id = "list_server_configurations", security(("bearer" = [])),
    params(Paging), responses((status = 200, body = Page<ServerConfiguration>)))]
#[get("/server-configurations")]
async fn list(
    state: web::Data<AppState>,
    access: Viewer,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<ServerConfiguration>>> {
    let page = service::server_configurations::list(&state, &access.0, paging.0.cursor.as_deref(), paging.0.limit());
    Ok(web::Json(page.await?))
}

/// Make a server configuration with the default run settings
#[utoipa::path(tag = "Server configurations", operation_id = "create_server_configuration", security(("bearer" = [])),
    request_body = NewServerConfiguration, responses(
        (status = 201, body = ServerConfiguration),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is taken"),
    ))]
#[post("/server-configurations")]
async fn create(
    state: web::Data<AppState>,
    access: Administrator,
    body: Body<NewServerConfiguration>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Created().json(service::server_configurations::create(&state, &access.0, body.0).await?))
}

/// A server configuration; its ETag goes into If-Match to change it
#[utoipa::path(tag = "Server configurations", operation_id = "show_server_configuration", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")),
    responses((status = 200, body = ServerConfiguration, headers(("ETag" = String, description = "The revision")))))]
#[get("/server-configurations/{id}")]
async fn show(state: web::Data<AppState>, access: Viewer, id: PathIds<Uuid>) -> Result<HttpResponse> {
    Ok(answer(&open(&state.db, &access.0, id.0, Capability::Watch).await?.stored.into()))
}

fn answer(configuration: &ServerConfiguration) -> HttpResponse {
    HttpResponse::Ok().insert_header(etag(configuration.revision)).json(configuration)
}

/// Change name and time zone of a server configuration
#[utoipa::path(tag = "Server configurations", operation_id = "update_server_configuration", security(("bearer" = [])),
    params(
        ("id" = Uuid, Path, description = "The server configuration"),
        ("If-Match" = String, Header, description = "The ETag that was read"),
    ),
    request_body = NewServerConfiguration, responses(
        (status = 200, body = ServerConfiguration, headers(("ETag" = String, description = "The new revision"))),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is taken"),
        (status = 412, body = Problem, content_type = "application/problem+json",
            description = "Changed by somebody else since it was read"),
        (status = 428, body = Problem, content_type = "application/problem+json", description = "If-Match is missing"),
    ))]
#[patch("/server-configurations/{id}")]
async fn update(
    state: web::Data<AppState>,
    access: Administrator,
    id: PathIds<Uuid>,
    request: HttpRequest,
    body: Body<NewServerConfiguration>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, Capability::Connect).await?;
    let revision = if_match(&request)?;
    Ok(answer(&service::server_configurations::update(&state, &access.0, configuration, revision, body.0).await?))
}
