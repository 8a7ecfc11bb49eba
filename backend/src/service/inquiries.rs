//! Inquiries: a thread between the users of an account and the provider's staff. Both sides are people; each has an unread
//! mark of its own, which moves only when somebody of that side says how far they have read.

pub use crate::store::inquiries::Filter;

use super::{
    Access, Actor, Error, Result, accounts,
    authentication::Identity,
    mails::{self, Letter},
    position,
    wake::What,
};
use crate::{
    state::AppState,
    store::{
        self, ConnectionTrait, DatabaseTransaction,
        audit::NewAuditEntry,
        inquiries::{self, NewMessage, StoredInquiry},
        millis,
        search::{CursorScope, Keyset},
    },
};
use chrono::{DateTime, Utc};
use serde_json::json;
use shared::{
    Page, RefusalCode,
    account::AccountUpdate,
    inquiry::{
        Inquiry, InquiryDownloads, InquiryRead, InquirySide, InquiryState, InquiryThread, MAX_MESSAGES, MAX_UNCLOSED,
        NewInquiry, NewInquiryMessage,
    },
    session::Role,
};
use uuid::Uuid;

/// What a mail says where the provider enables downloads without words of their own; the console has a sentence for it.
const ENABLED: &str = "Downloads are enabled for your account.";

/// One side of the inquiries that it may see.
#[derive(Debug, Clone)]
pub enum Party {
    /// The users of one account.
    Account(Access),
    /// The provider's staff: the inquiries of all accounts.
    Provider(Identity),
}

impl Party {
    const fn side(&self) -> InquirySide {
        match self {
            Self::Account(_) => InquirySide::Account,
            Self::Provider(_) => InquirySide::Provider,
        }
    }

    const fn account_id(&self) -> Option<Uuid> {
        match self {
            Self::Account(access) => Some(access.account_id),
            Self::Provider(_) => None,
        }
    }

    /// Who writes.
    ///
    /// # Errors
    /// [`Error::Forbidden`]: a script, or a provider inside an account, who would write in its users' name.
    fn author(&self) -> Result<Uuid> {
        let actor = match self {
            Self::Account(access) => &access.actor,
            Self::Provider(identity) => &identity.actor,
        };
        match (actor, self) {
            (Actor::User { role: Role::Provider, .. }, Self::Account(_)) => Err(Error::Forbidden(
                "a provider does not write for an account: leave it and answer as the provider".to_owned(),
            )),
            (Actor::User { id, .. }, _) => Ok(*id),
            _ => Err(Error::Forbidden("inquiries are written by people: sign in with a password".to_owned())),
        }
    }

    /// An audit entry in the account of an inquiry.
    fn audit(&self, of: Uuid, at: DateTime<Utc>, action: &'static str, id: Uuid) -> NewAuditEntry {
        match self {
            Self::Account(access) => access.audit(at, action, id.to_string()),
            Self::Provider(identity) => identity.audit(Some(of), at, action, id.to_string()),
        }
    }
}

/// A page of the inquiries that match, last changed first.
///
/// # Errors
/// The cursor is not of this list, or the database refused.
pub async fn list(
    state: &AppState,
    party: &Party,
    filter: Filter,
    cursor: Option<&str>,
    limit: u16,
) -> Result<Page<Inquiry>> {
    // An account sees its own, whatever it asks for.
    let filter = Filter { account_id: party.account_id().or(filter.account_id), ..filter };
    let filters = (party.side(), filter.account_id, filter.category, filter.state, filter.unread);
    let scope = CursorScope::new("inquiries", party.account_id().unwrap_or_default(), &filters);
    let keyset = Keyset::page(position(&scope, cursor)?, limit);
    let rows = inquiries::list(state.db.connection(), party.side(), &filter, keyset).await?;
    Ok(scope.page(rows, limit, None, |row| (millis(row.changed_at), row.id)))
}

/// An inquiry with its messages. Reading it marks nothing as read.
///
/// # Errors
/// [`Error::NotFound`]: not there, or of another account.
pub async fn get(state: &AppState, party: &Party, id: Uuid) -> Result<InquiryThread> {
    thread(state.db.connection(), party, id).await
}

async fn find<C: ConnectionTrait>(connection: &C, party: &Party, id: Uuid) -> Result<StoredInquiry> {
    inquiries::find(connection, party.side(), party.account_id(), id).await?.ok_or(Error::NotFound)
}

/// Finds an inquiry and holds it until the transaction ends.
async fn lock<C: ConnectionTrait>(transaction: &C, party: &Party, id: Uuid) -> Result<StoredInquiry> {
    inquiries::lock(transaction, party.account_id(), id).await?;
    find(transaction, party, id).await
}

