//! Invitations. Only the hash of a link's secret is kept.

use super::{
    Result, exists, millis, named,
    search::{Conditions, Keyset, ordered},
    statement, time, users,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult};
use shared::{page::Direction, session::Role, user::Invitation};
use uuid::Uuid;

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Pending,
    /// There is a user now.
    Accepted,
    /// It was taken back.
    Withdrawn,
}

impl State {
    const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Withdrawn];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What the secret of a link leads to.
#[derive(Debug, Clone)]
pub struct Found {
    /// The invitation.
    pub id: Uuid,
    /// Into which account; `None`: the provider's staff.
    pub account_id: Option<Uuid>,
    /// The account's name.
    pub account_name: Option<String>,
    /// Who may accept.
    pub email: String,
    /// What they may do then.
    pub role: Role,
    /// What became of it.
    pub state: State,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
}

#[derive(FromQueryResult)]
struct FoundRow {
    id: Uuid,
    account_id: Option<Uuid>,
    account_name: Option<String>,
    email: String,
    role: String,
    state: String,
    expires_at: i64,
}

/// Finds an invitation by the hash of its link's secret.
///
/// # Errors
/// The database refused.
pub async fn find_by_hash<C: ConnectionTrait>(connection: &C, secret_hash: &str) -> Result<Option<Found>> {
    let sql = "SELECT i.id, i.account_id, a.name AS account_name, i.email, i.role, i.state, i.expires_at \
               FROM invitations i LEFT JOIN accounts a ON a.id = i.account_id WHERE i.secret_hash = $1";
    let row = FoundRow::find_by_statement(statement(connection, sql, [secret_hash.into()])).one(connection).await?;
    row.map(|row| {
        Ok(Found {
            id: row.id,
            account_id: row.account_id,
            account_name: row.account_name,
            email: row.email,
            role: users::role(&row.role)?,
            state: named(&State::ALL, State::as_str, "state", &row.state)?,
            expires_at: time(row.expires_at)?,
        })
    })
    .transpose()
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    email: String,
    role: String,
    invited_by: String,
    created_at: i64,
    expires_at: i64,
}

/// The invitations of an account that nobody accepted yet, newest first; into the provider's staff where there is none.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    account_id: Option<Uuid>,
    keyset: Keyset<i64>,
) -> Result<Vec<Invitation>> {
    let select = "SELECT id, email, role, created_at, expires_at, \
                  (SELECT email FROM users WHERE id = invitations.invited_by) AS invited_by FROM invitations";
    let mut conditions = Conditions::new();
    conditions.bind(account_id);
    conditions.and(users::of_account(connection, account_id));
    conditions.equal("state", State::Pending.as_str());
    let order = (["created_at", "id"], Direction::Descending);
    let rows = Row::find_by_statement(ordered(connection, select, conditions, order, keyset)).all(connection).await?;
    let invitations = rows.into_iter().map(|row| {
        Ok(Invitation {
            id: row.id,
            email: row.email,
            role: users::role(&row.role)?,
            invited_by: row.invited_by,
            created_at: time(row.created_at)?,
            expires_at: time(row.expires_at)?,
        })
    });
    invitations.collect()
}

/// Whether an address has an invitation of the account that nobody accepted yet.
///
/// # Errors
/// The database refused.
pub async fn is_pending<C: ConnectionTrait>(connection: &C, account_id: Option<Uuid>, email_key: &str) -> Result<bool> {
    let condition = users::of_account(connection, account_id);
    let sql = format!("SELECT id FROM invitations WHERE {condition} AND email_key = $2 AND state = $3");
    exists(connection, &sql, [account_id.into(), email_key.into(), State::Pending.as_str().into()]).await
}

/// Adds an invitation.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(
    transaction: &C,
    account_id: Option<Uuid>,
    invitation: &Invitation,
    email_key: &str,
    invited_by: Uuid,
    secret_hash: &str,
) -> Result<()> {
    let sql = "INSERT INTO invitations (id, account_id, email, email_key, role, secret_hash, state, invited_by, \
               created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = [
        invitation.id.into(),
        account_id.into(),
        invitation.email.as_str().into(),
        email_key.into(),
        invitation.role.as_str().into(),
        secret_hash.into(),
        State::Pending.as_str().into(),
        invited_by.into(),
        millis(invitation.created_at).into(),
        millis(invitation.expires_at).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Gives a pending invitation another link, and another end; the old link leads nowhere.
///
/// # Errors
/// The database refused.
pub async fn renew<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    invited_by: Uuid,
    secret_hash: &str,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE invitations SET invited_by = $2, secret_hash = $3, expires_at = $4 WHERE id = $1";
    let values = [id.into(), invited_by.into(), secret_hash.into(), millis(expires_at).into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Marks an invitation that can be accepted at `now` as accepted. False: it cannot; of two at the same time one finds so.
///
/// # Errors
/// The database refused.
pub async fn accept<C: ConnectionTrait>(transaction: &C, secret_hash: &str, now: DateTime<Utc>) -> Result<bool> {
    let sql = "UPDATE invitations SET state = $2 WHERE secret_hash = $1 AND state = $3 AND expires_at > $4";
    let values =
        [secret_hash.into(), State::Accepted.as_str().into(), State::Pending.as_str().into(), millis(now).into()];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Takes back an invitation that nobody accepted. False: somebody did.
///
/// # Errors
/// The database refused.
pub async fn withdraw<C: ConnectionTrait>(transaction: &C, id: Uuid) -> Result<bool> {
    let sql = "UPDATE invitations SET state = $2 WHERE id = $1 AND state = $3";
    let values = [id.into(), State::Withdrawn.as_str().into(), State::Pending.as_str().into()];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Takes back the invitations that a user made and nobody accepted.
///
/// # Errors
/// The database refused.
pub async fn withdraw_made_by<C: ConnectionTrait>(transaction: &C, user_id: Uuid) -> Result<()> {
    let sql = "UPDATE invitations SET state = $2 WHERE invited_by = $1 AND state = $3";
    let values = [user_id.into(), State::Withdrawn.as_str().into(), State::Pending.as_str().into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Takes back the invitations of an account that nobody accepted.
///
/// # Errors
/// The database refused.
pub async fn withdraw_all<C: ConnectionTrait>(transaction: &C, account_id: Uuid) -> Result<()> {
    let sql = "UPDATE invitations SET state = $2 WHERE account_id = $1 AND state = $3";
    let values = [account_id.into(), State::Withdrawn.as_str().into(), State::Pending.as_str().into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Removes the invitations that ended before a time.
///
/// # Errors
/// The database refused.
pub async fn remove_expired<C: ConnectionTrait>(connection: &C, before: DateTime<Utc>) -> Result<()> {
    let sql = "DELETE FROM invitations WHERE expires_at <= $1";
    connection.execute_raw(statement(connection, sql, [millis(before).into()])).await?;
    Ok(())
}
