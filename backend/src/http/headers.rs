//! Headers that protect browsers, on every response.

use super::{client, console::content_security_policy};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderName, HeaderValue},
    middleware::Next,
};

/// The media type of a text that does not say how its characters are written: all of the service's are UTF-8.
fn with_charset(media_type: Option<&HeaderValue>) -> Option<HeaderValue> {
    let media_type = media_type?.to_str().ok()?;
    let is_text = media_type.starts_with("text/") || media_type.starts_with("image/svg+xml");
    // Events are UTF-8 always, and their media type takes no charset.
    if !is_text || media_type.to_ascii_lowercase().contains("charset=") || media_type == "text/event-stream" {
        return None;
    }
    HeaderValue::from_str(&format!("{media_type}; charset=utf-8")).ok()
}

/// Middleware: adds the headers.
pub async fn protect<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let policy = content_security_policy(request.path());
    let is_api = request.path().starts_with("/api/v1/");
    let is_secure = client::is_secure(request.request());
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    );
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    if let Some(media_type) = with_charset(headers.get(header::CONTENT_TYPE)) {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    if is_secure {
        // A year (RFC 6797): whoever came by TLS once is not led to do without.
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        // Lists hold personal data: no cache keeps them.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}
