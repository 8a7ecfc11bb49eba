//! What requests bring, and what is answered.

use super::{ApiError, parse::parse};
use gloo_net::http::Headers;
use serde::{Serialize, de::DeserializeOwned};
use shared::Problem;
use wasm_bindgen::JsValue;

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: String,
}

/// What a request brings, and its media type.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) media_type: &'static str,
    pub(super) body: JsValue,
}

impl Content {
    pub(super) fn json(text: String) -> Self {
        Self { media_type: "application/json", body: text.into() }
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        parse(&self.body).map_err(|_| ApiError::Unreadable(self.status))
    }

    pub(super) fn checked(self) -> Result<Self, ApiError> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.problem()) }
    }

    /// For how many seconds to wait before asking again.
    pub(super) fn retry_after(&self) -> u32 {
        self.header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or(1)
    }

    pub(super) fn problem(&self) -> ApiError {
        if self.status == 429 {
            return ApiError::TooMany(self.retry_after());
        }
        self.json::<Problem>().map_or(ApiError::Unreadable(self.status), |problem| ApiError::Refused(Box::new(problem)))
    }
}

pub(super) fn json(body: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(body).map_err(|_| ApiError::Unreadable(0))
}
