//! All SQL. Functions take `&impl ConnectionTrait`, so that services own transactions, and return plain structs.

pub mod accounts;
pub mod address_history;
pub mod agent_lists;
pub mod audit;
pub mod blocked_addresses;
pub mod change_sets;
pub mod closing;
pub mod conditions;
pub mod db;
pub mod delivery_events;
pub mod distributions;
pub mod downloads;
pub mod error_tallies;
pub mod event_tallies;
pub mod exemptions;
pub mod idempotency_keys;
pub mod inquiries;
pub mod invitations;
mod journal;
pub mod list_operations;
pub mod mail_servers;
pub mod mails;
pub mod metrics;
pub mod notifications;
pub mod password_resets;
pub mod pending_parts;
pub mod queue;
pub mod run_settings;
pub mod runs;
pub mod search;
pub mod second_factors;
pub mod server_configurations;
pub mod service_settings;
pub mod sessions;
pub mod signing_keys;
pub mod tokens;
mod turns;
pub mod uploads;
pub mod users;

pub use db::{Audited, DatabaseTransaction, Db, Pool};

use chrono::{DateTime, Utc};
/// What services name of the database: a connection or transaction to hand on, and its error.
pub use sea_orm::{ConnectionTrait, DbErr};
use sea_orm::{DatabaseBackend, QueryResult, RuntimeErr, SqlErr, Statement, Value};
use serde::{Serialize, Serializer, de::DeserializeOwned};
use shared::{Reason, run::FailureCause};
use uuid::Uuid;

/// Why the database did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or was not there.
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
    /// A row holds what this version cannot read.
    #[error("unreadable value in the database: {0}")]
    Unreadable(String),
    /// The last of the disk is left to others.
    #[error("less than {} MiB of the disk are free", db::RESERVE >> 20)]
    NoRoom,
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
        let error = match self {
            Self::Database(error) => error,
            Self::NoRoom => return Some(Trouble::Full),
            Self::Unreadable(_) => return None,
        };
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
    let (backend, mut sql, mut values) = (connection.get_database_backend(), sql.into(), values.into_iter().collect());
    if backend == DatabaseBackend::Sqlite {
        (sql, values) = in_order(sql, values);
    }
    Statement::from_sql_and_values(backend, sql, values)
}

/// Whether a statement finds a row.
///
/// # Errors
/// The database refused.
async fn exists<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<bool> {
    Ok(connection.query_one_raw(statement(connection, sql, values)).await?.is_some())
}

/// What a statement counts as `n`.
///
/// # Errors
/// The database refused.
async fn count<C: ConnectionTrait>(
    connection: &C,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<i64> {
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default())
}

/// What follows a SELECT to hold its rows until the transaction ends. SQLite's write transactions are alone anyway.
fn locking<C: ConnectionTrait>(transaction: &C) -> &'static str {
    match transaction.get_database_backend() {
        DatabaseBackend::Sqlite => "",
        _ => " FOR NO KEY UPDATE",
    }
}

/// Which of `all` has this name.
///
/// # Errors
/// [`Error::Unreadable`]: none, of `what` it should be one.
fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, what: &str, text: &str) -> Result<T> {
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or_else(|| Error::Unreadable(format!("{what} {text}")))
}

/// The reason that a row has in its column of that name.
///
/// # Errors
/// [`Error::Unreadable`]: it is none.
fn reason(row: &QueryResult) -> Result<Reason> {
    optional_reason(row)?.ok_or_else(|| Error::Unreadable("no reason".to_owned()))
}

/// The same where there may be none.
fn optional_reason(row: &QueryResult) -> Result<Option<Reason>> {
    let text: Option<String> = row.try_get("", "reason")?;
    text.map(|text| text.parse().map_err(|_| Error::Unreadable(format!("reason {text}")))).transpose()
}

/// Why the last attempt at what a row stands for failed.
///
/// # Errors
/// [`Error::Unreadable`]: it is no cause.
fn error_cause(row: &QueryResult) -> Result<Option<FailureCause>> {
    let text: Option<String> = row.try_get("", "error_cause")?;
    text.map(|text| named(&FailureCause::ALL, FailureCause::as_str, "cause", &text)).transpose()
}

/// Whether there is a row, as a condition within a statement over many rows; `rows` begins with `FROM`. Each row is
/// looked up by all of its key: of `EXISTS`, PostgreSQL makes a join that may read all of a table for each row, as long as
/// it takes the table for small because it grew since it was last analysed. The first run over 10,000 tallies took 7 s so.
fn is_there(rows: &str) -> String {
    format!("(SELECT 1 {rows} LIMIT 1) IS NOT NULL")
}

/// From so many values on their placeholders are written in SQLite's short form.
const MANY_VALUES: usize = 100;

/// SQLite's limit (SQLITE_MAX_VARIABLE_NUMBER).
const MAX_VALUES: usize = 32_766;