async fn thread<C: ConnectionTrait>(connection: &C, party: &Party, id: Uuid) -> Result<InquiryThread> {
    let inquiry = find(connection, party, id).await?.inquiry;
    Ok(InquiryThread { inquiry, messages: inquiries::messages(connection, id).await? })
}

/// Makes an inquiry with its first message.
///
/// # Errors
/// [`Error::Forbidden`]: not a user of the account. [`Error::Invalid`]: no words. [`Error::Conflict`]: too many are not
/// closed.
pub async fn create(state: &AppState, party: &Party, new: NewInquiry) -> Result<InquiryThread> {
    let (author_id, account_id) = (party.author()?, party.account_id().ok_or(Error::NotFound)?);
    let (subject, text) = (words(&new.subject, "/subject")?, words(&new.text, "/text")?);
    if subject.contains(char::is_control) {
        return Err(Error::field(
            "/subject",
            RefusalCode::ControlCharacters,
            "write one line, without control characters",
        ));
    }
    let now = state.clock.now();
    let id = Uuid::now_v7();
    let transaction = state.db.begin().await?;
    expect_few_unclosed(&transaction, account_id).await?;
    inquiries::insert(&transaction, id, account_id, author_id, (new.category, subject), now).await?;
    let message = NewMessage {
        number: 1,
        side: party.side(),
        state: InquiryState::Open,
        author_id,
        text,
        enabled_downloads: false,
        now,
    };
    inquiries::add_message(&transaction, id, &message).await?;
    let entry = NewAuditEntry {
        after: Some(json!({ "category": new.category, "subject": subject })),
        ..party.audit(account_id, now, "inquiry.create", id)
    };
    transaction.audit(entry);
    let made = thread(&transaction, party, id).await?;
    tell(state, &transaction, party, id, text).await?;
    state.wake.commit(transaction, account_id, &[What::Inquiries, What::Job]).await?;
    Ok(made)
}

/// That the account may have one more inquiry that is not closed.
///
/// # Errors
/// [`Error::Conflict`].
async fn expect_few_unclosed(transaction: &DatabaseTransaction, account_id: Uuid) -> Result<()> {
    // Whoever counts waits for others who do.
    store::accounts::lock(transaction, account_id).await?.ok_or(Error::NotFound)?;
    if inquiries::count_unclosed(transaction, account_id).await? >= i64::from(MAX_UNCLOSED) {
        return Err(Error::conflict(
            RefusalCode::TooMany,
            format!("{MAX_UNCLOSED} inquiries are not closed: close some, or write to one"),
        ));
    }
    Ok(())
}

/// Writes to an inquiry: the provider answers it so, the account opens it again.
///
/// # Errors
/// [`Error::NotFound`] as [`get`]; [`Error::Forbidden`], [`Error::Invalid`] as [`create`]. [`Error::Conflict`]: it has too
/// many messages, or the account opens it again while too many are not closed.
pub async fn write(state: &AppState, party: &Party, id: Uuid, new: NewInquiryMessage) -> Result<InquiryThread> {
    let author_id = party.author()?;
    let text = words(&new.text, "/text")?;
    let transaction = state.db.begin().await?;
    let before = lock(&transaction, party, id).await?;
    add(state, &transaction, party, &before, (author_id, text, false)).await?;
    let written = thread(&transaction, party, id).await?;
    state.wake.commit(transaction, before.account_id, &[What::Inquiries, What::Job]).await?;
    Ok(written)
}

/// Adds a message with its audit entry, which does not repeat the words.
async fn add(
    state: &AppState,
    transaction: &DatabaseTransaction,
    party: &Party,
    before: &StoredInquiry,
    (author_id, text, enabled_downloads): (Uuid, &str, bool),
) -> Result<()> {
    let now = state.clock.now();
    if before.messages >= i64::from(MAX_MESSAGES) {
        return Err(Error::conflict(
            RefusalCode::TooMany,
            format!("this inquiry has {MAX_MESSAGES} messages: make another one"),
        ));
    }
    let (id, number, side) = (before.inquiry.id, before.messages + 1, party.side());
    if side == InquirySide::Account && before.inquiry.state == InquiryState::Closed {
        expect_few_unclosed(transaction, before.account_id).await?;
    }
    let (action, after) = match side {
        InquirySide::Account => ("inquiry.write", InquiryState::Open),
        InquirySide::Provider => ("inquiry.answer", InquiryState::Answered),
    };
    let message = NewMessage { number, side, state: after, author_id, text, enabled_downloads, now };
    inquiries::add_message(transaction, id, &message).await?;
    let entry = NewAuditEntry {
        before: Some(json!({ "subject": before.inquiry.subject, "state": before.inquiry.state })),
        after: Some(json!({ "subject": before.inquiry.subject, "state": after, "message": number })),
        ..party.audit(before.account_id, now, action, id)
    };
    transaction.audit(entry);
    tell(state, transaction, party, id, if text.is_empty() { ENABLED } else { text }).await
}

