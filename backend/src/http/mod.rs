//! HTTP: the route table, extractors, guards and error mapping. Handlers extract, call one service function and answer.

pub mod auth;
pub mod extract;
pub mod health;
pub mod openapi;
pub mod problem;
pub mod request_log;

use crate::service::Error;
use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

/// Everything under `/api/v1`.
pub fn api(_config: &mut ServiceConfig<'_>) {
    // One line a module: `module::routes(config);`
}

/// What is not under any route.
async fn not_found() -> Result<actix_web::HttpResponse, Error> {
    Err(Error::NotFound)
}

/// Answers for paths of the API that do not exist.
pub fn unknown_route() -> actix_web::Route {
    web::to(not_found)
}
