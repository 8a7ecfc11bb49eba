//! Bodies: how large they may be, and how long they may take.

use super::extract::{from_json, validate};
use crate::{
    config::Patience,
    service::{Error, Result},
    state::AppState,
};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::CONTENT_LENGTH, web};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, future::LocalBoxFuture};
use garde::Validate;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 8 * 1024 * 1024;

/// The largest body of an operation that takes no token, in bytes: nothing that can be meant there is longer.
pub const MAX_STRANGERS_BODY: usize = 64 * 1024;

/// A JSON body that is valid.
pub struct Body<T, const MAX: usize = MAX_BODY>(pub T);

/// A JSON body of an operation that takes no token.
pub type StrangersBody<T> = Body<T, MAX_STRANGERS_BODY>;

impl<T, const MAX: usize> FromRequest for Body<T, MAX>
where
    T: DeserializeOwned + Serialize + Validate<Context = ()> + 'static,
{
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.content_type().to_ascii_lowercase();
        let payload = payload.take();
        let (length, patience) = (content_length(request), patience(request));
        Box::pin(async move {
            if content_type != "application/json" {
                return Err(Error::UnsupportedMediaType("send the body as application/json".to_owned()));
            }
            let body = read(length, payload, MAX, patience).await?;
            let value = from_json::<T>(&body)?;
            validate(&value, "")?;
            Ok(Self(value))
        })
    }
}

/// The length that the request announces.
pub fn content_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// How long a body may take.
fn patience(request: &HttpRequest) -> Duration {
    let state = request.app_data::<web::Data<AppState>>();
    state.map_or_else(Patience::default, |state| state.settings.patience).body
}

/// Reads the whole body of a request of somebody who is signed in.
///
/// # Errors
/// As [`read`].
pub async fn read_body(request: &HttpRequest, payload: Payload) -> Result<Bytes> {
    read(content_length(request), payload, MAX_BODY, patience(request)).await
}

/// Reads a whole body.
///
/// # Errors
/// [`Error::TooLarge`] above `max`, [`Error::TooSlow`] after `patience`, [`Error::Malformed`] when it breaks off.
async fn read(length: Option<usize>, mut payload: Payload, max: usize, patience: Duration) -> Result<Bytes> {
    let too_large = || {
        let most = if max < 1 << 20 { format!("{} KiB", max >> 10) } else { format!("{} MiB", max >> 20) };
        Error::TooLarge(format!("send at most {most} at once"))
    };
    if length.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let whole = async {
        let mut body = BytesMut::with_capacity(length.unwrap_or(0));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| Error::Malformed(format!("the body broke off: {error}")))?;
            if body.len() + chunk.len() > max {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let too_slow =
        |_| Error::TooSlow(format!("the body was not here after {} seconds: send it faster", patience.as_secs_f32()));
    tokio::time::timeout(patience, whole).await.map_err(too_slow)?
}
