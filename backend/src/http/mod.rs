//! HTTP: the route table, extractors, guards and error mapping. Handlers extract, call one service function and answer.

pub mod accounts;
pub mod agent_sync;
pub mod audit;
pub mod auth;
pub mod blocked_addresses;
pub mod body;
pub mod client;
pub mod console;
pub mod cookies;
pub mod delivery_events;
pub mod distributions;
pub mod download_links;
pub mod downloads;
pub mod exemptions;
pub mod extract;
pub mod headers;
pub mod health;
pub mod idempotency;
pub mod inquiries;
pub mod invitations;
pub mod list_operations;
pub mod live;
pub mod mail_servers;
pub mod methods;
pub mod openapi;
pub mod passwords;
pub mod problem;
pub mod provider_inquiries;
pub mod reports;
pub mod request_log;
pub mod run_settings;
pub mod runs;
pub mod second_factors;
pub mod server_configurations;
pub mod sessions;
pub mod setup;
pub mod tokens;
pub mod unread;
pub mod uploads;
pub mod users;

use utoipa_actix_web::service_config::ServiceConfig;

/// Everything under `/api/v1`.
pub fn api(config: &mut ServiceConfig<'_>) {
    setup::routes(config);
    sessions::routes(config);
    users::routes(config);
    invitations::routes(config);
    passwords::routes(config);
    second_factors::routes(config);
    accounts::routes(config);
    inquiries::routes(config);
    provider_inquiries::routes(config);
    tokens::routes(config);
    audit::routes(config);
    server_configurations::routes(config);
    mail_servers::routes(config);
    delivery_events::routes(config);
    reports::routes(config);
    run_settings::routes(config);
    runs::routes(config);
    distributions::routes(config);
    blocked_addresses::routes(config);
    exemptions::routes(config);
    downloads::routes(config);
    download_links::routes(config);
    list_operations::routes(config);
    uploads::routes(config);
    agent_sync::routes(config);
    live::routes(config);
}
