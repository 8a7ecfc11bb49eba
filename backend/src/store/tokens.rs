//! Tokens of scripts and agents.

use super::{
    Result, from_json, millis, named, optional_time,
    search::{Conditions, Keyset, ordered},
    statement, time, to_json,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::{
    page::Direction,
    session::{ApiToken, Scope},
};
use uuid::Uuid;

/// A valid token with what it belongs to.
#[derive(Debug, Clone)]
pub struct FoundToken {
    /// The token.
    pub token: ApiToken,
    /// Its account.
    pub account_id: Uuid,
    /// Whether that account is suspended.
    pub is_suspended: bool,
    /// The mail server whose agent holds it.
    pub mail_server: Option<TokenMailServer>,
}

/// The mail server of an agent's token.
#[derive(Debug, Clone)]
pub struct TokenMailServer {
    /// The mail server.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its server configuration.
    pub server_configuration_id: Uuid,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    mail_server_id: Option<Uuid>,
    name: String,
    scopes: String,
    server_configuration_ids: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    mail_server_name: Option<String>,
    server_configuration_id: Option<Uuid>,
    suspended_at: Option<i64>,
}

impl Row {
    fn token(&self) -> Result<ApiToken> {
        let scopes = self.scopes.split(',').map(|name| named(&Scope::ALL, Scope::as_str, "scope", name));
        Ok(ApiToken {
            id: self.id,
            name: self.name.clone(),
            scopes: scopes.collect::<Result<_>>()?,
            server_configuration_ids: self.server_configuration_ids.as_deref().map(from_json).transpose()?,
            mail_server_id: self.mail_server_id,
            created_at: time(self.created_at)?,
            expires_at: optional_time(self.expires_at)?,
            last_used_at: optional_time(self.last_used_at)?,
        })
    }
}

const SELECT: &str = "SELECT t.id, t.account_id, t.mail_server_id, t.name, t.scopes, t.server_configuration_ids, t.created_at, t.expires_at, \
                      t.last_used_at, m.name AS mail_server_name, m.server_configuration_id, a.suspended_at \
                      FROM api_tokens t JOIN accounts a ON a.id = t.account_id LEFT JOIN mail_servers m ON m.id = t.mail_server_id";

/// Finds a token that is not revoked; of a closed account only those of mail servers, until they are removed. Whether it has
/// expired is for the caller to say.
///
/// # Errors
/// The database refused.
pub async fn find_by_hash<C: ConnectionTrait>(connection: &C, token_hash: &str) -> Result<Option<FoundToken>> {
    let sql = format!(
        "{SELECT} WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND (a.closed_at IS NULL OR t.mail_server_id IS NOT NULL)"
    );
    let row = Row::find_by_statement(statement(connection, sql, [token_hash.into()])).one(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let mail_server = match (row.mail_server_id, &row.mail_server_name, row.server_configuration_id) {
        (Some(id), Some(name), Some(server_configuration_id)) => {
            Some(TokenMailServer { id, name: name.clone(), server_configuration_id })
        }
        _ => None,
    };
    let is_suspended = row.suspended_at.is_some();
    Ok(Some(FoundToken { token: row.token()?, account_id: row.account_id, is_suspended, mail_server }))
}

/// The tokens of an account that are not revoked, newest first.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(connection: &C, account_id: Uuid, keyset: Keyset<i64>) -> Result<Vec<ApiToken>> {
    let mut conditions = Conditions::new();
    conditions.equal("t.account_id", account_id);
    conditions.and("t.revoked_at IS NULL");
    let order = (["t.created_at", "t.id"], Direction::Descending);
    let rows = Row::find_by_statement(ordered(connection, SELECT, conditions, order, keyset)).all(connection).await?;
    rows.iter().map(Row::token).collect()
}

/// Adds a token.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(
    connection: &C,
    account_id: Uuid,
    token: &ApiToken,
    token_hash: &str,
) -> Result<()> {
    let sql = "INSERT INTO api_tokens (id, account_id, mail_server_id, name, scopes, token_hash, created_at, expires_at, \
               server_configuration_ids) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let scopes = token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",");
    let values = [
        token.id.into(),
        account_id.into(),
        token.mail_server_id.into(),
        token.name.as_str().into(),
        scopes.into(),
        token_hash.into(),
        millis(token.created_at).into(),
        token.expires_at.map(millis).into(),
        token.server_configuration_ids.as_deref().map(to_json).transpose()?.into(),
    ];
    connection.execute_raw(statement(connection, sql, values)).await?;
    Ok(())
}

/// Remembers that a token was used.
///
/// # Errors
/// The database refused.
pub async fn touch<C: ConnectionTrait>(connection: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Revokes a token of an account. False: there is none.
///
/// # Errors
/// The database refused.
pub async fn revoke<C: ConnectionTrait>(
    connection: &C,
    account_id: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE api_tokens SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL";
    let values = [id.into(), account_id.into(), millis(now).into()];
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected() == 1)
}

/// Revokes the tokens of a mail server.
///
/// # Errors
/// The database refused.
pub async fn revoke_of_mail_server<C: ConnectionTrait>(
    connection: &C,
    mail_server_id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE api_tokens SET revoked_at = $2 WHERE mail_server_id = $1 AND revoked_at IS NULL";
    connection.execute_raw(statement(connection, sql, [mail_server_id.into(), millis(now).into()])).await?;
    Ok(())
}
