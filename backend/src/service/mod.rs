//! Use cases and their transactions. Nothing here knows HTTP, SQL or the job queue.

pub mod access;
pub mod accounts;
pub mod additions;
pub mod address_history;
pub mod agent_sync;
pub mod attempts;
pub mod audit;
pub mod authentication;
pub mod blocked_addresses;
pub mod closing;
pub mod delivery_events;
pub mod delivery_report;
pub mod devices;
pub mod distributions;
pub mod download_links;
pub mod downloads;
pub mod exemptions;
mod hs256;
pub mod idempotency;
pub mod inquiries;
pub mod invitations;
pub mod keys;
pub mod limits;
pub mod list_operations;
pub mod live;
pub mod mail_servers;
pub mod mails;
pub mod metrics;
mod pace;
pub mod password_resets;
pub mod passwords;
pub mod releases;
pub mod retention;
pub mod run_settings;
pub mod runs;
pub mod sample;
pub mod schedule;
pub mod second_factors;
pub mod server_configurations;
pub mod sessions;
pub mod setup;
pub mod signing_keys;
pub mod slots;
pub mod tokens;
pub mod totp;
pub mod uploads;
pub mod user_agents;
pub mod users;
pub mod wake;

/// The queue's tables and the pool below it: services ring, the workers of `jobs` answer.
pub use crate::store::{Pool, queue};
pub use access::{Access, Actor};
pub use wake::Wake;

use crate::store::{self, Trouble, search::CursorScope};
use serde::de::DeserializeOwned;
use shared::{
    FieldProblem, RefusalCode,
    plan::{Capability, Plan},
    run::FailureCause,
};

/// Why a use case did not do what was asked. The texts tell the caller what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No valid sign-in or token.
    #[error("sign in, or send a valid token in the Authorization header")]
    Unauthorized,
    /// Signed in, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// The account's plan does not include it.
    #[error("the {} plan does not include {}. Ask your provider for a plan that includes more", .plan.title(), .capability.described())]
    NotInPlan {
        /// The plan.
        plan: Plan,
        /// What it does not include.
        capability: Capability,
    },
    /// The account is suspended.
    #[error("this account is suspended: ask your provider, by an inquiry for example")]
    Suspended,
    /// The account may not download lists and logs.
    #[error("downloads are not enabled for this account: send an inquiry to your provider to ask for them")]
    DownloadsDisabled,
    /// Not there, or of another account.
    #[error("there is no such thing here")]
    NotFound,
    /// There, but not for this method.
    #[error("this path is there, but not for this method: use {allow}")]
    MethodNotAllowed {
        /// The methods that it has, as the header `Allow` lists them.
        allow: String,
    },
    /// The body could not be read at all.
    #[error("{0}")]
    Malformed(String),
    /// The body is of a media type that is not understood.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// Fields are wrong.
    #[error("some fields are not valid")]
    Invalid(Vec<FieldProblem>),
    /// Does not fit the present state.
    #[error("{1}")]
    Conflict(RefusalCode, String),
    /// Somebody else changed it first.
    #[error("{0}")]
    PreconditionFailed(String),
    /// `If-Match` is missing.
    #[error("send the ETag that you read in the If-Match header")]
    PreconditionRequired,
    /// Was there once.
    #[error("{1}")]
    Gone(RefusalCode, String),
    /// The body is too large.
    #[error("{0}")]
    TooLarge(String),
    /// Asked too often.
    #[error("too many requests: wait {retry_after} seconds")]
    TooMany {
        /// After how many seconds to try again.
        retry_after: u32,
    },
    /// Has too much open at the same time.
    #[error("{who} {limit} {what} open already: wait until one of them ends")]
    TooManyOpen {
        /// Who has.
        who: &'static str,
        /// Of what.
        what: &'static str,
        /// How many may be open.
        limit: u32,
    },
    /// The body came too slowly.
    #[error("{0}")]
    TooSlow(String),
    /// The database does not answer; it may in a moment.
    #[error("the database does not answer: {0:#}")]
    Unavailable(anyhow::Error),
    /// The disk is full. Nothing was changed.
    #[error("the disk is full: {0:#}")]
    StorageFull(anyhow::Error),
    /// Another version of the tus protocol.
    #[error("send the header Tus-Resumable: 1.0.0")]
    TusVersion,
    /// The bytes are not those that the caller meant to send.
    #[error("the bytes do not have the checksum of Upload-Checksum: nothing was kept, send them again")]
    ChecksumMismatch,
    /// Not the caller's fault.
    #[error("internal error: {0:#}")]
    Internal(anyhow::Error),
}

impl Error {
    /// What it is called where work that the service does by itself failed.
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::StorageFull(_) => FailureCause::DiskFull,
            Self::Unavailable(_) => FailureCause::DatabaseUnavailable,
            _ => FailureCause::Internal,
        }
    }

    /// One wrong field.
    pub fn field(pointer: impl Into<String>, code: RefusalCode, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(pointer, code, detail)])
    }

    /// Does not fit the present state.
    pub fn conflict(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self::Conflict(code, detail.into())
    }

    /// Was there once.
    pub fn gone(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self::Gone(code, detail.into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error.trouble() {
            Some(Trouble::Away) => Self::Unavailable(error.into()),
            Some(Trouble::Full) => Self::StorageFull(error.into()),
            None => Self::Internal(error.into()),
        }
    }
}

impl From<store::DbErr> for Error {
    fn from(error: store::DbErr) -> Self {
        store::Error::from(error).into()
    }
}

/// What services return.
pub type Result<T> = std::result::Result<T, Error>;

/// How many there may be of what the console shows whole: users with open invitations, tokens and server configurations
/// of an account, mail servers of a configuration.
const MAX_SHOWN_WHOLE: usize = 1_000;

/// That there is room for one more of what is shown whole.
///
/// # Errors
/// [`Error::Conflict`].
fn expect_room(present: usize, what: &str) -> Result<()> {
    if present < MAX_SHOWN_WHOLE {
        return Ok(());
    }
    let detail = format!("there are {MAX_SHOWN_WHOLE} {what} already, which is as many as there can be");
    Err(Error::conflict(RefusalCode::TooMany, detail))
}

/// Reads the position that a cursor names.
///
/// # Errors
/// The cursor is of another list, other filters or another order.
fn position<T: DeserializeOwned>(scope: &CursorScope, cursor: Option<&str>) -> Result<Option<T>> {
    let position = cursor.map(|cursor| scope.position(cursor)).transpose();
    position.map_err(|error| Error::field("cursor", RefusalCode::WrongPosition, error.to_string()))
}
