//! First start.

use super::{auth::Anybody, extract::StrangersBody, sessions};
use crate::{
    service::{self, Result},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use shared::{
    Problem,
    session::{AccessToken, SetupRequest, SetupState},
};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show).service(complete);
}

/// Whether the service waits for its first provider account
#[utoipa::path(tag = "Set-up", operation_id = "show_setup", responses((status = 200, body = SetupState)))]
#[get("/setup")]
async fn show(state: web::Data<AppState>, _: Anybody) -> Result<web::Json<SetupState>> {
    Ok(web::Json(service::setup::state(&state.db).await?))
}

/// Make the first provider account with the one-time code that the service printed, and sign in
#[utoipa::path(tag = "Set-up", operation_id = "complete_setup", request_body = SetupRequest, responses(
    (status = 201, body = AccessToken, headers(("Set-Cookie" = String, description = "The refresh token, and that this browser is known"))),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The service is set up already"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many sign in at once"),
))]
#[post("/setup")]
async fn complete(
    request: HttpRequest,
    state: web::Data<AppState>,
    from: Anybody,
    body: StrangersBody<SetupRequest>,
) -> Result<HttpResponse> {
    let begun = service::setup::complete(&state, body.0, from.0).await?;
    Ok(sessions::begun(&request, HttpResponse::Created(), begun))
}
