//! The log span of a request. Query strings are left out: searches hold mail addresses. No path has one, unless somebody
//! is mistaken.

use super::client;
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

/// A path without the parts that hold a mail address.
fn without_addresses(path: &str) -> String {
    let shown = |part: &str| !part.contains('@') && !part.contains("%40");
    path.split('/').map(|part| if shown(part) { part } else { "***" }).collect::<Vec<_>>().join("/")
}

/// Builds the span that every log line of a request carries.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        use actix_web::HttpMessage;
        let request_id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        tracing::info_span!(
            "request",
            request_id,
            method = %request.method(),
            path = %without_addresses(request.path()),
            client = client::address(request.request()).map(tracing::field::display),
            actor = tracing::field::Empty,
            status = tracing::field::Empty
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("status", status.as_u16());
        // Those who only ask whether the service lives would fill the log.
        let path = outcome.as_ref().map(|response| response.request().path()).unwrap_or_default();
        if matches!(path, "/healthz" | "/readyz" | "/metrics") {
            span.in_scope(|| tracing::debug!("answered"));
        } else {
            span.in_scope(|| tracing::info!("answered"));
        }
    }
}
