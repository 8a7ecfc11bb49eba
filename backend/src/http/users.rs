//! The people of an account, and the provider's own.

use super::{
    auth::Manager,
    extract::{Body, Paging, PathIds, QueryParams, etag, if_match},
    idempotency::secret,
};
use crate::{
    service::{self, Result},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use shared::{
    Page, Problem,
    user::{PasswordResetLink, User, UserUpdate},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(show).service(update).service(reset_password).service(remove_second_factor);
}

/// The users of the account, by address
///
/// Here and below: of the account that is open, or outside of all accounts of the provider's staff.
#[utoipa::path(tag = "Users", operation_id = "list_users", security(("bearer" = [])), params(Paging),
    responses((status = 200, body = Page<User>)))]
#[get("/users")]
async fn list(
    state: web::Data<AppState>,
    manager: Manager,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<User>>> {
    let page = service::users::list(&state, &manager.0, paging.0.cursor.as_deref(), paging.0.limit());
    Ok(web::Json(page.await?))
}

/// A user; the ETag goes into If-Match to change it
#[utoipa::path(tag = "Users", operation_id = "show_user", security(("bearer" = [])),
    params(("user_id" = Uuid, Path, description = "The user")),
    responses((status = 200, body = User, headers(("ETag" = String, description = "The revision")))))]
#[get("/users/{user_id}")]
async fn show(state: web::Data<AppState>, manager: Manager, id: PathIds<Uuid>) -> Result<HttpResponse> {
    Ok(answer(&service::users::get(&state, &manager.0, id.0).await?))
}

fn answer(user: &User) -> HttpResponse {
    HttpResponse::Ok().insert_header(etag(user.revision)).json(user)
}

/// Change a user's role, or whether they may sign in
///
/// Deactivating ends the user's sessions at once. Whoever stops being an administrator also loses the invitations and
/// password links that they made and nobody has used yet.
#[utoipa::path(tag = "Users", operation_id = "update_user", security(("bearer" = [])),
    params(
        ("user_id" = Uuid, Path, description = "The user"),
        ("If-Match" = String, Header, description = "The ETag that was read"),
    ),
    request_body = UserUpdate, responses(
        (status = 200, body = User, headers(("ETag" = String, description = "The new revision"))),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "Nobody would be left who manages the others"),
        (status = 412, body = Problem, content_type = "application/problem+json",
            description = "Changed by somebody else since it was read"),
        (status = 428, body = Problem, content_type = "application/problem+json", description = "If-Match is missing"),
    ))]
#[patch("/users/{user_id}")]
async fn update(
    state: web::Data<AppState>,
    manager: Manager,
    id: PathIds<Uuid>,
    request: HttpRequest,
    body: Body<UserUpdate>,
) -> Result<HttpResponse> {
    let revision = if_match(&request)?;
    Ok(answer(&service::users::update(&state, &manager.0, id.0, revision, &body.0).await?))
}

/// Make a link that sets a user's password once; it is shown this once and works for a day
///
/// Links made for the user before stop working. The password stays until the link is used.
#[utoipa::path(tag = "Users", operation_id = "create_password_reset", security(("bearer" = [])),
    params(("user_id" = Uuid, Path, description = "The user")), responses(
        (status = 201, body = PasswordResetLink),
        (status = 409, body = Problem, content_type = "application/problem+json", 
            description = "The user may not sign in, or is who asks"),
    ))]
#[post("/users/{user_id}/password-reset")]
async fn reset_password(state: web::Data<AppState>, manager: Manager, id: PathIds<Uuid>) -> Result<HttpResponse> {
    let link = service::password_resets::create(&state, &manager.0, id.0).await?;
    Ok(secret(HttpResponse::Created().json(link)))
}

/// Take away the second factor of a user who has lost it; one's own is removed under `/me/second-factor`
#[utoipa::path(tag = "Users", operation_id = "remove_second_factor", security(("bearer" = [])),
    params(("user_id" = Uuid, Path, description = "The user")), responses(
        (status = 204),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The user is who asks"),
    ))]
#[delete("/users/{user_id}/second-factor")]
async fn remove_second_factor(state: web::Data<AppState>, manager: Manager, id: PathIds<Uuid>) -> Result<HttpResponse> {
    service::second_factors::remove(&state, &manager.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
