//! Inquiries of all accounts, for the provider.

use super::{
    auth::Provider,
    extract::{Body, Paging, PathIds, QueryParts},
};
use crate::{
    service::{
        Result,
        inquiries::{self, Filter, Party},
    },
    state::AppState,
};
use actix_web::{HttpResponse, get, post, web};
use garde::Validate;
use serde::Deserialize;
use shared::{
    Page, Problem,
    inquiry::{
        Inquiry, InquiryCategory, InquiryDownloads, InquiryRead, InquiryState, InquiryThread, NewInquiryMessage,
    },
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(show).service(answer).service(read).service(close).service(enable_downloads);
}

/// Which inquiries to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Whose.
    #[garde(skip)]
    account_id: Option<Uuid>,
    /// What they are about.
    #[garde(skip)]
    category: Option<InquiryCategory>,
    /// How far they have come.
    #[garde(skip)]
    state: Option<InquiryState>,
    /// Whether there is a message that the provider has not read.
    #[garde(skip)]
    unread: Option<bool>,
}

/// The inquiries of all accounts, last changed first
#[utoipa::path(tag = "Provider", operation_id = "list_provider_inquiries", security(("bearer" = [])),
    params(Search, Paging), responses((status = 200, body = Page<Inquiry>)))]
#[get("/provider/inquiries")]
async fn list(
    state: web::Data<AppState>,
    provider: Provider,
    QueryParts(search, paging): QueryParts<Search, Paging>,
) -> Result<web::Json<Page<Inquiry>>> {
    let Search { account_id, category, state: wanted, unread } = search;
    let filter = Filter { account_id, category, state: wanted, unread };
    let party = Party::Provider(provider.0);
    Ok(web::Json(inquiries::list(&state, &party, filter, paging.cursor.as_deref(), paging.limit()).await?))
}

/// An inquiry with its messages; this does not mark them as read
#[utoipa::path(tag = "Provider", operation_id = "show_provider_inquiry", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), responses((status = 200, body = InquiryThread)))]
#[get("/provider/inquiries/{inquiry_id}")]
async fn show(state: web::Data<AppState>, provider: Provider, id: PathIds<Uuid>) -> Result<web::Json<InquiryThread>> {
    Ok(web::Json(inquiries::get(&state, &Party::Provider(provider.0), id.0).await?))
}

/// Answer an inquiry
#[utoipa::path(tag = "Provider", operation_id = "answer_inquiry", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), request_body = NewInquiryMessage, responses(
        (status = 201, body = InquiryThread),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It has too many messages"),
    ))]
#[post("/provider/inquiries/{inquiry_id}/messages")]
async fn answer(
    state: web::Data<AppState>,
    provider: Provider,
    id: PathIds<Uuid>,
    body: Body<NewInquiryMessage>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Created().json(inquiries::write(&state, &Party::Provider(provider.0), id.0, body.0).await?))
}

/// Mark messages of an inquiry as read, for the whole staff
#[utoipa::path(tag = "Provider", operation_id = "mark_provider_inquiry_read", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), request_body = InquiryRead,
    responses((status = 200, body = Inquiry)))]
#[post("/provider/inquiries/{inquiry_id}/read")]
async fn read(
    state: web::Data<AppState>,
    provider: Provider,
    id: PathIds<Uuid>,
    body: Body<InquiryRead>,
) -> Result<web::Json<Inquiry>> {
    Ok(web::Json(inquiries::mark_read(&state, &Party::Provider(provider.0), id.0, body.0).await?))
}

/// Close an inquiry that is done
#[utoipa::path(tag = "Provider", operation_id = "close_provider_inquiry", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), responses((status = 200, body = Inquiry)))]
#[post("/provider/inquiries/{inquiry_id}/close")]
async fn close(state: web::Data<AppState>, provider: Provider, id: PathIds<Uuid>) -> Result<web::Json<Inquiry>> {
    Ok(web::Json(inquiries::close(&state, &Party::Provider(provider.0), id.0).await?))
}

/// Enable downloads for the account of an inquiry, and answer it
///
/// Both happen or neither. A second time changes nothing.
#[utoipa::path(tag = "Provider", operation_id = "enable_downloads", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), request_body = InquiryDownloads, responses(
        (status = 200, body = InquiryThread),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It has too many messages"),
    ))]
#[post("/provider/inquiries/{inquiry_id}/enable-downloads")]
async fn enable_downloads(
    state: web::Data<AppState>,
    provider: Provider,
    id: PathIds<Uuid>,
    body: Body<InquiryDownloads>,
) -> Result<web::Json<InquiryThread>> {
    Ok(web::Json(inquiries::enable_downloads(&state, &provider.0, id.0, body.0).await?))
}
