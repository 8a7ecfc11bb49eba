//! Mail to people: invitations, links for a lost password, inquiries and their answers, changes of what protects them.
//!
//! A mail is written down in the transaction of what it tells, and sent by a job: told is what happened, and nothing else.
//! It may arrive twice, when the service is killed between the server's answer and its own note of it; both then have the
//! same Message-ID.

mod letter;

pub use letter::Letter;

use super::{Result, queue, wake::What};
use crate::{
    config::MailSettings,
    state::AppState,
    store::{self, ConnectionTrait, DatabaseTransaction},
};
use anyhow::Context;
use chrono::TimeDelta;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp,
};
use serde::{Deserialize, Serialize};
use shared::address::mask_in;
use std::time::Duration;
use uuid::Uuid;

/// What the text of a mail is sealed for.
const PURPOSE: &str = "mail";
/// How long a mail server may take for one command.
const TIMEOUT: Duration = Duration::from_secs(30);
/// While a mail is tried nobody else tries it: longer than all commands of one mail take.
const HOLD: TimeDelta = TimeDelta::minutes(10);
/// The pause after the first failure; each next one is twice as long …
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// … up to this.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// After so long a mail is given up: its link may work no longer.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// Sends mails through one mail server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Where the console is, without a slash at the end.
    base: String,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Content {
    subject: String,
    text: String,
}

impl Mailer {
    /// A mailer with these settings; it connects for each mail.
    ///
    /// # Errors
    /// The URL or the sender's address cannot be used.
    pub fn new(settings: &MailSettings) -> anyhow::Result<Self> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp_url)
            .context("smtp_url cannot be used: write it like smtps://user:password@mail.example.com")?;
        let from = settings.from.parse().with_context(|| {
            format!("mail_from {:?} is no sender: write it like Stoplist <stoplist@example.com>", settings.from)
        })?;
        let base = settings.public_url.trim_end_matches('/').to_owned();
        Ok(Self { transport: transport.timeout(Some(TIMEOUT)).build(), from, base })
    }

    async fn send(&self, id: Uuid, recipient: &str, content: Content) -> std::result::Result<(), Failure> {
        let to = recipient.parse().map_err(|error| Failure::for_good(format!("no address: {error}")))?;
        let host = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(content.subject)
            .message_id(Some(format!("<{id}@{host}>")))
            // RFC 3834: nobody's absence answers it.
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(content.text)
            .map_err(|error| Failure::for_good(error.to_string()))?;
        self.transport.send(message).await.map(drop).map_err(|error| Failure::of(&error))
    }
}

/// The header `Auto-Submitted: auto-generated`.
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Why a mail was not sent.
struct Failure {
    reason: String,
    /// Whether trying again would change nothing.
    for_good: bool,
}

impl Failure {
    fn for_good(reason: String) -> Self {
        Self { reason, for_good: true }
    }

    fn of(error: &smtp::Error) -> Self {
        // That the server does not know us is no matter of this mail: the password may be mended (RFC 4954 section 6).
        let unknown = error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
        Self { reason: error.to_string(), for_good: error.is_permanent() && !unknown }
    }
}

/// Writes a mail down, in the transaction of what it tells. Without settings for mail nothing happens.
///
/// # Errors
/// The database refused.
pub async fn post<C: ConnectionTrait>(
    state: &AppState,
    transaction: &C,
    recipient: &str,
    letter: &Letter<'_>,
) -> Result<()> {
    let Some(mailer) = &state.mailer else { return Ok(()) };
    let (subject, text) = letter.written(&mailer.base);
    let sealed = state.keys.seal_json(PURPOSE, &Content { subject, text })?;
    let (id, now) = (Uuid::now_v7(), state.clock.now());
    store::mails::insert(transaction, id, recipient, &sealed, now).await?;
    Ok(queue::ring(transaction, queue::Job::Mail(id), 0).await?)
}

/// Commits a transaction in which mail was written down, and wakes who sends it.
///
/// # Errors
/// The database refused; nothing changed.
pub async fn commit(state: &AppState, transaction: DatabaseTransaction) -> Result<()> {
    state.wake.commit(transaction, Uuid::nil(), &[What::Job]).await
}

/// Tries to send a mail, if it is its time.
///
/// # Errors
/// The database refused.
pub async fn perform(state: &AppState, id: Uuid) -> Result<()> {
    // A node without settings for mail leaves it to the others.
    let Some(mailer) = &state.mailer else { return Ok(()) };
    let (connection, now) = (state.db.connection(), state.clock.now());
    let Some(mail) = store::mails::take(connection, id, now, now + HOLD).await? else { return Ok(()) };
    let sent = match state.keys.unseal_json(PURPOSE, &mail.sealed) {
        Some(content) => mailer.send(id, &mail.recipient, content).await,
        None => Err(Failure::for_good("its text was sealed with another key".to_owned())),
    };
    // Servers like to repeat whom they refuse.
    let sent = sent.map_err(|failure| Failure { reason: mask_in(&failure.reason, &mail.recipient), ..failure });
    match sent {
        Ok(()) => Ok(store::mails::remove(connection, id).await?),
        Err(failure) if failure.for_good || now - mail.created_at >= PATIENCE => {
            tracing::error!(mail = %id, reason = failure.reason, "a mail is given up");
            Ok(store::mails::remove(connection, id).await?)
        }
        Err(failure) => {
            tracing::warn!(mail = %id, reason = failure.reason, "a mail could not be sent; trying again");
            Ok(store::mails::put_off(connection, id, state.clock.now() + pause(mail.attempts)).await?)
        }
    }
}

/// How long to wait after so many attempts.
fn pause(attempts: i64) -> TimeDelta {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    LONGEST_PAUSE.min(FIRST_PAUSE * 2_i32.pow(doublings))
}

/// Rings for the mails whose time has come.
///
/// # Errors
/// The database refused.
pub async fn sweep(state: &AppState) -> Result<()> {
    if state.mailer.is_some() {
        for id in store::mails::due(state.db.connection(), state.clock.now()).await? {
            queue::ring(state.db.connection(), queue::Job::Mail(id), 0).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let seconds: Vec<i64> = [1, 2, 3, 7, 8, 9, 100].map(|attempts| pause(attempts).num_seconds()).to_vec();
        assert_eq!(seconds, [30, 60, 120, 1_920, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        let settings = |smtp_url: &str, from: &str| MailSettings {
            smtp_url: smtp_url.to_owned(),
            from: from.to_owned(),
            public_url: "https://stoplist.example.com/".to_owned(),
        };
        let said = |settings| format!("{:#}", Mailer::new(&settings).err().expect("an error"));
        assert!(said(settings("http://x", "a@example.com")).contains("smtp_url"));
        assert!(said(settings("smtp://mail.example.com", "nobody")).contains("mail_from"));
        let mailer = Mailer::new(&settings("smtp://mail.example.com", "Stoplist <a@example.com>")).ok().unwrap();
        assert_eq!(mailer.base, "https://stoplist.example.com");
    }
}
