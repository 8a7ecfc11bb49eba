//! Inviting people, and coming.

use super::{
    auth::{Anybody, Manager},
    extract::{Body, Paging, PathIds, QueryParams, StrangersBody},
    idempotency::secret,
    sessions,
};
use crate::{
    service::{self, Result},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use shared::{
    Page, Problem,
    session::AccessToken,
    user::{Invitation, InvitationLink, InvitationPreview, LinkSecret, NewInvitation, PasswordByLink},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(preview).service(accept).service(renew).service(withdraw);
}

/// The invitations that nobody accepted yet, newest first
///
/// Here and below: into the account that is open, or outside of all accounts into the provider's staff. One that expired
/// can be renewed for 30 days.
#[utoipa::path(tag = "Users", operation_id = "list_invitations", security(("bearer" = [])), params(Paging),
    responses((status = 200, body = Page<Invitation>)))]
#[get("/invitations")]
async fn list(
    state: web::Data<AppState>,
    manager: Manager,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<Invitation>>> {
    let page = service::invitations::list(&state, &manager.0, paging.0.cursor.as_deref(), paging.0.limit());
    Ok(web::Json(page.await?))
}

/// Invite somebody by a link that works for a week: it is mailed, or shown this once where the service sends no mail
#[utoipa::path(tag = "Users", operation_id = "create_invitation", security(("bearer" = [])),
    request_body = NewInvitation, responses(
        (status = 201, body = InvitationLink),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "A user already, or invited already"),
    ))]
#[post("/invitations")]
async fn create(state: web::Data<AppState>, manager: Manager, body: Body<NewInvitation>) -> Result<HttpResponse> {
    Ok(secret(HttpResponse::Created().json(service::invitations::create(&state, &manager.0, body.0).await?)))
}

/// Give an invitation a new link, as at first, and another week; the old link stops working
#[utoipa::path(tag = "Users", operation_id = "renew_invitation", security(("bearer" = [])),
    params(("invitation_id" = Uuid, Path, description = "The invitation")),
    responses((status = 200, body = InvitationLink)))]
#[post("/invitations/{invitation_id}/renew")]
async fn renew(state: web::Data<AppState>, manager: Manager, id: PathIds<Uuid>) -> Result<HttpResponse> {
    Ok(secret(HttpResponse::Ok().json(service::invitations::renew(&state, &manager.0, id.0).await?)))
}

/// Take an invitation back; its link stops working at once
#[utoipa::path(tag = "Users", operation_id = "withdraw_invitation", security(("bearer" = [])),
    params(("invitation_id" = Uuid, Path, description = "The invitation")), responses((status = 204)))]
#[delete("/invitations/{invitation_id}")]
async fn withdraw(state: web::Data<AppState>, manager: Manager, id: PathIds<Uuid>) -> Result<HttpResponse> {
    service::invitations::withdraw(&state, &manager.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the holder of a link is invited to
#[utoipa::path(tag = "Sessions", operation_id = "preview_invitation", request_body = LinkSecret, responses(
    (status = 200, body = InvitationPreview),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such link"),
    (status = 410, body = Problem, content_type = "application/problem+json", description = "Accepted, taken back or expired"),
))]
#[post("/invitations/preview")]
async fn preview(
    state: web::Data<AppState>,
    _: Anybody,
    body: StrangersBody<LinkSecret>,
) -> Result<web::Json<InvitationPreview>> {
    Ok(web::Json(service::invitations::preview(&state, &body.0.secret).await?))
}

/// Accept an invitation with a password of one's own, and sign in
#[utoipa::path(tag = "Sessions", operation_id = "accept_invitation", request_body = PasswordByLink, responses(
    (status = 201, body = AccessToken, headers(("Set-Cookie" = String, description = "The refresh token, and that this browser is known"))),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No such link"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The address signs in elsewhere"),
    (status = 410, body = Problem, content_type = "application/problem+json", description = "Accepted, taken back or expired"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many passwords at once"),
))]
#[post("/invitations/accept")]
async fn accept(
    request: HttpRequest,
    state: web::Data<AppState>,
    from: Anybody,
    body: StrangersBody<PasswordByLink>,
) -> Result<HttpResponse> {
    let begun = service::invitations::accept(&state, body.0, from.0).await?;
    Ok(sessions::begun(&request, HttpResponse::Created(), begun))
}
