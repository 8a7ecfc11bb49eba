//! The account that is measured, set up through the API.

use crate::{
    api::{Api, checked},
    database::{Database, Server},
    service::Service,
};
use reqwest::{Method, header};
use serde_json::json;
use shared::{
    account::Account as NewAccount,
    mail_server::ServerConfiguration,
    session::{AccessToken, ApiTokenSecret},
};
use std::path::Path;
use uuid::Uuid;

/// Who manages the account, and signs in to the console.
pub const ADMINISTRATOR: &str = "admin@shop.test";
/// The password of both people.
pub const PASSWORD: &str = "correct horse battery staple";

/// An account with one server configuration.
#[derive(Debug, Clone)]
pub struct Account {
    /// Of a script that may do everything.
    pub token: String,
    /// The server configuration.
    pub configuration: Uuid,
}

impl Account {
    /// A fresh database with the account in it, brought to the newest schema by the service itself. Works take copies.
    ///
    /// # Errors
    /// The service refuses a step.
    pub async fn set_up(server: &Server, folder: &Path) -> anyhow::Result<(Self, Database)> {
        let database = server.create("base").await?;
        let mut service = Service::start(&database, &folder.join("base")).await?;
        let code = service.set_up_code().await?;
        let provider = json!({ "code": code, "email": "provider@stoplist.test", "password": PASSWORD });
        let provider: AccessToken = Api::new(service.url(), "", Uuid::nil())?.post("/setup", &provider).await?;
        let as_provider = Api::new(service.url(), &provider.access_token, Uuid::nil())?;
        let account = json!({
            "name": "Shop",
            "plan": "professional",
            "administrator_email": ADMINISTRATOR,
            "administrator_password": PASSWORD,
        });
        let account: NewAccount = as_provider.post("/provider/accounts", &account).await?;
        let change = as_provider.request(Method::PATCH, &format!("/provider/accounts/{}", account.id));
        let change = change.header(header::IF_MATCH, format!("\"{}\"", account.revision));
        checked(change.json(&json!({ "downloads_enabled": true }))).await?;
        let enter = format!("/provider/accounts/{}/enter", account.id);
        let inside: AccessToken = as_provider.post(&enter, &json!({})).await?;
        let inside = Api::new(service.url(), &inside.access_token, Uuid::nil())?;
        let token = json!({ "name": "bench", "scopes": ["read", "events", "lists", "manage"] });
        let token: ApiTokenSecret = inside.post("/tokens", &token).await?;
        let configuration = json!({ "name": "Newsletter", "time_zone": "Asia/Tokyo" });
        let configuration: ServerConfiguration = inside.post("/server-configurations", &configuration).await?;
        service.stop().await?;
        Ok((Self { token: token.secret, configuration: configuration.id }, database))
    }

    /// The API of a running service.
    ///
    /// # Errors
    /// Never in practice: the client cannot be made.
    pub fn api(&self, service: &Service) -> anyhow::Result<Api> {
        Api::new(service.url(), &self.token, self.configuration)
    }
}
