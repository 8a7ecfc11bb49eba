//! Passwords: changing one's own, and setting one by a link.

use super::{
    auth::{Anybody, SignedIn},
    cookies,
    extract::{Body, StrangersBody},
};
use crate::{
    service::{self, Result},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, post, put, web};
use shared::{
    Problem,
    user::{LinkSecret, PasswordByLink, PasswordChange, PasswordResetPreview, PasswordResetRequest},
};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(change).service(mail_link).service(preview).service(complete);
}

/// Change one's own password; every other session ends
#[utoipa::path(tag = "My account", operation_id = "change_password", security(("bearer" = [])),
    request_body = PasswordChange, responses(
        (status = 204, headers(("Set-Cookie" = String, description = "That this browser is known"))),
        (status = 429, body = Problem, content_type = "application/problem+json",
            description = "Too many wrong passwords, or too many at once"),
    ))]
#[put("/me/password")]
async fn change(
    request: HttpRequest,
    state: web::Data<AppState>,
    user: SignedIn,
    body: Body<PasswordChange>,
) -> Result<HttpResponse> {
    let device_token = service::passwords::change(&state, &user.0, body.0).await?;
    Ok(HttpResponse::NoContent().cookie(cookies::DEVICE.keep(&request, device_token)).finish())
}

/// Ask for a link that sets a new password, by mail
///
/// The answer is the same whether the address is a user's or not.
#[utoipa::path(tag = "Sessions", operation_id = "request_password_reset", request_body = PasswordResetRequest, responses(
    (status = 202, description = "If the address is a user's, a mail is on its way"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "This service sends no mail"),
))]
#[post("/password-resets")]
async fn mail_link(
    state: web::Data<AppState>,
    from: Anybody,
    body: StrangersBody<PasswordResetRequest>,
) -> Result<HttpResponse> {
    service::password_resets::request(&state, &body.0.email, from.0)?;
    Ok(HttpResponse::Accepted().finish())
}

/// Whose password a link sets
#[utoipa::path(tag = "Sessions", operation_id = "preview_password_reset", request_body = LinkSecret, responses(
    (status = 200, body = PasswordResetPreview),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such link"),
    (status = 410, body = Problem, content_type = "application/problem+json", description = "Used or expired"),
))]
#[post("/password-resets/preview")]
async fn preview(
    state: web::Data<AppState>,
    _: Anybody,
    body: StrangersBody<LinkSecret>,
) -> Result<web::Json<PasswordResetPreview>> {
    Ok(web::Json(service::password_resets::preview(&state, &body.0.secret).await?))
}

/// Set a new password by a link; every session of the user ends
///
/// Signing in comes after that, with the second factor of who has one.
#[utoipa::path(tag = "Sessions", operation_id = "complete_password_reset", request_body = PasswordByLink, responses(
    (status = 204, headers(("Set-Cookie" = String, description = "That this browser is known"))),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such link"),
    (status = 410, body = Problem, content_type = "application/problem+json", description = "Used or expired"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many passwords at once"),
))]
#[post("/password-resets/complete")]
async fn complete(
    request: HttpRequest,
    state: web::Data<AppState>,
    from: Anybody,
    body: StrangersBody<PasswordByLink>,
) -> Result<HttpResponse> {
    let device_token = service::password_resets::complete(&state, body.0, from.0).await?;
    Ok(HttpResponse::NoContent().cookie(cookies::DEVICE.keep(&request, device_token)).finish())
}