/// The same statement with `?` for each placeholder, where it has many values. SQLite looks a numbered placeholder up
/// among all others: ten thousand of them cost a quarter of a second.
fn in_order(sql: String, values: Vec<Value>) -> (String, Vec<Value>) {
    if values.len() < MANY_VALUES {
        return (sql, values);
    }
    let (mut short, mut ordered) = (String::with_capacity(sql.len()), Vec::with_capacity(values.len()));
    let mut rest = sql.as_str();
    while let Some(start) = rest.find(['$', '\'']) {
        short.push_str(&rest[..start]);
        let found = &rest[start..];
        let length = if let Some(number) = found.strip_prefix('$') {
            let digits = number.bytes().take_while(u8::is_ascii_digit).count();
            let Some(value) = number[..digits].parse().ok().and_then(|n: usize| values.get(n.checked_sub(1)?)) else {
                return (sql, values);
            };
            ordered.push(value.clone());
            short.push('?');
            digits + 1
        } else {
            // A text, in which a dollar is a dollar.
            let length = found[1..].find('\'').map_or(found.len(), |end| end + 2);
            short.push_str(&found[..length]);
            length
        };
        rest = &found[length..];
    }
    short.push_str(rest);
    if ordered.len() > MAX_VALUES { (sql, values) } else { (short, ordered) }
}

/// Rows of a statement as one value, a JSON array of arrays, for [`each_row`]. SQLite looks up each numbered placeholder
/// among all of a statement, so that ten thousand cost a quarter of a second; and the text of such a statement would be
/// kept with its plan, a megabyte each.
fn json_rows<T: Serialize>(rows: impl Iterator<Item = T>) -> Result<String> {
    let mut json = Vec::new();
    let written = Serializer::collect_seq(&mut serde_json::Serializer::new(&mut json), rows);
    written.map_err(|error| Error::Unreadable(error.to_string()))?;
    String::from_utf8(json).map_err(|error| Error::Unreadable(error.to_string()))
}

/// What a statement reads the rows of [`json_rows`] from: the column `value` is a row, `value ->> 0` its first field.
fn each_row<C: ConnectionTrait>(connection: &C, placeholder: usize) -> String {
    match connection.get_database_backend() {
        DatabaseBackend::Sqlite => format!("jsonb_each(${placeholder})"),
        _ => format!("jsonb_array_elements(CAST(${placeholder} AS JSONB)) AS item (value)"),
    }
}

/// An expression that makes an id for each row of a statement that is about to run: a UUID of version 7 with a counter
/// of 24 bits (RFC 9562 section 6.2, method 1) that follows `order`. Ids without order would put each row on another page
/// of every index that they stand in.
fn new_id<C: ConnectionTrait>(connection: &C, order: &str) -> String {
    let now = Uuid::now_v7().simple().to_string();
    let time = &now[..12];
    let number = format!("row_number() OVER (ORDER BY {order})");
    match connection.get_database_backend() {
        DatabaseBackend::Sqlite => {
            let counter = format!("printf('%06x', {number})");
            format!(
                "unhex('{time}7' || substr({counter}, 1, 3) || '8' || substr({counter}, 4, 3) || hex(randomblob(6)))"
            )
        }
        _ => {
            let (high, low) = time.split_at(8);
            let counter = format!("lpad(to_hex({number}), 6, '0')");
            format!(
                "CAST(overlay(CAST(gen_random_uuid() AS TEXT) PLACING '{high}-{low}-7' || substr({counter}, 1, 3) || '-8' \
                 || substr({counter}, 4, 3) FROM 1 FOR 23) AS UUID)"
            )
        }
    }
}

/// A placeholder of an id that is selected: PostgreSQL must be told its type.
fn typed_id<C: ConnectionTrait>(connection: &C, placeholder: &str) -> String {
    match connection.get_database_backend() {
        DatabaseBackend::Sqlite => placeholder.to_owned(),
        _ => format!("CAST({placeholder} AS UUID)"),
    }
}

/// Reads a column of JSON.
fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Unreadable(format!("{error} in {text}")))
}

/// What a column of JSON is to hold.
fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Unreadable(error.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_come_in_order_for_sqlite() {
        let values: Vec<Value> = (1..=100_i64).map(Value::from).collect();
        let rows: Vec<String> = (2..=100).map(|n| format!("($1, ${n}, '$2')")).collect();
        let (sql, ordered) = in_order(format!("VALUES {} -- ''", rows.join(", ")), values.clone());
        assert!(sql.starts_with("VALUES (?, ?, '$2'), (?, ?, '$2')") && sql.ends_with("'$2') -- ''"), "{sql}");
        assert_eq!(ordered.len(), 2 * 99);
        assert_eq!(ordered[..4], [1_i64, 2, 1, 3].map(Value::from));
        let few = values[..2].to_vec();
        assert_eq!(in_order("$2, $1".to_owned(), few.clone()), ("$2, $1".to_owned(), few));
        let broken = format!("${}", 101);
        assert_eq!(in_order(broken.clone(), values.clone()), (broken, values));
    }
}
