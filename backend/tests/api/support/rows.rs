//! Rows that are put past the service, as it would have made them.

use backend::store::{
    DatabaseTransaction, invitations,
    server_configurations::{self, NewRow},
    tokens,
};
use chrono::{DateTime, TimeDelta, Utc};
use shared::{
    session::{ApiToken, Role, Scope},
    user::Invitation,
};
use uuid::Uuid;

/// A server configuration of an account.
pub async fn server_configuration(tx: &DatabaseTransaction, account: Uuid, id: Uuid, name: &str, at: DateTime<Utc>) {
    let (name, time_zone) = (name.to_owned(), "UTC".to_owned());
    let row = NewRow { id, account_id: account, name, time_zone, created_at: at, next_run_at: at + TimeDelta::days(1) };
    server_configurations::insert(tx, row).await.expect("a server configuration");
}

/// An invitation into an account.
pub async fn invitation(
    tx: &DatabaseTransaction,
    account: Uuid,
    invited_by: Uuid,
    id: Uuid,
    email: &str,
    at: DateTime<Utc>,
) {
    let invitation = Invitation {
        id,
        email: email.to_owned(),
        role: Role::Viewer,
        invited_by: String::new(),
        created_at: at,
        expires_at: at + TimeDelta::days(1),
    };
    let (email_key, hash) = (email.to_lowercase(), id.to_string());
    let inserted = invitations::insert(tx, Some(account), &invitation, &email_key, invited_by, &hash).await;
    inserted.expect("an invitation");
}

/// A script's token of an account.
pub async fn token(tx: &DatabaseTransaction, account: Uuid, id: Uuid, name: &str, at: DateTime<Utc>) {
    let token = ApiToken {
        id,
        name: name.to_owned(),
        scopes: vec![Scope::Read],
        server_configuration_ids: None,
        mail_server_id: None,
        created_at: at,
        expires_at: None,
        last_used_at: None,
    };
    tokens::insert(tx, account, &token, &id.to_string()).await.expect("a token");
}
