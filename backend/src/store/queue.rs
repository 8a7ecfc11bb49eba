//! The tables of the job queue, written in the transaction of the row that the job is about: either both are there
//! after a crash or neither. The row is the truth, the queue a doorbell (DESIGN decision 1).

use super::{Db, Pool, Result, sqlx_error, statement};
use sea_orm::{ConnectionTrait, DatabaseBackend};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The queue's name in the database.
pub const QUEUE: &str = "stoplist";
/// The queue of jobs that may take minutes: they must not hold up the others.
pub const LONG_QUEUE: &str = "stoplist-long";
/// The queue of mails, which wait for other people's mail servers, and which somebody waits for.
pub const MAIL_QUEUE: &str = "stoplist-mail";

/// What there is to do. Performing one twice does nothing the second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Perform a run.
    Run(Uuid),
    /// Publish a distribution.
    Distribution(Uuid),
    /// Perform a list operation, or a slice of it.
    ListOperation(Uuid),
    /// Analyse an upload, or take a removed one away.
    Upload(Uuid),
    /// Send a mail.
    Mail(Uuid),
}

impl Job {
    /// The queue that it waits in.
    const fn queue(self) -> &'static str {
        match self {
            Self::Run(_) | Self::Distribution(_) | Self::ListOperation(_) => QUEUE,
            Self::Upload(_) => LONG_QUEUE,
            Self::Mail(_) => MAIL_QUEUE,
        }
    }
}

/// Enqueues a job that starts after `delay` seconds of the database's clock.
///
/// # Errors
/// The database refused.
pub async fn ring<C: ConnectionTrait>(connection: &C, job: Job, delay: u32) -> Result<()> {
    let payload = serde_json::to_vec(&job).map_err(|error| super::Error::Unreadable(error.to_string()))?;
    let sql = match connection.get_database_backend() {
        DatabaseBackend::Sqlite => {
            "INSERT INTO Jobs (job, id, job_type, status, attempts, max_attempts, run_at, priority, metadata) \
             VALUES ($1, $2, $3, 'Pending', 0, 1, CAST(strftime('%s', 'now') AS INTEGER) + $4, 0, '{}')"
        }
        _ => {
            "INSERT INTO apalis.jobs (job, id, job_type, status, attempts, max_attempts, run_at, priority) \
             VALUES ($1, $2, $3, 'Pending', 0, 1, now() - interval '1 second' + $4 * interval '1 second', 0)"
        }
    };
    let id = ulid::Ulid::generate().to_string();
    connection
        .execute_raw(statement(
            connection,
            sql,
            [payload.into(), id.into(), job.queue().into(), i64::from(delay).into()],
        ))
        .await?;
    Ok(())
}

/// How many jobs wait to be performed, those that wait for another attempt included.
///
/// # Errors
/// The database refused.
pub async fn waiting<C: ConnectionTrait>(connection: &C) -> Result<i64> {
    let table = match connection.get_database_backend() {
        DatabaseBackend::Sqlite => "Jobs",
        _ => "apalis.jobs",
    };
    let sql = format!("SELECT COUNT(*) AS count FROM {table} WHERE job_type = $1 AND status = 'Pending'");
    let row = connection.query_one_raw(statement(connection, sql, [QUEUE.into()])).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get("", "count")?))
}

/// Takes back the jobs that the process before this one was performing. Only on SQLite, where there is one process:
/// with PostgreSQL another node may be performing them, and the queue itself notices dead workers.
///
/// # Errors
/// The database refused.
pub async fn take_back(db: &Db) -> Result<()> {
    if let Pool::Sqlite(pool) = db.pool() {
        sqlx::query(
            "UPDATE Jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL, done_at = NULL \
             WHERE status IN ('Running', 'Queued')",
        )
        .execute(pool)
        .await
        .map_err(sqlx_error)?;
    }
    Ok(())
}

/// Removes jobs that ended, and workers that were last seen, more than a day ago: the queue never does.
///
/// # Errors
/// The database refused.
pub async fn prune(db: &Db) -> Result<()> {
    match db.pool() {
        Pool::Sqlite(pool) => {
            for sql in [
                "DELETE FROM Jobs WHERE done_at < strftime('%s', 'now') - 86400 AND status IN ('Done', 'Killed', 'Failed')",
                "DELETE FROM Workers WHERE last_seen < strftime('%s', 'now') - 86400 \
                 AND id NOT IN (SELECT lock_by FROM Jobs WHERE lock_by IS NOT NULL)",
            ] {
                sqlx::query(sql).execute(pool).await.map_err(sqlx_error)?;
            }
        }
        Pool::Postgres(pool) => {
            for sql in [
                "DELETE FROM apalis.jobs WHERE done_at < now() - interval '1 day' \
                 AND status IN ('Done', 'Killed', 'Failed')",
                "DELETE FROM apalis.workers w WHERE last_seen < now() - interval '1 day' \
                 AND NOT EXISTS (SELECT 1 FROM apalis.jobs j WHERE j.lock_by = w.id)",
            ] {
                sqlx::query(sql).execute(pool).await.map_err(sqlx_error)?;
            }
        }
    }
    Ok(())
}

/// Forgets every job: for sample data, whose work was done without the queue.
///
/// # Errors
/// The database refused.
pub async fn clear<C: ConnectionTrait>(connection: &C) -> Result<()> {
    let sql = match connection.get_database_backend() {
        DatabaseBackend::Sqlite => "DELETE FROM Jobs",
        _ => "DELETE FROM apalis.jobs",
    };
    connection.execute_raw(statement(connection, sql, [])).await?;
    Ok(())
}
