//! Signing in and out.

use super::{
    auth::{self, Holder, SignedIn, Visitor},
    cookies,
    extract::{Paging, PathIds, QueryParams, StrangersBody},
    idempotency::secret,
};
use crate::{
    service::{self, Error, Result, sessions::Begun},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, post, web};
use shared::{
    Page, Problem,
    second_factor::{SecondFactorNeeded, SecondFactorSignIn},
    session::{AccessToken, Me, OwnSession, SignInRequest},
};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(sign_in).service(second_factor).service(refresh).service(sign_out).service(me);
    config.service(list).service(revoke).service(revoke_others);
}

/// Answers with an access token, and sets the cookies that come with it.
pub fn begun(request: &HttpRequest, mut response: HttpResponseBuilder, begun: Begun) -> HttpResponse {
    if let Some(refresh_token) = begun.refresh_token {
        response.cookie(cookies::REFRESH.keep(request, refresh_token));
    }
    if let Some(device_token) = begun.device_token {
        response.cookie(cookies::DEVICE.keep(request, device_token));
    }
    secret(response.json(begun.access_token))
}

/// Sign in
///
/// Who has a second factor gets 202 and goes on with `POST /sessions/second-factor`.
#[utoipa::path(tag = "Sessions", operation_id = "sign_in", request_body = SignInRequest, responses(
    (status = 201, body = AccessToken, headers(("Set-Cookie" = String, description = "The refresh token, and that this browser is known"))),
    (status = 202, body = SecondFactorNeeded, description = "The password was right; a second factor is needed"),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Wrong address or password"),
    (status = 429, body = Problem, content_type = "application/problem+json",
        description = "Too many wrong passwords, or too many sign in at once"),
))]
#[post("/sessions")]
async fn sign_in(
    request: HttpRequest,
    state: web::Data<AppState>,
    from: Visitor,
    body: StrangersBody<SignInRequest>,
) -> Result<HttpResponse> {
    match service::sessions::sign_in(&state, body.0, from.origin, from.device).await? {
        service::sessions::SignedIn::Begun(session) => Ok(begun(&request, HttpResponse::Created(), session)),
        service::sessions::SignedIn::SecondFactorNeeded(needed) => Ok(secret(HttpResponse::Accepted().json(needed))),
    }
}

/// Sign in: the second step
#[utoipa::path(tag = "Sessions", operation_id = "sign_in_with_second_factor", request_body = SecondFactorSignIn, responses(
    (status = 201, body = AccessToken, headers(("Set-Cookie" = String, description = "The refresh token, and that this browser is known"))),
    (status = 401, body = Problem, content_type = "application/problem+json",
        description = "The first step does not hold: sign in again"),
    (status = 410, body = Problem, content_type = "application/problem+json",
        description = "The first step was more than five minutes ago"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many wrong codes"),
))]
#[post("/sessions/second-factor")]
async fn second_factor(
    request: HttpRequest,
    state: web::Data<AppState>,
    from: Visitor,
    body: StrangersBody<SecondFactorSignIn>,
) -> Result<HttpResponse> {
    let session = service::sessions::sign_in_with_second_factor(&state, body.0, from.origin, from.device).await?;
    Ok(begun(&request, HttpResponse::Created(), session))
}

/// Get a new access token with the refresh cookie
///
/// The header `X-Requested-With: stoplist` proves that the request is not a form of another site.
#[utoipa::path(tag = "Sessions", operation_id = "refresh_session", responses(
    (status = 200, body = AccessToken, headers(("Set-Cookie" = String, description = "The next refresh token"))),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "No session, or it has ended"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The header is missing"),
), params(("X-Requested-With" = String, Header, description = "`stoplist`")))]
#[post("/sessions/refresh")]
async fn refresh(request: HttpRequest, state: web::Data<AppState>, from: Holder) -> Result<HttpResponse> {
    if request.headers().get("x-requested-with").is_none_or(|value| value != "stoplist") {
        return Err(Error::Forbidden("send the header X-Requested-With: stoplist".to_owned()));
    }
    let session = match cookies::REFRESH.read(&request) {
        Some(refresh_token) => service::sessions::refresh(&state, &refresh_token, from.0).await,
        None => Err(Error::Unauthorized),
    };
    if let Err(Error::Unauthorized) = session {
        auth::count_visitor(&request).await?;
    }
    Ok(begun(&request, HttpResponse::Ok(), session?))
}

/// Sign out: ends the session of the access token
#[utoipa::path(tag = "Sessions", operation_id = "sign_out", security(("bearer" = [])), responses((status = 204)))]
#[delete("/sessions/current")]
async fn sign_out(request: HttpRequest, state: web::Data<AppState>, user: SignedIn) -> Result<HttpResponse> {
    service::sessions::sign_out(&state, &user.0).await?;
    Ok(HttpResponse::NoContent().cookie(cookies::REFRESH.forget(&request)).finish())
}

/// Who is signed in
#[utoipa::path(tag = "Sessions", operation_id = "me", security(("bearer" = [])), responses((status = 200, body = Me)))]
#[get("/me")]
async fn me(state: web::Data<AppState>, user: SignedIn) -> Result<web::Json<Me>> {
    Ok(web::Json(service::sessions::me(&state, user.0).await?))
}

/// One's own sessions, last used first
#[utoipa::path(tag = "My account", operation_id = "list_sessions", security(("bearer" = [])), params(Paging),
    responses((status = 200, body = Page<OwnSession>)))]
#[get("/me/sessions")]
async fn list(
    state: web::Data<AppState>,
    user: SignedIn,
    paging: QueryParams<Paging>,
) -> Result<web::Json<Page<OwnSession>>> {
    let page = service::sessions::list(&state, &user.0, paging.0.cursor.as_deref(), paging.0.limit());
    Ok(web::Json(page.await?))
}

/// End one of one's own sessions
#[utoipa::path(tag = "My account", operation_id = "revoke_session", security(("bearer" = [])),
    params(("session_id" = Uuid, Path, description = "The session")), responses((status = 204)))]
#[delete("/me/sessions/{session_id}")]
async fn revoke(state: web::Data<AppState>, user: SignedIn, id: PathIds<Uuid>) -> Result<HttpResponse> {
    service::sessions::revoke(&state, &user.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End all of one's own sessions but the one that asks
#[utoipa::path(tag = "My account", operation_id = "revoke_other_sessions", security(("bearer" = [])),
    responses((status = 204)))]
#[delete("/me/sessions")]
async fn revoke_others(state: web::Data<AppState>, user: SignedIn) -> Result<HttpResponse> {
    service::sessions::revoke_others(&state, &user.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
