//! The tus protocol 1.0 (<https://tus.io/protocols/resumable-upload>): creation, bytes with their checksum, and the
//! question how many are there.

use super::{
    ApiError, Client,
    endpoints::below,
    message::{Answer, Content},
    uploads::one,
};
use gloo_net::http::Method;
use js_sys::Uint8Array;
use leptos::prelude::window;
use shared::upload::Upload;
use uuid::Uuid;
use wasm_bindgen_futures::JsFuture;

const VERSION: (&str, &str) = ("Tus-Resumable", "1.0.0");

impl Client {
    /// The largest file that the account may upload, in bytes.
    pub async fn largest_upload(self, id: Uuid) -> Result<i64, ApiError> {
        number(&self.call(Method::OPTIONS, &below(id, "/uploads"), None, &[]).await?, "Tus-Max-Size")
    }

    /// Begins an upload without bytes.
    pub async fn begin_upload(self, id: Uuid, file_name: &str, size: i64) -> Result<Upload, ApiError> {
        let (size, metadata) = (size.to_string(), format!("filename {}", base64(file_name.as_bytes())));
        let headers = [VERSION, ("Upload-Length", &size), ("Upload-Metadata", &metadata)];
        self.call(Method::POST, &below(id, "/uploads"), None, &headers).await?.json()
    }

    /// How many bytes of an upload are there.
    pub async fn upload_offset(self, id: Uuid, upload: Uuid) -> Result<i64, ApiError> {
        number(&self.call(Method::HEAD, &one(id, upload, ""), None, &[VERSION]).await?, "Upload-Offset")
    }

    /// Adds bytes after `offset`; answers how many are there now.
    pub async fn append_to_upload(
        self,
        id: Uuid,
        upload: Uuid,
        offset: i64,
        bytes: Uint8Array,
    ) -> Result<i64, ApiError> {
        let (sum, offset) = (checksum(&bytes).await, offset.to_string());
        let mut headers = vec![VERSION, ("Upload-Offset", offset.as_str())];
        headers.extend(sum.as_deref().map(|sum| ("Upload-Checksum", sum)));
        let content = Content { media_type: "application/offset+octet-stream", body: bytes.into() };
        number(&self.bring(Method::PATCH, &one(id, upload, ""), Some(content), &headers).await?, "Upload-Offset")
    }
}

fn number(answer: &Answer, header: &str) -> Result<i64, ApiError> {
    answer.header(header).and_then(|text| text.parse().ok()).ok_or(ApiError::Unreadable(0))
}

/// For `Upload-Checksum`; `None` where the browser has no cryptography, outside https for example.
async fn checksum(bytes: &Uint8Array) -> Option<String> {
    let subtle = window().crypto().ok()?.subtle();
    let sum = JsFuture::from(subtle.digest_with_str_and_buffer_source("SHA-256", bytes).ok()?).await.ok()?;
    Some(format!("sha256 {}", base64(&Uint8Array::new(&sum).to_vec())))
}

fn base64(bytes: &[u8]) -> String {
    let binary: String = bytes.iter().copied().map(char::from).collect();
    // Fails only for characters above U+00FF.
    window().btoa(&binary).unwrap_or_default()
}
