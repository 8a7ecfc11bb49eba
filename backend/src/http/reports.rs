//! The history of one address, and the overview of the delivery report.

use super::{
    auth::Viewer,
    extract::{Paging, PathIds, QueryParams, QueryParts},
};
use crate::{
    service::{Result, address_history, delivery_report, server_configurations::open},
    state::AppState,
};
use actix_web::{get, web};
use garde::Validate;
use serde::Deserialize;
use shared::{
    address_history::AddressHistory,
    delivery_report::{DEFAULT_REPORT_DAYS, DeliveryReport, REPORT_DAYS},
    plan::Capability,
};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_address).service(show_report);
}

/// Whose history.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// The address, in any spelling.
    #[garde(skip)]
    #[param(example = "taro@example.com")]
    address: String,
}

/// The history of an address: its errors, blocks, releases and exemptions, by whom, and which mail server holds it
///
/// `limit` and `cursor` page the events; the rest of the answer is always the present state. An address of which nothing
/// is known has no events.
#[utoipa::path(tag = "Reports", operation_id = "show_address_history", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Whose, Paging),
    responses((status = 200, body = AddressHistory)))]
#[get("/server-configurations/{id}/address-history")]
async fn show_address(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    QueryParts(whose, paging): QueryParts<Whose, Paging>,
) -> Result<web::Json<AddressHistory>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::SearchLogs).await?;
    let (cursor, limit) = (paging.cursor.as_deref(), paging.limit());
    Ok(web::Json(address_history::show(&state, &configuration, &whose.address, cursor, limit).await?))
}

/// How long a report.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Range {
    /// How many days, with today: 7, 30 or 90.
    #[garde(custom(one_of_the_ranges))]
    #[param(default = 30)]
    days: Option<u16>,
}

/// Checks the number of days.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands over references")]
fn one_of_the_ranges(days: &Option<u16>, _: &()) -> garde::Result {
    match days {
        Some(days) if !REPORT_DAYS.contains(days) => Err(garde::Error::new("use 7, 30 or 90")),
        _ => Ok(()),
    }
}

/// The delivery report: errors by reason, blocks, releases and the blocked list's size day by day, and the worst domains
///
/// Days are those of the server configuration's time zone. Blocks and releases count on the day on which a distribution
/// published them: a pending block is in no day yet.
#[utoipa::path(tag = "Reports", operation_id = "show_delivery_report", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), Range),
    responses((status = 200, body = DeliveryReport)))]
#[get("/server-configurations/{id}/delivery-report")]
async fn show_report(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    range: QueryParams<Range>,
) -> Result<web::Json<DeliveryReport>> {
    let configuration = open(&state.db, &access.0, id.0, Capability::SearchLogs).await?;
    let days = range.0.days.unwrap_or(DEFAULT_REPORT_DAYS);
    Ok(web::Json(delivery_report::show(&state, &configuration, days).await?))
}
