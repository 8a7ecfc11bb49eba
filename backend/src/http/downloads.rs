//! Downloads of the lists and logs as CSV.

use super::{
    auth::Viewer,
    blocked_addresses, delivery_events, exemptions,
    extract::{PathIds, QueryParts, query_parts},
};
use crate::{
    service::{
        self, Access, Result,
        authentication::Identity,
        downloads::{self, Download, Wish},
        server_configurations::open,
        slots::{Lasting, Slot},
    },
    state::AppState,
};
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{
        CONTENT_DISPOSITION, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
    },
    web,
};
use garde::Validate;
use serde::Deserialize;
use shared::{csv::Language, download::DownloadList, plan::Capability};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(blocked_list).service(stop_cancellation_list).service(logs);
}

/// How the file is written.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Format {
    /// Whether the file begins with a byte order mark, by which Excel knows UTF-8.
    #[garde(skip)]
    #[serde(default)]
    bom: bool,
    /// `ja`: Japanese column names and labels.
    #[garde(skip)]
    #[serde(default)]
    language: Language,
}

impl Format {
    /// How a download is wanted; `query` is what it was read from.
    pub(super) fn wish(self, query: &str) -> Wish {
        Wish { language: self.language, byte_order_mark: self.bom, search: query.to_owned() }
    }
}

/// A list, which of its rows, and how they are written.
pub(super) enum Wanted {
    /// The blocked list.
    BlockedAddresses(blocked_addresses::Search, Format),
    /// The stop cancellation list.
    Exemptions(exemptions::Search, Format),
    /// The logs.
    DeliveryEvents(delivery_events::Search, Format),
}

impl Wanted {
    /// What the query of a download says.
    ///
    /// # Errors
    /// [`crate::service::Error::Invalid`] names the parameters that are wrong.
    pub(super) fn read(list: DownloadList, query: &str) -> Result<Self> {
        Ok(match list {
            DownloadList::BlockedAddresses => {
                let (search, format) = query_parts(query)?;
                Self::BlockedAddresses(search, format)
            }
            DownloadList::Exemptions => {
                let (search, format) = query_parts(query)?;
                Self::Exemptions(search, format)
            }
            DownloadList::DeliveryEvents => {
                let (search, format) = query_parts(query)?;
                Self::DeliveryEvents(search, format)
            }
        })
    }

    /// Which list.
    const fn list(&self) -> DownloadList {
        match self {
            Self::BlockedAddresses(..) => DownloadList::BlockedAddresses,
            Self::Exemptions(..) => DownloadList::Exemptions,
            Self::DeliveryEvents(..) => DownloadList::DeliveryEvents,
        }
    }

    /// That the service can search so.
    ///
    /// # Errors
    /// [`crate::service::Error::Invalid`] names `domain` when it is none.
    pub(super) fn checked(self) -> Result<()> {
        let Self::DeliveryEvents(search, _) = self else { return Ok(()) };
        service::delivery_events::stored_filter(search.filter()).map(drop)
    }

    /// Begins the download; `query` is what it was read from.
    pub(super) async fn download(
        self,
        state: &AppState,
        access: &Access,
        configuration: Uuid,
        query: &str,
    ) -> Result<HttpResponse> {
        let configuration = open(&state.db, access, configuration, capability(self.list())).await?;
        let slot =
            state.slots.take_soon(Lasting::Download { account_id: Some(access.account_id) }, &access.actor).await?;
        let download = match self {
            Self::BlockedAddresses(search, format) => {
                let (filter, sort, direction) = search.parts();
                let order = (sort, direction);
                downloads::blocked_addresses(state, access, &configuration, &filter, order, format.wish(query)).await?
            }
            Self::Exemptions(search, format) => {
                let (filter, sort, direction) = search.parts();
                downloads::exemptions(state, access, &configuration, &filter, (sort, direction), format.wish(query))
                    .await?
            }
            Self::DeliveryEvents(search, format) => {
                downloads::delivery_events(state, access, &configuration, search.filter(), format.wish(query)).await?
            }
        };
        Ok(answer(state, download, slot))
    }
}

/// What a plan must include for a download: the same as for the search.
pub(super) const fn capability(list: DownloadList) -> Capability {
    match list {
        DownloadList::BlockedAddresses | DownloadList::Exemptions => Capability::SeeLists,
        DownloadList::DeliveryEvents => Capability::SearchLogs,
    }
}

/// Begins the download of everything of an account.
///
/// # Errors
/// [`crate::service::Error::NotFound`]: no such account. [`crate::service::Error::TooManyOpen`].
pub(super) async fn whole_account(state: &AppState, provider: &Identity, id: Uuid) -> Result<HttpResponse> {
    let slot = state.slots.take_soon(Lasting::Download { account_id: provider.account_id }, &provider.actor).await?;
    Ok(answer(state, downloads::account(state, provider, id).await?, slot))
}

/// A browser saves the file under its name; those that know no other characters get an ASCII one (RFC 6266 section 5).
pub(super) fn answer(state: &AppState, download: Download, slot: Slot) -> HttpResponse {
    let Download { file_name, media_type, body } = download;
    let plain = file_name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let extended =
        ExtendedValue { charset: Charset::Ext("UTF-8".to_owned()), language_tag: None, value: file_name.into() };
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(plain), DispositionParam::FilenameExt(extended)],
    };
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_DISPOSITION, disposition))
        .streaming(slot.hold_while_read(body, state.settings.patience.download))
}

/// Download the blocked list, exactly what the search finds, as CSV
#[utoipa::path(tag = "Blocked list", operation_id = "download_blocked_addresses", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), blocked_addresses::Search, Format),
    responses((status = 200, body = String, content_type = "text/csv")))]
#[get("/server-configurations/{id}/blocked-addresses.csv")]
async fn blocked_list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    request: HttpRequest,
    QueryParts(search, format): QueryParts<blocked_addresses::Search, Format>,
) -> Result<HttpResponse> {
    Wanted::BlockedAddresses(search, format).download(&state, &access.0, id.0, request.query_string()).await
}

/// Download the stop cancellation list, exactly what the search finds, as CSV
#[utoipa::path(tag = "Stop cancellation list", operation_id = "download_exemptions", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), exemptions::Search, Format),
    responses((status = 200, body = String, content_type = "text/csv")))]
#[get("/server-configurations/{id}/exemptions.csv")]
async fn stop_cancellation_list(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    request: HttpRequest,
    QueryParts(search, format): QueryParts<exemptions::Search, Format>,
) -> Result<HttpResponse> {
    Wanted::Exemptions(search, format).download(&state, &access.0, id.0, request.query_string()).await
}

/// Download the delivery log, or with `outcome=error` the error log, exactly what the search finds, as CSV
#[utoipa::path(tag = "Delivery events", operation_id = "download_delivery_events", security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The server configuration"), delivery_events::Search, Format),
    responses((status = 200, body = String, content_type = "text/csv")))]
#[get("/server-configurations/{id}/delivery-events.csv")]
async fn logs(
    state: web::Data<AppState>,
    access: Viewer,
    id: PathIds<Uuid>,
    request: HttpRequest,
    QueryParts(search, format): QueryParts<delivery_events::Search, Format>,
) -> Result<HttpResponse> {
    Wanted::DeliveryEvents(search, format).download(&state, &access.0, id.0, request.query_string()).await
}