/// Tells the other side by mail what was written, where mail is set up.
async fn tell(state: &AppState, transaction: &DatabaseTransaction, party: &Party, id: Uuid, text: &str) -> Result<()> {
    if state.mailer.is_none() {
        return Ok(());
    }
    let side = party.side();
    let inquiry = inquiries::find(transaction, InquirySide::Provider, None, id).await?.ok_or(Error::NotFound)?.inquiry;
    let from = inquiry.account.map(|account| account.name).unwrap_or_default();
    let letter = Letter::Inquiry { side, id, subject: &inquiry.subject, from: &from, text };
    for address in inquiries::listeners(transaction, id, side).await? {
        mails::post(state, transaction, &address, &letter).await?;
    }
    Ok(())
}

/// Marks messages as read for one's own side. It never moves back, and not beyond what is there.
///
/// # Errors
/// [`Error::NotFound`] as [`get`]; [`Error::Forbidden`] as [`create`].
pub async fn mark_read(state: &AppState, party: &Party, id: Uuid, read: InquiryRead) -> Result<Inquiry> {
    party.author()?;
    let transaction = state.db.begin().await?;
    let before = lock(&transaction, party, id).await?;
    let until = i64::from(read.until).min(before.messages);
    if !inquiries::mark_read(&transaction, id, party.side(), until).await? {
        return Ok(before.inquiry);
    }
    let after = find(&transaction, party, id).await?.inquiry;
    state.wake.commit(transaction, before.account_id, &[What::Inquiries]).await?;
    Ok(after)
}

/// Closes an inquiry; one that is closed stays as it is.
///
/// # Errors
/// As [`mark_read`].
pub async fn close(state: &AppState, party: &Party, id: Uuid) -> Result<Inquiry> {
    party.author()?;
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let before = lock(&transaction, party, id).await?;
    if before.inquiry.state == InquiryState::Closed {
        return Ok(before.inquiry);
    }
    inquiries::close(&transaction, id, now).await?;
    let entry = NewAuditEntry {
        before: Some(json!({ "subject": before.inquiry.subject, "state": before.inquiry.state })),
        after: Some(json!({ "subject": before.inquiry.subject, "state": InquiryState::Closed })),
        ..party.audit(before.account_id, now, "inquiry.close", id)
    };
    transaction.audit(entry);
    let after = find(&transaction, party, id).await?.inquiry;
    state.wake.commit(transaction, before.account_id, &[What::Inquiries]).await?;
    Ok(after)
}

/// Enables downloads for the account of an inquiry, and answers it: both or neither. Doing it again changes nothing, unless
/// downloads were disabled in the meantime.
///
/// # Errors
/// [`Error::NotFound`]: no such inquiry. [`Error::Invalid`]: no words. [`Error::Conflict`]: it has too many messages.
pub async fn enable_downloads(
    state: &AppState,
    provider: &Identity,
    id: Uuid,
    request: InquiryDownloads,
) -> Result<InquiryThread> {
    let party = Party::Provider(provider.clone());
    let author_id = party.author()?;
    let text = request.text.as_deref().map_or(Ok(""), |text| words(text, "/text"))?;
    let now = state.clock.now();
    let transaction = state.db.begin().await?;
    let before = lock(&transaction, &party, id).await?;
    let update = AccountUpdate { downloads_enabled: Some(true), ..AccountUpdate::default() };
    let newly = accounts::change(&transaction, provider, before.account_id, &update, now).await?;
    if before.enabled_downloads && !newly {
        return thread(&transaction, &party, id).await;
    }
    add(state, &transaction, &party, &before, (author_id, text, true)).await?;
    let answered = thread(&transaction, &party, id).await?;
    state.wake.commit(transaction, before.account_id, &[What::Inquiries, What::Job]).await?;
    Ok(answered)
}

/// Text without the space around it.
fn words<'a>(text: &'a str, pointer: &str) -> Result<&'a str> {
    let text = text.trim();
    if text.is_empty() { Err(Error::field(pointer, RefusalCode::Missing, "write something")) } else { Ok(text) }
}
