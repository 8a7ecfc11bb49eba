//! The audit log.

use super::{
    auth::Auditor,
    downloads::{Format, answer},
    extract::{Paging, QueryParts, query_parts},
};
use crate::{
    service::{
        Result,
        audit::{self, Filter},
        authentication::Identity,
        downloads,
        slots::Lasting,
    },
    state::AppState,
};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Deserialize;
use shared::{
    Page,
    audit::{ActorKind, AuditEntry},
    page::Direction,
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(download);
}

/// Which entries to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Part of the actor's name, the action, the object, what was before and after (as JSON), the comment or the client's
    /// address, in any case; `%` and `_` are plain characters.
    #[garde(length(chars, max = 254))]
    q: Option<String>,
    /// By this kind of actor.
    #[garde(skip)]
    actor_kind: Option<ActorKind>,
    /// Not before this time (RFC 3339).
    #[garde(skip)]
    from: Option<DateTime<Utc>>,
    /// Before this time (RFC 3339).
    #[garde(skip)]
    to: Option<DateTime<Utc>>,
    /// Newest (`descending`) or oldest first.
    #[garde(skip)]
    #[serde(default)]
    direction: Direction,
}

impl Search {
    fn filter(self) -> Filter {
        let Self { q, actor_kind, from, to, direction } = self;
        Filter { text: q, actor_kind, from, to, direction }
    }
}

/// The audit log: who changed what, when, from where and why
///
/// Of the account that is open; outside of all accounts, what the provider did there.
#[utoipa::path(tag = "Audit log", operation_id = "list_audit_entries", security(("bearer" = [])), params(Search, Paging),
    responses((status = 200, body = Page<AuditEntry>)))]
#[get("/audit-log")]
async fn list(
    state: web::Data<AppState>,
    Auditor(identity): Auditor,
    QueryParts(search, paging): QueryParts<Search, Paging>,
) -> Result<web::Json<Page<AuditEntry>>> {
    let limit = paging.limit();
    audit::search(&state, &identity, &search.filter(), paging.cursor.as_deref(), limit).await.map(web::Json)
}

/// Download the audit log, exactly what the search finds, as CSV
///
/// Needs no enabled downloads.
#[utoipa::path(tag = "Audit log", operation_id = "download_audit_log", security(("bearer" = [])), params(Search, Format),
    responses((status = 200, body = String, content_type = "text/csv")))]
#[get("/audit-log.csv")]
async fn download(
    state: web::Data<AppState>,
    Auditor(identity): Auditor,
    request: HttpRequest,
    QueryParts(search, format): QueryParts<Search, Format>,
) -> Result<HttpResponse> {
    begin(&state, &identity, search, format, request.query_string()).await
}

/// Begins the download that the query of a link asks for.
///
/// # Errors
/// [`crate::service::Error::Invalid`] names the parameters that are wrong.
pub(super) async fn begin_linked(state: &AppState, identity: &Identity, query: &str) -> Result<HttpResponse> {
    let (search, format) = query_parts(query)?;
    begin(state, identity, search, format, query).await
}

async fn begin(
    state: &AppState,
    identity: &Identity,
    search: Search,
    format: Format,
    query: &str,
) -> Result<HttpResponse> {
    let slot = state.slots.take_soon(Lasting::Download { account_id: identity.account_id }, &identity.actor).await?;
    let log = downloads::audit_log(state, identity, &search.filter(), format.wish(query)).await?;
    Ok(answer(state, log, slot))
}
