//! The provider's accounts.

use super::{ApiError, Client, ListQuery, Versioned, message::json};
use gloo_net::http::Method;
use shared::{
    Page,
    account::{Account, AccountUpdate, CloseAccount, NewAccount},
    session::AccessToken,
};
use uuid::Uuid;

fn at(account: Uuid, rest: &str) -> String {
    format!("/provider/accounts/{account}{rest}")
}

impl Client {
    /// The accounts, for a provider.
    pub async fn accounts(self, cursor: &str) -> Result<Page<Account>, ApiError> {
        let query = ListQuery { cursor: cursor.to_owned(), ..ListQuery::default() };
        self.get(&format!("/provider/accounts{}", query.text())).await
    }

    /// Makes an account.
    pub async fn create_account(self, account: &NewAccount) -> Result<Account, ApiError> {
        self.send(Method::POST, "/provider/accounts", account).await
    }

    /// An account.
    pub async fn account(self, account: Uuid) -> Result<Versioned<Account>, ApiError> {
        let answer = self.call(Method::GET, &at(account, ""), None, &[]).await?;
        Ok(Versioned { value: answer.json()?, etag: answer.header("etag").unwrap_or_default() })
    }

    /// Changes what an account may use, unless somebody else did since it was read.
    pub async fn update_account(self, account: Uuid, etag: &str, change: &AccountUpdate) -> Result<Account, ApiError> {
        self.call(Method::PATCH, &at(account, ""), Some(json(change)?), &[("If-Match", etag)]).await?.json()
    }

    /// Goes into an account as its administrator.
    pub async fn enter_account(self, account: Uuid) -> Result<(), ApiError> {
        self.keep(self.call(Method::POST, &at(account, "/enter"), None, &[]).await?.json::<AccessToken>()?);
        Ok(())
    }

    /// Goes into an account with the token of a session that nobody knows of yet.
    pub(super) async fn enter_anew(self, account: Uuid, token: &AccessToken) -> Result<AccessToken, ApiError> {
        let bearer = format!("Bearer {}", token.access_token);
        let headers = [("Authorization", &*bearer)];
        self.once(Method::POST, &at(account, "/enter"), None, &headers).await?.checked()?.json()
    }

    /// Leaves the account.
    pub async fn leave_account(self) -> Result<(), ApiError> {
        self.keep(self.call(Method::POST, "/provider/accounts/leave", None, &[]).await?.json::<AccessToken>()?);
        Ok(())
    }

    /// An address from which the browser itself can save everything of an account, for a minute.
    pub async fn export_link(self, account: Uuid) -> Result<String, ApiError> {
        self.link_to_save(&at(account, "/export-links"), None).await
    }

    /// Closes an account for ever. Whoever is inside is outside then, and goes on where they are.
    pub async fn close_account(self, account: Uuid, request: &CloseAccount) -> Result<(), ApiError> {
        self.expect_to_leave(Some(account));
        let closed = self.call(Method::POST, &at(account, "/close"), Some(json(request)?), &[]).await;
        if closed.is_err() {
            self.expect_to_leave(None);
        }
        closed.map(drop)
    }
}
