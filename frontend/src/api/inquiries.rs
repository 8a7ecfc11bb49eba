//! Inquiries, as one of the two sides sees them.

use super::{ApiError, Client, ListQuery};
use gloo_net::http::Method;
use shared::{
    Page,
    inquiry::{
        Inquiry, InquiryDownloads, InquiryRead, InquirySide, InquiryState, InquiryThread, NewInquiry, NewInquiryMessage,
    },
};
use uuid::Uuid;

fn inquiries(side: InquirySide, rest: &str) -> String {
    let staff = if side == InquirySide::Provider { "/provider" } else { "" };
    format!("{staff}/inquiries{rest}")
}

impl Client {
    /// A page of the inquiries in a state, or in any; last changed first.
    pub async fn inquiries(self, side: InquirySide, state: String, cursor: String) -> Result<Page<Inquiry>, ApiError> {
        // A state that is none is left out, as every other filter that the page does not know.
        let known = InquiryState::ALL.into_iter().any(|one| one.as_str() == state);
        let query = ListQuery { state: if known { state } else { String::new() }, cursor, ..ListQuery::default() };
        self.get(&inquiries(side, &query.text())).await
    }

    /// Whether there is a message that the side has not read.
    pub async fn has_unread_inquiries(self, side: InquirySide) -> Result<bool, ApiError> {
        let page: Page<Inquiry> = self.get(&inquiries(side, "?unread=true&limit=1")).await?;
        Ok(!page.items.is_empty())
    }

    /// Makes an inquiry.
    pub async fn create_inquiry(self, new: &NewInquiry) -> Result<InquiryThread, ApiError> {
        self.send(Method::POST, &inquiries(InquirySide::Account, ""), new).await
    }

    /// An inquiry with its messages.
    pub async fn inquiry(self, side: InquirySide, id: Uuid) -> Result<InquiryThread, ApiError> {
        self.get(&inquiries(side, &format!("/{id}"))).await
    }

    /// Writes to an inquiry.
    pub async fn write_to_inquiry(
        self,
        side: InquirySide,
        id: Uuid,
        new: &NewInquiryMessage,
    ) -> Result<InquiryThread, ApiError> {
        self.send(Method::POST, &inquiries(side, &format!("/{id}/messages")), new).await
    }

    /// Marks the messages up to a number as read by the side.
    pub async fn mark_inquiry_read(self, side: InquirySide, id: Uuid, read: &InquiryRead) -> Result<(), ApiError> {
        self.act_on_inquiry(side, id, "read", Some(super::message::json(read)?)).await
    }

    /// Closes an inquiry.
    pub async fn close_inquiry(self, side: InquirySide, id: Uuid) -> Result<(), ApiError> {
        self.act_on_inquiry(side, id, "close", None).await
    }

    async fn act_on_inquiry(
        self,
        side: InquirySide,
        id: Uuid,
        act: &str,
        body: Option<String>,
    ) -> Result<(), ApiError> {
        self.call(Method::POST, &inquiries(side, &format!("/{id}/{act}")), body, &[]).await.map(drop)
    }

    /// Enables downloads for the account of an inquiry, and answers it.
    pub async fn enable_downloads(self, id: Uuid, answer: &InquiryDownloads) -> Result<InquiryThread, ApiError> {
        self.send(Method::POST, &inquiries(InquirySide::Provider, &format!("/{id}/enable-downloads")), answer).await
    }
}
