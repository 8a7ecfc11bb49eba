//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a repeated request gets the first answer.

use super::{auth, body};
use crate::{
    service::{
        Error, Result,
        idempotency::{self, Answer},
        keys,
    },
    state::AppState,
};
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody, to_bytes},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};
use shared::RefusalCode;

/// The header.
const HEADER: &str = "idempotency-key";
/// The longest key.
const MAX_KEY: usize = 255;

/// A mark on responses that hold a secret, which must not be kept.
struct Secret;

/// Marks a response that holds a secret: a repetition of its request is told so and does not get it again.
pub fn secret(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(Secret);
    response
}

/// Middleware: carries out a request with a key once.
pub async fn once<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> std::result::Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let claimed = match claim(&mut request).await {
        Ok(Some(claimed)) => claimed,
        Ok(None) => return Ok(next.call(request).await?.map_into_left_body()),
        Err(error) => return Ok(request.error_response(error).map_into_boxed_body().map_into_right_body()),
    };
    let (key_hash, claim) = claimed;
    if let idempotency::Claim::Replay { status, media_type, etag, body } = claim {
        return Ok(request.into_response(replay(status, media_type, etag, body)).map_into_right_body());
    }
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let response = next.call(request).await?;
    if !response.status().is_success() {
        if let Err(error) = idempotency::forget(&state, &key_hash).await {
            // It can be tried again all the same, a little later.
            tracing::warn!(%error, "cannot forget a request that was refused");
        }
        return Ok(response.map_into_left_body());
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let body = match to_bytes(body).await {
        Ok(body) => body,
        Err(error) => {
            let cause: Box<dyn std::error::Error> = error.into();
            let error = Error::Internal(anyhow::anyhow!("an answer broke off: {cause}"));
            return Ok(failed(request, error));
        }
    };
    let is_secret = response.extensions().get::<Secret>().is_some();
    let text_of = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let answer = Answer {
        status: response.status().as_u16(),
        media_type: text_of(header::CONTENT_TYPE),
        etag: text_of(header::ETAG),
        body: std::str::from_utf8(&body).ok().filter(|_| !is_secret),
    };
    if let Err(error) = idempotency::keep(&state, &key_hash, answer).await {
        return Ok(failed(request, error));
    }
    let response = response.set_body(body).map_into_boxed_body();
    Ok(ServiceResponse::new(request, response).map_into_right_body())
}

/// An answer with what went wrong here: an error of a middleware would pass by those outside of it, and their headers.
fn failed<B>(request: HttpRequest, error: Error) -> ServiceResponse<EitherBody<B, BoxBody>> {
    ServiceResponse::from_err(error, request).map_into_right_body()
}

/// Claims a request that has a key and a caller; `None`: nothing to do, the guards will refuse it if need be.
async fn claim(request: &mut ServiceRequest) -> Result<Option<(String, idempotency::Claim)>> {
    // The bytes of an upload are too many to be compared, and their offset makes a repetition harmless.
    let unsafe_method = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && !request.headers().contains_key("tus-resumable");
    let Some(key) = request.headers().get(HEADER).cloned().filter(|_| unsafe_method) else { return Ok(None) };
    if !request.path().starts_with("/api/v1/") || !request.headers().contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY).ok_or_else(|| {
        Error::field(
            "Idempotency-Key",
            RefusalCode::NotAccepted,
            format!("use 1 to {MAX_KEY} visible ASCII characters, a random UUID for example"),
        )
    })?;
    let identity = auth::identify(request.request()).await?;
    let caller = identity.actor.id().map(|id| id.to_string()).unwrap_or_default();
    let account = identity.account_id.map(|id| id.to_string()).unwrap_or_default();
    let (method, path, query) = (request.method().as_str(), request.uri().path(), request.query_string());
    let parts = [&caller, &account, method, path, query, key];
    let key_hash = keys::token_hash(&parts.join("\n"));
    let payload = request.take_payload();
    let body = body::read_body(request.request(), payload).await?;
    request.set_payload(Payload::from(body.clone()));
    let state = request
        .app_data::<web::Data<AppState>>()
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("the application has no state")))?;
    let claim = idempotency::claim(state, &identity, &key_hash, key, &body).await?;
    Ok(Some((key_hash, claim)))
}

fn replay(status: u16, media_type: Option<String>, etag: Option<String>, body: String) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header(("idempotency-replayed", "true"));
    if let Some(etag) = etag {
        response.insert_header((header::ETAG, etag));
    }
    match media_type {
        Some(media_type) => response.content_type(media_type).body(body),
        None => response.finish(),
    }
}
