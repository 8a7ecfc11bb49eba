//! All SQL. Functions take `&impl ConnectionTrait`, so that services own transactions, and return plain structs.

pub mod accounts;
pub mod agent_lists;
pub mod audit;
pub mod blocked_addresses;
pub mod change_sets;
pub mod conditions;
pub mod db;
pub mod delivery_events;
pub mod distributions;
pub mod error_tallies;
pub mod exemptions;
pub mod idempotency_keys;
pub mod mail_servers;
pub mod metrics;
pub mod notifications;
pub mod pending_parts;
pub mod queue;
pub mod run_settings;
pub mod runs;
pub mod search;
pub mod server_configurations;
pub mod service_settings;
pub mod sessions;
pub mod tokens;
pub mod users;

pub use db::{Db, Pool};

use chrono::{DateTime, Utc};
/// What services name of the database: a connection or transaction to hand on, and its error.
pub use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use sea_orm::{RuntimeErr, SqlErr, Statement, Value};

/// Why the database did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or was not there.
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
    /// A row holds what this version cannot read.
    #[error("unreadable value in the database: {0}")]
    Unreadable(String),
}

/// Why a database does not do its work, whatever it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or is stopping or starting.
    Away,
    /// Its disk is full.
    Full,
}

impl Error {
    /// What keeps the database from its work, if that is the error.
    pub fn trouble(&self) -> Option<Trouble> {
        let Self::Database(error) = self else { return None };
        let (error, connecting) = match error {
            DbErr::ConnectionAcquire(_) => return Some(Trouble::Away),
            DbErr::Conn(RuntimeErr::SqlxError(error)) => (error, true),
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => (error, false),
            _ => return None,
        };
        match error.as_ref() {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Some(Trouble::Away)
            }
            sqlx::Error::Database(error) => match error.code().as_deref() {
                // SQLITE_FULL, SQLITE_IOERR_SHMSIZE (the file beside the write-ahead log cannot grow); disk_full.
                Some("13" | "4874" | "53100") => Some(Trouble::Full),
                // PostgreSQL: connection exceptions, too many connections, shutting down, starting.
                Some(code) if code.starts_with("08") => Some(Trouble::Away),
                Some("53300" | "57P01" | "57P02" | "57P03") => Some(Trouble::Away),
                _ if connecting => Some(Trouble::Away),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a unique constraint was violated.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Database(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
    }
}

/// What store functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// A statement with numbered placeholders (`$1`), which both databases understand.
pub fn statement<C: ConnectionTrait>(
    connection: &C,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// What sqlx itself reported, where a statement does not go through sea-orm.
fn sqlx_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// A time as the database keeps it: unix milliseconds.
pub fn millis(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

/// A time from the database.
///
/// # Errors
/// The number is no time that chrono can hold.
pub fn time(millis: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| Error::Unreadable(format!("time {millis}")))
}

/// A time from a column that may be NULL.
///
/// # Errors
/// As [`time`].
pub fn optional_time(millis: Option<i64>) -> Result<Option<DateTime<Utc>>> {
    millis.map(time).transpose()
}
