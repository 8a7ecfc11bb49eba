//! Accounts, as the provider manages them.

use super::{Actor, Error, Result, authentication::Identity, passwords, run_settings, sessions, users};
use crate::{
    state::AppState,
    store::{self, DatabaseTransaction, audit},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::{
    Page, RefusalCode,
    account::{Account, AccountUpdate, NewAccount},
    page::Total,
    plan::Plan,
    session::{AccessToken, Role},
};
use uuid::Uuid;

/// A page of accounts, by name.
///
/// # Errors
/// [`Error::Invalid`]: the cursor is not of this list.
pub async fn list(state: &AppState, cursor: Option<&str>, limit: u16) -> Result<Page<Account>> {
    let after = cursor.map(read_cursor).transpose()?;
    let connection = state.db.connection();
    let mut items = store::accounts::list(connection, after.as_deref(), limit + 1).await?;
    let more = items.len() > usize::from(limit);
    items.truncate(limit.into());
    let next_cursor = items.last().filter(|_| more).map(|account| cursor_after(&account.name));
    let count = u64::try_from(store::accounts::count(connection).await?).unwrap_or(0);
    let total = Total { count: count.min(TOTAL_LIMIT), more: count > TOTAL_LIMIT };
    Ok(Page { items, next_cursor, total: Some(total) })
}

/// Totals are told up to this number.
const TOTAL_LIMIT: u64 = 10_000;

/// A cursor names its list, so that one from another list is refused.
fn cursor_after(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("accounts\n{name}"))
}

fn read_cursor(cursor: &str) -> Result<String> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| text.strip_prefix("accounts\n").map(str::to_owned)).ok_or_else(|| {
        Error::field(
            "cursor",
            RefusalCode::WrongPosition,
            "this is no cursor of this list: use next_cursor of its last page",
        )
    })
}

/// Makes an account with its first administrator.
///
/// # Errors
/// [`Error::Conflict`]: the name is taken or the address signs in already.
pub async fn create(state: &AppState, provider: &Identity, new: NewAccount) -> Result<Account> {
    let email = users::email(&new.administrator_email, "/administrator_email")?;
    passwords::check(&new.administrator_password, &email, "/administrator_password")?;
    let password_hash = state.keys.hash(&provider.origin.network(), new.administrator_password).await?;
    let now = state.clock.now();
    let account = Account::new(Uuid::now_v7(), new.name, new.plan, now);
    let tx = state.db.begin().await?;
    store::accounts::insert(&tx, &account).await.map_err(|error| {
        if error.is_duplicate() {
            Error::conflict(
                RefusalCode::NameTaken,
                format!("there is an account named {:?} already: choose another name", account.name),
            )
        } else {
            error.into()
        }
    })?;
    users::insert(&tx, Some(account.id), &email, password_hash, Role::Administrator, now).await?;
    let entry = audit::NewAuditEntry {
        after: Some(json!({ "name": account.name, "plan": account.plan, "administrator": email.spelling() })),
        ..provider.audit(Some(account.id), now, "account.create", account.id.to_string())
    };
    tx.audit(entry);
    tx.commit().await?;
    Ok(account)
}

/// An account.
///
/// # Errors
/// [`Error::NotFound`]: no such account.
pub async fn get(state: &AppState, id: Uuid) -> Result<Account> {
    store::accounts::find(state.db.connection(), id).await?.ok_or(Error::NotFound)
}

/// Changes what an account that was read at `revision` may use.
///
/// # Errors
/// [`Error::NotFound`]: no such account. [`Error::PreconditionFailed`]: it was changed since.
pub async fn update(
    state: &AppState,
    provider: &Identity,
    id: Uuid,
    revision: i64,
    update: &AccountUpdate,
) -> Result<Account> {
    let tx = state.db.begin().await?;
    let before = store::accounts::lock(&tx, id).await?.ok_or(Error::NotFound)?;
    if before.revision != revision {
        return Err(Error::PreconditionFailed(
            "the account was changed by somebody else: read it again and repeat your change".to_owned(),
        ));
    }
    let now = state.clock.now();
    let after = write(&tx, provider, &before, update, now).await?;
    if after.plan == Plan::Standard && before.plan != Plan::Standard {
        run_settings::reset_all(&tx, provider, id, now).await?;
    }
    tx.commit().await?;
    Ok(after)
}

