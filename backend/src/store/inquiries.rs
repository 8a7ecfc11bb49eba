//! Inquiries and their messages.

use super::{
    Error, Result, count, locking, millis, named,
    search::{Conditions, Keyset, ordered},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult};
use shared::{
    inquiry::{Inquiry, InquiryAccount, InquiryCategory, InquiryMessage, InquirySide, InquiryState},
    page::Direction,
};
use uuid::Uuid;

/// Which inquiries to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this account only.
    pub account_id: Option<Uuid>,
    /// About this.
    pub category: Option<InquiryCategory>,
    /// Which have come so far.
    pub state: Option<InquiryState>,
    /// With (or without) an unread message.
    pub unread: Option<bool>,
}

/// An inquiry as stored.
#[derive(Debug, Clone)]
pub struct StoredInquiry {
    /// It, as the side sees it for which it was read, with its account.
    pub inquiry: Inquiry,
    /// Its account.
    pub account_id: Uuid,
    /// The number of the last message.
    pub messages: i64,
    /// Whether it led to downloads being enabled.
    pub enabled_downloads: bool,
}

/// A message to add.
#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    /// Counts the messages of the inquiry, from 1.
    pub number: i64,
    /// Whose side it is of.
    pub side: InquirySide,
    /// How far the inquiry has come with it.
    pub state: InquiryState,
    /// Who writes it.
    pub author_id: Uuid,
    /// What it says.
    pub text: &'a str,
    /// Whether downloads are enabled with it.
    pub enabled_downloads: bool,
    /// Now.
    pub now: DateTime<Utc>,
}

const SELECT: &str = "SELECT i.id, i.account_id, i.category, i.subject, i.state, i.created_at, i.changed_at, i.messages, \
                      i.last_by_account, i.last_by_provider, i.read_by_account, i.read_by_provider, \
                      i.downloads_enabled_at, u.email AS made_by, a.name AS account_name, a.downloads_enabled \
                      FROM inquiries i JOIN users u ON u.id = i.made_by JOIN accounts a ON a.id = i.account_id";

/// The columns of a side.
struct Columns {
    /// Its last message.
    last: &'static str,
    /// Up to which message it has read.
    read: &'static str,
    /// The last message of the other side.
    others_last: &'static str,
}

const fn columns(side: InquirySide) -> Columns {
    let (account, provider) = ("last_by_account", "last_by_provider");
    match side {
        InquirySide::Account => Columns { last: account, read: "read_by_account", others_last: provider },
        InquirySide::Provider => Columns { last: provider, read: "read_by_provider", others_last: account },
    }
}

fn message_number(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::Unreadable(format!("message {number}")))
}

fn read(row: &QueryResult, side: InquirySide) -> Result<StoredInquiry> {
    let text = |name: &str| row.try_get::<String>("", name);
    let number = |name: &str| row.try_get::<i64>("", name);
    let Columns { read, others_last, .. } = columns(side);
    let account_id = row.try_get("", "account_id")?;
    Ok(StoredInquiry {
        inquiry: Inquiry {
            id: row.try_get("", "id")?,
            category: named(&InquiryCategory::ALL, InquiryCategory::as_str, "inquiry", &text("category")?)?,
            subject: text("subject")?,
            state: named(&InquiryState::ALL, InquiryState::as_str, "inquiry", &text("state")?)?,
            unread: number(others_last)? > number(read)?,
            made_by: text("made_by")?,
            created_at: time(number("created_at")?)?,
            changed_at: time(number("changed_at")?)?,
            messages: message_number(number("messages")?)?,
            account: match side {
                InquirySide::Account => None,
                InquirySide::Provider => Some(InquiryAccount {
                    id: account_id,
                    name: text("account_name")?,
                    downloads_enabled: row.try_get("", "downloads_enabled")?,
                }),
            },
        },
        account_id,
        messages: number("messages")?,
        enabled_downloads: row.try_get::<Option<i64>>("", "downloads_enabled_at")?.is_some(),
    })
}

/// An inquiry as a side sees it; of one account, unless for all.
///
/// # Errors
/// The database refused.
pub async fn find<C: ConnectionTrait>(
    connection: &C,
    side: InquirySide,
    account_id: Option<Uuid>,
    id: Uuid,
) -> Result<Option<StoredInquiry>> {
    let mut conditions = Conditions::new();
    conditions.equal("i.id", id);
    if let Some(account_id) = account_id {
        conditions.equal("i.account_id", account_id);
    }
    let sql = format!("{SELECT} {}", conditions.clause());
    let row = connection.query_one_raw(conditions.statement(connection, sql)).await?;
    row.map(|row| read(&row, side)).transpose()
}

/// Holds an inquiry, if it is of this account, until the transaction ends: who writes to it is alone. `None`: of any.
///
/// Nobody waits for what belongs to others.
///
/// # Errors
/// The database refused.
pub async fn lock<C: ConnectionTrait>(transaction: &C, account_id: Option<Uuid>, id: Uuid) -> Result<()> {
    let mut conditions = Conditions::new();
    conditions.equal("id", id);
    if let Some(account_id) = account_id {
        conditions.equal("account_id", account_id);
    }
    let sql = format!("SELECT id FROM inquiries {}{}", conditions.clause(), locking(transaction));
    transaction.query_one_raw(conditions.statement(transaction, sql)).await?;
    Ok(())
}

