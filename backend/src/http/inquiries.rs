//! Inquiries, for the users of an account.

use super::{
    auth::Correspondent,
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
    inquiry::{Inquiry, InquiryCategory, InquiryRead, InquiryState, InquiryThread, NewInquiry, NewInquiryMessage},
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(show).service(write).service(read).service(close);
}

/// Which inquiries to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Search {
    /// What they are about.
    #[garde(skip)]
    category: Option<InquiryCategory>,
    /// How far they have come.
    #[garde(skip)]
    state: Option<InquiryState>,
    /// Whether there is an unread message.
    #[garde(skip)]
    unread: Option<bool>,
}

/// The inquiries of the account, last changed first
#[utoipa::path(tag = "Inquiries", operation_id = "list_inquiries", security(("bearer" = [])), params(Search, Paging),
    responses((status = 200, body = Page<Inquiry>)))]
#[get("/inquiries")]
async fn list(
    state: web::Data<AppState>,
    access: Correspondent,
    QueryParts(search, paging): QueryParts<Search, Paging>,
) -> Result<web::Json<Page<Inquiry>>> {
    let filter = Filter { account_id: None, category: search.category, state: search.state, unread: search.unread };
    let party = Party::Account(access.0);
    Ok(web::Json(inquiries::list(&state, &party, filter, paging.cursor.as_deref(), paging.limit()).await?))
}

/// Ask the provider something
///
/// Here and below: for the users of the account in a session, whatever their role. Scripts can only read.
#[utoipa::path(tag = "Inquiries", operation_id = "create_inquiry", security(("bearer" = [])), request_body = NewInquiry,
    responses(
        (status = 201, body = InquiryThread),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Too many are not closed"),
    ))]
#[post("/inquiries")]
async fn create(state: web::Data<AppState>, access: Correspondent, body: Body<NewInquiry>) -> Result<HttpResponse> {
    Ok(HttpResponse::Created().json(inquiries::create(&state, &Party::Account(access.0), body.0).await?))
}

/// An inquiry with its messages; this does not mark them as read
#[utoipa::path(tag = "Inquiries", operation_id = "show_inquiry", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), responses((status = 200, body = InquiryThread)))]
#[get("/inquiries/{inquiry_id}")]
async fn show(
    state: web::Data<AppState>,
    access: Correspondent,
    id: PathIds<Uuid>,
) -> Result<web::Json<InquiryThread>> {
    Ok(web::Json(inquiries::get(&state, &Party::Account(access.0), id.0).await?))
}

/// Write to an inquiry; one that was answered or closed is open again
#[utoipa::path(tag = "Inquiries", operation_id = "write_to_inquiry", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), request_body = NewInquiryMessage, responses(
        (status = 201, body = InquiryThread),
        (status = 409, body = Problem, content_type = "application/problem+json",
            description = "It has too many messages, or it is closed and too many others are not"),
    ))]
#[post("/inquiries/{inquiry_id}/messages")]
async fn write(
    state: web::Data<AppState>,
    access: Correspondent,
    id: PathIds<Uuid>,
    body: Body<NewInquiryMessage>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Created().json(inquiries::write(&state, &Party::Account(access.0), id.0, body.0).await?))
}

/// Mark messages of an inquiry as read, for all users of the account
#[utoipa::path(tag = "Inquiries", operation_id = "mark_inquiry_read", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), request_body = InquiryRead,
    responses((status = 200, body = Inquiry)))]
#[post("/inquiries/{inquiry_id}/read")]
async fn read(
    state: web::Data<AppState>,
    access: Correspondent,
    id: PathIds<Uuid>,
    body: Body<InquiryRead>,
) -> Result<web::Json<Inquiry>> {
    Ok(web::Json(inquiries::mark_read(&state, &Party::Account(access.0), id.0, body.0).await?))
}

/// Close an inquiry that is done
#[utoipa::path(tag = "Inquiries", operation_id = "close_inquiry", security(("bearer" = [])),
    params(("inquiry_id" = Uuid, Path, description = "The inquiry")), responses((status = 200, body = Inquiry)))]
#[post("/inquiries/{inquiry_id}/close")]
async fn close(state: web::Data<AppState>, access: Correspondent, id: PathIds<Uuid>) -> Result<web::Json<Inquiry>> {
    Ok(web::Json(inquiries::close(&state, &Party::Account(access.0), id.0).await?))
}