/// Changes what an account may use, whatever it may use now; false where it may already.
///
/// # Errors
/// [`Error::NotFound`]: no such account.
pub(super) async fn change(
    transaction: &DatabaseTransaction,
    provider: &Identity,
    id: Uuid,
    update: &AccountUpdate,
    now: DateTime<Utc>,
) -> Result<bool> {
    let before = store::accounts::lock(transaction, id).await?.ok_or(Error::NotFound)?;
    if changed(&before, update, now) == before {
        return Ok(false);
    }
    write(transaction, provider, &before, update, now).await?;
    Ok(true)
}

fn changed(before: &Account, update: &AccountUpdate, now: DateTime<Utc>) -> Account {
    Account {
        plan: update.plan.unwrap_or(before.plan),
        suspended_at: match update.suspended {
            Some(true) => before.suspended_at.or(Some(now)),
            Some(false) => None,
            None => before.suspended_at,
        },
        downloads_enabled: update.downloads_enabled.unwrap_or(before.downloads_enabled),
        event_retention_days: update.event_retention_days.unwrap_or(before.event_retention_days),
        upload_max_bytes: update.upload_max_bytes.unwrap_or(before.upload_max_bytes),
        ..before.clone()
    }
}

async fn write(
    transaction: &DatabaseTransaction,
    provider: &Identity,
    before: &Account,
    update: &AccountUpdate,
    now: DateTime<Utc>,
) -> Result<Account> {
    let after = Account { revision: before.revision + 1, ..changed(before, update, now) };
    store::accounts::update(transaction, &after).await?;
    let features = |account: &Account| {
        json!({
            "name": account.name,
            "plan": account.plan,
            "suspended_at": account.suspended_at,
            "downloads_enabled": account.downloads_enabled,
            "event_retention_days": account.event_retention_days,
            "upload_max_bytes": account.upload_max_bytes,
        })
    };
    let entry = audit::NewAuditEntry {
        before: Some(features(before)),
        after: Some(features(&after)),
        ..provider.audit(Some(before.id), now, "account.update", before.id.to_string())
    };
    transaction.audit(entry);
    Ok(after)
}

/// Lets a provider act as administrator inside an account.
///
/// # Errors
/// [`Error::NotFound`]: no such account.
pub async fn enter(state: &AppState, provider: &Identity, account_id: Uuid) -> Result<AccessToken> {
    let account = store::accounts::find(state.db.connection(), account_id).await?.ok_or(Error::NotFound)?;
    switch(state, provider, Some(account.id), "account.enter", account).await
}

/// Takes a provider out of the account that it is in.
///
/// # Errors
/// [`Error::Conflict`]: it is in none.
pub async fn leave(state: &AppState, provider: &Identity) -> Result<AccessToken> {
    let account_id = provider
        .account_id
        .ok_or_else(|| Error::conflict(RefusalCode::DoneAlready, "you are outside of all accounts already"))?;
    let account = store::accounts::find(state.db.connection(), account_id).await?.ok_or(Error::NotFound)?;
    switch(state, provider, None, "account.leave", account).await
}

/// Writes down that a provider is no longer inside an account, if it was in one.
///
/// # Errors
/// The database refused.
pub(super) async fn record_leaving(tx: &DatabaseTransaction, provider: &Identity, now: DateTime<Utc>) -> Result<()> {
    let Some(account_id) = provider.account_id else { return Ok(()) };
    let Some(account) = store::accounts::find(tx, account_id).await? else { return Ok(()) };
    let entry = provider.audit(Some(account_id), now, "account.leave", account_id.to_string());
    tx.audit(audit::NewAuditEntry { after: Some(json!({ "name": account.name })), ..entry });
    Ok(())
}

async fn switch(
    state: &AppState,
    provider: &Identity,
    to: Option<Uuid>,
    action: &'static str,
    account: Account,
) -> Result<AccessToken> {
    let Actor::User { id: user_id, session_id, .. } = provider.actor else { return Err(Error::Unauthorized) };
    let now = state.clock.now();
    let tx = state.db.begin().await?;
    if to.is_some() && provider.account_id != to {
        record_leaving(&tx, provider, now).await?;
    }
    store::sessions::set_account(&tx, session_id, to).await?;
    let entry = provider.audit(Some(account.id), now, action, account.id.to_string());
    tx.audit(audit::NewAuditEntry { after: Some(json!({ "name": account.name })), ..entry });
    tx.commit().await?;
    sessions::access_token(state, user_id, session_id, to, now)
}
