//! What agents call: who am I, the list, what I hold.

use super::{
    auth::{Agent, bearer},
    client,
    extract::{Body, QueryParams},
};
use crate::{
    service::{
        Error, Result,
        agent_sync::{self, Holding, Pace},
        authentication::{self, Origin, Permission},
        slots::Lasting,
    },
    state::AppState,
};
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{self, ContentEncoding},
    post, web,
};
use garde::Validate;
use serde::Deserialize;
use shared::{
    ListChecksum, Problem, RefusalCode,
    agent_sync::{Acknowledgement, AcknowledgementResult, AgentIdentity, LIST_MEDIA_TYPE, MAX_WAIT_SECONDS},
};
use std::time::Duration;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The routes of this module.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(identity).service(list).service(acknowledge);
}

/// What the agent holds; nothing: it wants a snapshot.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// The history that `version` counts in.
    #[garde(skip)]
    epoch: Option<Uuid>,
    /// The version that the agent holds.
    #[garde(skip)]
    version: Option<i64>,
    /// The checksum of what it holds. One that the version does not have: the service's history was restored.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    checksum: Option<ListChecksum>,
    /// How many seconds to wait for a newer version.
    #[garde(range(max = MAX_WAIT_SECONDS))]
    #[param(maximum = 60)]
    wait: Option<u32>,
}

/// Who the agent is
#[utoipa::path(tag = "Agents", operation_id = "show_agent", security(("bearer" = [])),
    responses((status = 200, body = AgentIdentity)))]
#[get("/agent")]
async fn identity(state: web::Data<AppState>, agent: Agent) -> Result<web::Json<AgentIdentity>> {
    let name = agent.access.actor.name().to_owned();
    let identity = agent_sync::identity(&state, agent.mail_server_id, name, agent.server_configuration_id).await?;
    Ok(web::Json(identity))
}

/// The list: a snapshot, or with epoch and version what changed since
///
/// Lines: a header as JSON, then one address key a line, in changes with `-` or `+` before it.
#[utoipa::path(tag = "Agents", operation_id = "fetch_agent_list", security(("bearer" = [])), params(ListQuery),
    responses(
        (status = 200, body = String, content_type = "application/vnd.stoplist.list"),
        (status = 204, description = "Nothing new came while it waited"),
        (status = 410, body = Problem, content_type = "application/problem+json",
            description = "Another history, an unknown version, another checksum, or too many changes: fetch a snapshot"),
    ))]
#[get("/agent/list")]
async fn list(
    state: web::Data<AppState>,
    agent: Agent,
    query: QueryParams<ListQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let holding = match (query.0.epoch, query.0.version) {
        (None, None) => None,
        (Some(epoch), Some(version)) => Some(Holding { epoch, version, checksum: query.0.checksum }),
        (None, Some(_)) => {
            return Err(Error::field("epoch", RefusalCode::Missing, "send epoch and version together, or neither"));
        }
        (Some(_), None) => {
            return Err(Error::field("version", RefusalCode::Missing, "send epoch and version together, or neither"));
        }
    };
    let slot = state.slots.take(Lasting::AgentCall, &agent.access.actor)?;
    let wait = Duration::from_secs(u64::from(query.0.wait.unwrap_or(0)));
    let plan = agent_sync::plan(&state, agent.mail_server_id, agent.server_configuration_id, holding, wait).await?;
    Ok(match plan {
        None => HttpResponse::NoContent().finish(),
        Some(plan) => {
            // Its token may have been renewed while it waited, because somebody else has it too.
            let caller = authentication::identify(&state, bearer(&request)?, Origin::default()).await?;
            caller.require(Permission::Agent)?;
            let mut response = HttpResponse::Ok();
            response.content_type(LIST_MEDIA_TYPE);
            let is_packed = client::accepts_encoding(&request, "zstd");
            if let Some(packed) = is_packed.then(|| agent_sync::packed_body(&state, plan)).flatten() {
                response.insert_header(ContentEncoding::Zstd).insert_header((header::VARY, "accept-encoding"));
                response.streaming(slot.hold(packed))
            } else {
                response.streaming(slot.hold(agent_sync::body(state.db.clone(), plan, Pace::AsTaken)))
            }
        }
    })
}

/// Say which list the mail server holds now
#[utoipa::path(tag = "Agents", operation_id = "acknowledge_list", security(("bearer" = [])),
    request_body = Acknowledgement, responses((status = 200, body = AcknowledgementResult)))]
#[post("/agent/acknowledgements")]
async fn acknowledge(
    state: web::Data<AppState>,
    agent: Agent,
    body: Body<Acknowledgement>,
) -> Result<web::Json<AcknowledgementResult>> {
    let (mail_server, configuration) = (agent.mail_server_id, agent.server_configuration_id);
    Ok(web::Json(agent_sync::acknowledge(&state, mail_server, configuration, &body.0).await?))
}
