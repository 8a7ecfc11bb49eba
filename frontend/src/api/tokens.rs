//! Tokens of scripts and agents.

use super::{ApiError, Client};
use gloo_net::http::Method;
use shared::{
    Page,
    session::{ApiToken, ApiTokenSecret, NewApiToken},
};
use uuid::Uuid;

impl Client {
    /// The account's tokens, newest first.
    pub async fn tokens(self) -> Result<Page<ApiToken>, ApiError> {
        self.whole("/tokens").await
    }

    /// Makes a token.
    pub async fn create_token(self, new: &NewApiToken) -> Result<ApiTokenSecret, ApiError> {
        self.send(Method::POST, "/tokens", new).await
    }

    /// Revokes a token.
    pub async fn revoke_token(self, id: Uuid) -> Result<(), ApiError> {
        self.call(Method::DELETE, &format!("/tokens/{id}"), None, &[]).await.map(drop)
    }
}
