//! Links by which a browser saves a download itself.

use super::{
    audit,
    auth::{Anybody, Auditor, Provider, Viewer},
    downloads::{Wanted, capability, whole_account},
    extract::{Body, PathIds, QueryParams},
    idempotency::secret,
};
use crate::{
    service::{
        Error, Result,
        authentication::Permission,
        download_links::{self, Target},
        server_configurations::open,
    },
    state::AppState,
};
use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use shared::{
    FieldProblem, Problem,
    audit::AuditLogLinkRequest,
    download::{DownloadLink, DownloadLinkRequest},
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Where links lead. The token stands in the query, which the service's own log leaves out.
const PATH: &str = "/api/v1/downloads?token=";

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(make).service(make_for_audit_log).service(make_for_account).service(follow);
}

/// Make a link to a download, for a browser that saves the file itself: valid for a minute
///
/// For people in a session; a script sends its token with the download itself.
#[utoipa::path(tag = "Downloads", operation_id = "create_download_link", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration")), request_body = DownloadLinkRequest,
    responses((status = 201, body = DownloadLink)))]
#[post("/server-configurations/{id}/download-links")]
async fn make(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    body: Body<DownloadLinkRequest>,
) -> Result<HttpResponse> {
    let configuration = open(&state.db, &access.0, id.0, capability(body.0.list)).await?;
    let DownloadLinkRequest { list, parameters } = body.0;
    let query = serde_urlencoded::to_string(&parameters).map_err(|error| Error::Internal(error.into()))?;
    Wanted::read(list, &query).and_then(Wanted::checked).map_err(in_body)?;
    Ok(made(download_links::make(&state, &access.0, &configuration, list, query).await?))
}

/// Make a link to a download of the audit log, for a browser that saves the file itself: valid for a minute
#[utoipa::path(tag = "Audit log", operation_id = "create_audit_log_link", security(("bearer" = [])),
    request_body = AuditLogLinkRequest, responses((status = 201, body = DownloadLink)))]
#[post("/audit-log/download-links")]
async fn make_for_audit_log(
    state: web::Data<AppState>,
    Auditor(identity): Auditor,
    body: Body<AuditLogLinkRequest>,
) -> Result<HttpResponse> {
    let query = serde_urlencoded::to_string(&body.0.parameters).map_err(|error| Error::Internal(error.into()))?;
    Ok(made(download_links::make_for_audit_log(&state, &identity, query)?))
}

/// Make a link to everything of an account, for a browser that saves the file itself: valid for a minute
#[utoipa::path(tag = "Provider", operation_id = "create_export_link", security(("bearer" = [])),
    params(("account_id" = Uuid, Path, description = "The account")), responses((status = 201, body = DownloadLink)))]
#[post("/provider/accounts/{account_id}/export-links")]
async fn make_for_account(state: web::Data<AppState>, provider: Provider, id: PathIds<Uuid>) -> Result<HttpResponse> {
    Ok(made(download_links::make_for_account(&state, &provider.0, id.0).await?))
}

fn made((token, expires_at): (String, DateTime<Utc>)) -> HttpResponse {
    secret(HttpResponse::Created().json(DownloadLink { url: format!("{PATH}{token}"), expires_at }))
}

/// The names of query parameters as pointers into the body of a link's request.
fn in_body(error: Error) -> Error {
    let Error::Invalid(problems) = error else { return error };
    let placed =
        |problem: FieldProblem| FieldProblem { pointer: format!("/parameters/{}", problem.pointer), ..problem };
    Error::Invalid(problems.into_iter().map(placed).collect())
}

/// The token of a link.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Token {
    /// As the link has it.
    #[garde(skip)]
    token: String,
}

/// Follow a link to a download: the link is the right to it
///
/// The right of the user who made it is looked up anew.
#[utoipa::path(tag = "Downloads", operation_id = "follow_download_link", params(Token), responses(
    (status = 200, content((String = "text/csv"), (String = "application/zip"))),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "The session that made it has ended"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not allowed any more"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "No link, or what it leads to is gone"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The account is in use again"),
    (status = 410, body = Problem, content_type = "application/problem+json", description = "Expired"),
))]
#[get("/downloads")]
async fn follow(state: web::Data<AppState>, from: Anybody, query: QueryParams<Token>) -> Result<HttpResponse> {
    let linked = download_links::follow(&state, &query.0.token, from.0).await?;
    match linked.target {
        Target::List { list, server_configuration_id } => {
            let access = linked.identity.access(Permission::View)?;
            let wanted = Wanted::read(list, &linked.search)?;
            wanted.download(&state, &access, server_configuration_id, &linked.search).await
        }
        Target::AuditLog => {
            linked.identity.require_manager()?;
            audit::begin_linked(&state, &linked.identity, &linked.search).await
        }
        Target::Account(id) => {
            linked.identity.require(Permission::Provide)?;
            whole_account(&state, &linked.identity, id).await
        }
    }
}
