//! Tokens for scripts.

use super::{
    auth::Administrator,
    extract::{Body, Paging, PathIds, QueryParams},
    idempotency::secret,
};
use crate::{
    service::{self, Result},
    state::AppState,
};
use actix_web::{HttpResponse, delete, get, post, web};
use shared::{
    Page,
    session::{ApiToken, ApiTokenSecret, NewApiToken},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(revoke);
}

/// The tokens of the account, newest first
#[utoipa::path(tag = "Tokens", operation_id = "list_tokens", security(("bearer" = [])), params(Paging),
    responses((status = 200, body = Page<ApiToken>)))]
#[get("/tokens")]
async fn list(
    state: web::Data<AppState>,
    access: Administrator,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<ApiToken>>> {
    let page = service::tokens::list(&state, &access.0, paging.0.cursor.as_deref(), paging.0.limit());
    Ok(web::Json(page.await?))
}

/// Make a token; its secret is shown this once
#[utoipa::path(tag = "Tokens", operation_id = "create_token", security(("bearer" = [])), request_body = NewApiToken,
    responses((status = 201, body = ApiTokenSecret)))]
#[post("/tokens")]
async fn create(state: web::Data<AppState>, access: Administrator, body: Body<NewApiToken>) -> Result<HttpResponse> {
    Ok(secret(HttpResponse::Created().json(service::tokens::create(&state, &access.0, body.0).await?)))
}

/// Revoke a token; it stops working at once
#[utoipa::path(tag = "Tokens", operation_id = "revoke_token", security(("bearer" = [])),
    params(("token_id" = Uuid, Path, description = "The token")), responses((status = 204)))]
#[delete("/tokens/{token_id}")]
async fn revoke(state: web::Data<AppState>, access: Administrator, id: PathIds<Uuid>) -> Result<HttpResponse> {
    service::tokens::revoke(&state, &access.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
