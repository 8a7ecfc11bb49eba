//! Accounts, for the provider.

use super::{
    auth::Provider,
    downloads,
    extract::{Body, PathIds, QueryParams, etag, if_match},
    idempotency::secret,
};
use crate::{
    service::{self, Result},
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use shared::{
    Page, Problem,
    account::{Account, AccountUpdate, CloseAccount, NewAccount},
    page::{DEFAULT_LIMIT, MAX_LIMIT},
    session::AccessToken,
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(leave).service(enter).service(show).service(update);
    config.service(export).service(close);
}

/// Which page.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountsQuery {
    /// `next_cursor` of the page before.
    #[garde(length(max = 2000))]
    cursor: Option<String>,
    /// How many rows, 1 to 500; 50 when left out.
    #[garde(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// The accounts, by name
#[utoipa::path(tag = "Provider", operation_id = "list_accounts", security(("bearer" = [])), params(AccountsQuery),
    responses((status = 200, body = Page<Account>)))]
#[get("/provider/accounts")]
async fn list(
    state: web::Data<AppState>,
    _provider: Provider,
    query: QueryParams<AccountsQuery>,
) -> Result<web::Json<Page<Account>>> {
    let limit = query.0.limit.unwrap_or(DEFAULT_LIMIT);
    Ok(web::Json(service::accounts::list(&state, query.0.cursor.as_deref(), limit).await?))
}

/// Make an account with its first administrator
#[utoipa::path(tag = "Provider", operation_id = "create_account", security(("bearer" = [])), request_body = NewAccount,
    responses(
        (status = 201, body = Account),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The name or address is taken"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many passwords at once"),
    ))]
#[post("/provider/accounts")]
async fn create(state: web::Data<AppState>, provider: Provider, body: Body<NewAccount>) -> Result<HttpResponse> {
    Ok(HttpResponse::Created().json(service::accounts::create(&state, &provider.0, body.0).await?))
}

/// An account; its ETag goes into If-Match to change it
#[utoipa::path(tag = "Provider", operation_id = "show_account", security(("bearer" = [])),
    params(("account_id" = Uuid, Path, description = "The account")),
    responses((status = 200, body = Account, headers(("ETag" = String, description = "The revision")))))]
#[get("/provider/accounts/{account_id}")]
async fn show(state: web::Data<AppState>, _provider: Provider, id: PathIds<Uuid>) -> Result<HttpResponse> {
    Ok(answer(&service::accounts::get(&state, id.0).await?))
}

fn answer(account: &Account) -> HttpResponse {
    HttpResponse::Ok().insert_header(etag(account.revision)).json(account)
}

/// Change what an account may use: downloads, and how long its delivery events are kept
#[utoipa::path(tag = "Provider", operation_id = "update_account", security(("bearer" = [])),
    params(
        ("account_id" = Uuid, Path, description = "The account"),
        ("If-Match" = String, Header, description = "The ETag that was read"),
    ),
    request_body = AccountUpdate, responses(
        (status = 200, body = Account, headers(("ETag" = String, description = "The new revision"))),
        (status = 412, body = Problem, content_type = "application/problem+json",
            description = "Changed by somebody else since it was read"),
        (status = 428, body = Problem, content_type = "application/problem+json", description = "If-Match is missing"),
    ))]
#[patch("/provider/accounts/{account_id}")]
async fn update(
    state: web::Data<AppState>,
    provider: Provider,
    id: PathIds<Uuid>,
    request: HttpRequest,
    body: Body<AccountUpdate>,
) -> Result<HttpResponse> {
    let revision = if_match(&request)?;
    Ok(answer(&service::accounts::update(&state, &provider.0, id.0, revision, &body.0).await?))
}

/// Everything of an account as a ZIP file: JSON and CSV
///
/// Of the account that you are inside of. For a browser, `POST /provider/accounts/{account_id}/export-links` makes a link to
/// it.
#[utoipa::path(tag = "Provider", operation_id = "export_account", security(("bearer" = [])),
    params(("account_id" = Uuid, Path, description = "The account")),
    responses(
        (status = 200, body = String, content_type = "application/zip"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "You are outside of it"),
    ))]
#[get("/provider/accounts/{account_id}/export")]
async fn export(state: web::Data<AppState>, provider: Provider, id: PathIds<Uuid>) -> Result<HttpResponse> {
    downloads::whole_account(&state, &provider.0, id.0).await
}

/// Close an account for ever: its people, tokens, lists and logs are removed within minutes; its audit log stays
#[utoipa::path(tag = "Provider", operation_id = "close_account", security(("bearer" = [])),
    params(("account_id" = Uuid, Path, description = "The account")), request_body = CloseAccount, responses(
        (status = 204),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It is not suspended"),
    ))]
#[post("/provider/accounts/{account_id}/close")]
async fn close(
    state: web::Data<AppState>,
    provider: Provider,
    id: PathIds<Uuid>,
    body: Body<CloseAccount>,
) -> Result<HttpResponse> {
    service::closing::close(&state, &provider.0, id.0, &body.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Act as administrator inside an account; this is written into its audit log
#[utoipa::path(tag = "Provider", operation_id = "enter_account", security(("bearer" = [])),
    params(("account_id" = Uuid, Path, description = "The account")), responses((status = 200, body = AccessToken)))]
#[post("/provider/accounts/{account_id}/enter")]
async fn enter(state: web::Data<AppState>, provider: Provider, id: PathIds<Uuid>) -> Result<HttpResponse> {
    Ok(secret(HttpResponse::Ok().json(service::accounts::enter(&state, &provider.0, id.0).await?)))
}

/// Leave the account that was entered
#[utoipa::path(tag = "Provider", operation_id = "leave_account", security(("bearer" = [])), responses(
    (status = 200, body = AccessToken),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "No account was entered"),
))]
#[post("/provider/accounts/leave")]
async fn leave(state: web::Data<AppState>, provider: Provider) -> Result<HttpResponse> {
    Ok(secret(HttpResponse::Ok().json(service::accounts::leave(&state, &provider.0).await?)))
}
