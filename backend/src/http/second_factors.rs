//! The second factor of one's own account.

use super::{auth::SignedIn, extract::Body, idempotency::secret};
use crate::{
    service::{self, Result},
    state::AppState,
};
use actix_web::{HttpResponse, get, post, web};
use shared::{
    Problem,
    second_factor::{
        BeginSecondFactor, ConfirmSecondFactor, RecoveryCodes, SecondFactorProof, SecondFactorSecret, SecondFactorState,
    },
};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show).service(begin).service(confirm).service(renew_recovery_codes).service(disable);
}

/// Whether one's own account has a second factor
#[utoipa::path(tag = "My account", operation_id = "show_second_factor", security(("bearer" = [])),
    responses((status = 200, body = SecondFactorState)))]
#[get("/me/second-factor")]
async fn show(state: web::Data<AppState>, user: SignedIn) -> Result<web::Json<SecondFactorState>> {
    Ok(web::Json(service::second_factors::show(&state, &user.0).await?))
}

/// Begin with a second factor: make a secret for an authenticator app, shown this once
///
/// It has no effect until a code of the app is confirmed. Begun again before that, it is another secret.
#[utoipa::path(tag = "My account", operation_id = "begin_second_factor", security(("bearer" = [])),
    request_body = BeginSecondFactor, responses(
        (status = 201, body = SecondFactorSecret),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "There is one already"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many wrong passwords"),
    ))]
#[post("/me/second-factor")]
async fn begin(state: web::Data<AppState>, user: SignedIn, body: Body<BeginSecondFactor>) -> Result<HttpResponse> {
    Ok(secret(HttpResponse::Created().json(service::second_factors::begin(&state, &user.0, body.0).await?)))
}

/// Put the second factor in effect with a code of the app; the recovery codes are shown this once
#[utoipa::path(tag = "My account", operation_id = "confirm_second_factor", security(("bearer" = [])),
    request_body = ConfirmSecondFactor, responses(
        (status = 200, body = RecoveryCodes),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Nothing was begun"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many wrong codes"),
    ))]
#[post("/me/second-factor/confirm")]
async fn confirm(state: web::Data<AppState>, user: SignedIn, body: Body<ConfirmSecondFactor>) -> Result<HttpResponse> {
    Ok(secret(HttpResponse::Ok().json(service::second_factors::confirm(&state, &user.0, body.0).await?)))
}

/// Make new recovery codes, shown this once; the ones until now stop working
#[utoipa::path(tag = "My account", operation_id = "renew_recovery_codes", security(("bearer" = [])),
    request_body = SecondFactorProof, responses(
        (status = 200, body = RecoveryCodes),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "There is no second factor"),
        (status = 429, body = Problem, content_type = "application/problem+json",
            description = "Too many wrong passwords or codes"),
    ))]
#[post("/me/second-factor/recovery-codes")]
async fn renew_recovery_codes(
    state: web::Data<AppState>,
    user: SignedIn,
    body: Body<SecondFactorProof>,
) -> Result<HttpResponse> {
    let codes = service::second_factors::renew_recovery_codes(&state, &user.0, body.0).await?;
    Ok(secret(HttpResponse::Ok().json(codes)))
}

/// Remove one's own second factor
#[utoipa::path(tag = "My account", operation_id = "disable_second_factor", security(("bearer" = [])),
    request_body = SecondFactorProof, responses(
        (status = 204),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "There is no second factor"),
        (status = 429, body = Problem, content_type = "application/problem+json",
            description = "Too many wrong passwords or codes"),
    ))]
#[post("/me/second-factor/disable")]
async fn disable(state: web::Data<AppState>, user: SignedIn, body: Body<SecondFactorProof>) -> Result<HttpResponse> {
    service::second_factors::disable(&state, &user.0, body.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
