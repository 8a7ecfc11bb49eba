//! The audit log: who changed what, when, from where and why.

use super::{Result, millis, statement};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use serde_json::Value as Json;
use uuid::Uuid;

/// One change. Write it in the transaction of the change itself.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// The account it happened in; `None` outside of all accounts.
    pub account_id: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of actor: `user`, `token`, `mail_server` or `system`.
    pub actor_kind: &'static str,
    /// Which one.
    pub actor_id: Option<Uuid>,
    /// Its name at that time.
    pub actor_name: String,
    /// What was done, `server_configuration.create` for example.
    pub action: &'static str,
    /// To what: an id or an address.
    pub object: String,
    /// How it was.
    pub before: Option<Json>,
    /// How it is now.
    pub after: Option<Json>,
    /// Why, in the actor's words.
    pub comment: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// Where the request came from.
    pub client_address: Option<String>,
}

/// Writes an entry.
///
/// # Errors
/// The database refused.
pub async fn record<C: ConnectionTrait>(connection: &C, entry: NewAuditEntry) -> Result<()> {
    let sql = "INSERT INTO audit_log (id, account_id, at, actor_kind, actor_id, actor_name, action, object, \
               before_value, after_value, comment, request_id, client_address) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let values = [
        Uuid::now_v7().into(),
        entry.account_id.into(),
        millis(entry.at).into(),
        entry.actor_kind.into(),
        entry.actor_id.into(),
        entry.actor_name.into(),
        entry.action.into(),
        entry.object.into(),
        entry.before.map(|value| value.to_string()).into(),
        entry.after.map(|value| value.to_string()).into(),
        entry.comment.into(),
        entry.request_id.into(),
        entry.client_address.into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}