/// The inquiries that match, last changed first.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    side: InquirySide,
    filter: &Filter,
    keyset: Keyset<i64>,
) -> Result<Vec<Inquiry>> {
    let mut conditions = Conditions::new();
    if let Some(account_id) = filter.account_id {
        conditions.equal("i.account_id", account_id);
    }
    if let Some(category) = filter.category {
        conditions.equal("i.category", category.as_str());
    }
    if let Some(state) = filter.state {
        conditions.equal("i.state", state.as_str());
    }
    if let Some(wanted) = filter.unread {
        let Columns { read, others_last, .. } = columns(side);
        conditions.and(format!("i.{others_last} {} i.{read}", if wanted { ">" } else { "<=" }));
    }
    let order = (["i.changed_at", "i.id"], Direction::Descending);
    let rows = connection.query_all_raw(ordered(connection, SELECT, conditions, order, keyset)).await?;
    rows.iter().map(|row| Ok(read(row, side)?.inquiry)).collect()
}

/// How many inquiries of an account are not closed.
///
/// # Errors
/// The database refused.
pub async fn count_unclosed<C: ConnectionTrait>(connection: &C, account_id: Uuid) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM inquiries WHERE account_id = $1 AND state <> $2";
    let values = [account_id.into(), InquiryState::Closed.as_str().into()];
    count(connection, sql, values).await
}

/// Adds an inquiry that has no message yet.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    account_id: Uuid,
    made_by: Uuid,
    (category, subject): (InquiryCategory, &str),
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "INSERT INTO inquiries (id, account_id, category, subject, state, made_by, created_at, changed_at, \
               messages, last_by_account, last_by_provider, read_by_account, read_by_provider) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 0, 0, 0, 0, 0)";
    let values = [
        id.into(),
        account_id.into(),
        category.as_str().into(),
        subject.into(),
        InquiryState::Open.as_str().into(),
        made_by.into(),
        millis(now).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Adds a message, which makes the other side's turn.
///
/// # Errors
/// The database refused.
pub async fn add_message<C: ConnectionTrait>(transaction: &C, id: Uuid, new: &NewMessage<'_>) -> Result<()> {
    let sql = "INSERT INTO inquiry_messages (inquiry_id, number, side, author_id, text, enabled_downloads, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        id.into(),
        new.number.into(),
        new.side.as_str().into(),
        new.author_id.into(),
        new.text.into(),
        new.enabled_downloads.into(),
        millis(new.now).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    let Columns { last, .. } = columns(new.side);
    let enabled_at = new.enabled_downloads.then(|| millis(new.now));
    let sql = format!(
        "UPDATE inquiries SET messages = $2, {last} = $2, state = $3, changed_at = $4, \
         downloads_enabled_at = COALESCE($5, downloads_enabled_at) WHERE id = $1"
    );
    let values = [id.into(), new.number.into(), new.state.as_str().into(), millis(new.now).into(), enabled_at.into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// The messages of an inquiry, oldest first.
///
/// # Errors
/// The database refused.
pub async fn messages<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Vec<InquiryMessage>> {
    let sql = "SELECT m.number, m.side, m.text, m.enabled_downloads, m.created_at, u.email AS author \
               FROM inquiry_messages m JOIN users u ON u.id = m.author_id WHERE m.inquiry_id = $1 ORDER BY m.number";
    let rows = connection.query_all_raw(statement(connection, sql, [id.into()])).await?;
    let messages = rows.iter().map(|row| {
        let side: String = row.try_get("", "side")?;
        Ok(InquiryMessage {
            number: message_number(row.try_get("", "number")?)?,
            side: named(&InquirySide::ALL, InquirySide::as_str, "inquiry", &side)?,
            author: row.try_get("", "author")?,
            text: row.try_get("", "text")?,
            enabled_downloads: row.try_get("", "enabled_downloads")?,
            created_at: time(row.try_get("", "created_at")?)?,
        })
    });
    messages.collect()
}

/// Notes that a side has read up to a message; it never moves back. False: it had.
///
/// # Errors
/// The database refused.
pub async fn mark_read<C: ConnectionTrait>(transaction: &C, id: Uuid, side: InquirySide, until: i64) -> Result<bool> {
    let Columns { read, .. } = columns(side);
    let sql = format!("UPDATE inquiries SET {read} = $2 WHERE id = $1 AND {read} < $2");
    let values = [id.into(), until.into()];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Closes an inquiry.
///
/// # Errors
/// The database refused.
pub async fn close<C: ConnectionTrait>(transaction: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE inquiries SET state = $2, changed_at = $3 WHERE id = $1";
    let values = [id.into(), InquiryState::Closed.as_str().into(), millis(now).into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// The addresses of the other side of who writes to an inquiry: of all the provider's staff, or of the users who wrote to
/// it for their account; of those who may sign in.
///
/// # Errors
/// The database refused.
pub async fn listeners<C: ConnectionTrait>(connection: &C, id: Uuid, writer: InquirySide) -> Result<Vec<String>> {
    let (sql, values) = match writer {
        InquirySide::Account => {
            ("SELECT email FROM users WHERE account_id IS NULL AND active = TRUE ORDER BY email", vec![])
        }
        InquirySide::Provider => (
            "SELECT DISTINCT u.email FROM inquiry_messages m JOIN users u ON u.id = m.author_id \
             WHERE m.inquiry_id = $1 AND m.side = $2 AND u.active = TRUE ORDER BY u.email",
            vec![id.into(), InquirySide::Account.as_str().into()],
        ),
    };
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter().map(|row| Ok(row.try_get("", "email")?)).collect()
}
