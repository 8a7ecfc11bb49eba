//! Registrations, bulk releases, and what is common to all list operations.

use super::{ApiError, Client, ListQuery, endpoints::below};
use gloo_net::http::Method;
use shared::{
    Page,
    list_operation::{BulkReleasePreview, BulkReleaseRequest, ListOperation, ListOperationComment},
    upload::Upload,
};
use uuid::Uuid;

/// What is asked of a list operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Take back what is not done.
    Cancel,
    /// Undo what is done.
    Undo,
}

impl Client {
    /// A page of the list operations, newest first.
    pub async fn list_operations(self, id: Uuid, cursor: &str) -> Result<Page<ListOperation>, ApiError> {
        let query = ListQuery { cursor: cursor.to_owned(), ..ListQuery::default() };
        self.get(&below(id, &format!("/list-operations{}", query.text()))).await
    }

    /// The list operations about an upload, newest first.
    pub async fn upload_operations(self, id: Uuid, upload: &Upload) -> Result<Vec<ListOperation>, ApiError> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.list_operations(id, &cursor).await?;
            // Nothing was asked of an upload before it was there.
            let past = page.items.last().is_none_or(|last| last.created_at < upload.created_at);
            found.extend(page.items.into_iter().filter(|operation| operation.upload_id == Some(upload.id)));
            match page.next_cursor {
                Some(next) if !past => cursor = next,
                _ => return Ok(found),
            }
        }
    }

    /// A list operation.
    pub async fn list_operation(self, id: Uuid, operation: Uuid) -> Result<ListOperation, ApiError> {
        self.get(&below(id, &format!("/list-operations/{operation}"))).await
    }

    /// Cancels or undoes a list operation; an undo is an operation of its own, which is answered.
    pub async fn ask_operation(
        self,
        id: Uuid,
        operation: Uuid,
        asked: Asked,
        comment: &ListOperationComment,
    ) -> Result<ListOperation, ApiError> {
        let what = match asked {
            Asked::Cancel => "cancel",
            Asked::Undo => "undo",
        };
        self.send(Method::POST, &below(id, &format!("/list-operations/{operation}/{what}")), comment).await
    }

    /// Counts what a bulk release would release; `dry_run` is to be set.
    pub async fn preview_release(self, id: Uuid, request: &BulkReleaseRequest) -> Result<BulkReleasePreview, ApiError> {
        self.send(Method::POST, &below(id, "/bulk-releases"), request).await
    }

    /// Releases many blocks as one act.
    pub async fn release_in_bulk(self, id: Uuid, request: &BulkReleaseRequest) -> Result<ListOperation, ApiError> {
        self.send(Method::POST, &below(id, "/bulk-releases"), request).await
    }
}
