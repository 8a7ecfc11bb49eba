//! What is read and asked of uploads. Their bytes go by `tus`.

use super::{ApiError, Client, ListQuery, endpoints::below, message::json};
use gloo_net::http::Method;
use shared::{
    Page,
    list_operation::{ListOperation, RegistrationRequest},
    upload::{ReadingRequest, Upload},
};
use uuid::Uuid;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

pub(super) fn one(configuration: Uuid, upload: Uuid, rest: &str) -> String {
    below(configuration, &format!("/uploads/{upload}{rest}"))
}

impl Client {
    /// A page of the uploads, newest first, without previews.
    pub async fn uploads(self, id: Uuid, cursor: &str) -> Result<Page<Upload>, ApiError> {
        let query = ListQuery { cursor: cursor.to_owned(), ..ListQuery::default() };
        self.get(&below(id, &format!("/uploads{}", query.text()))).await
    }

    /// An upload.
    pub async fn upload(self, id: Uuid, upload: Uuid) -> Result<Upload, ApiError> {
        self.get(&one(id, upload, "")).await
    }

    /// Has the file read in another way.
    pub async fn read_upload_again(self, id: Uuid, upload: Uuid, reading: &ReadingRequest) -> Result<Upload, ApiError> {
        self.send(Method::PUT, &one(id, upload, "/reading"), reading).await
    }

    /// Ends an upload; its bytes and what was found in them go.
    pub async fn delete_upload(self, id: Uuid, upload: Uuid) -> Result<(), ApiError> {
        self.call(Method::DELETE, &one(id, upload, ""), None, &[]).await.map(drop)
    }

    /// The rows without a valid address, as CSV. The browser holds the file, which may be long: it does not pass through
    /// the memory of the page.
    pub async fn invalid_rows(self, id: Uuid, upload: Uuid, language: &str) -> Result<Blob, ApiError> {
        let path = one(id, upload, &format!("/invalid-rows?language={language}"));
        let (response, _open) = self.open_stream(&path, "text/csv").await?;
        let blob = web_sys::Response::from(response).blob().map_err(|_| self.lost())?;
        Ok(JsFuture::from(blob).await.map_err(|_| self.lost())?.unchecked_into())
    }

    /// Puts the upload's addresses on the blocked list.
    pub async fn register_upload(
        self,
        id: Uuid,
        upload: Uuid,
        request: &RegistrationRequest,
    ) -> Result<ListOperation, ApiError> {
        let path = one(id, upload, "/registration");
        self.call(Method::POST, &path, Some(json(request)?), &[]).await?.json()
    }
}
