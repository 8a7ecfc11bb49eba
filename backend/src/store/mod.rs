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

impl Error {
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
