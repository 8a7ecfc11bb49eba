//! Wake-ups between nodes: PostgreSQL's NOTIFY. With SQLite there is one process and nothing to do.

use super::{Db, Pool, Result, sqlx_error, statement};
use sea_orm::{ConnectionTrait, DatabaseBackend};
use sqlx::postgres::PgListener;

const CHANNEL: &str = "stoplist";

/// Tells the other nodes, once the transaction commits.
///
/// # Errors
/// The database refused.
pub async fn notify<C: ConnectionTrait>(transaction: &C, payload: &str) -> Result<()> {
    if transaction.get_database_backend() == DatabaseBackend::Postgres {
        let sql = "SELECT pg_notify($1, $2)";
        transaction.query_one_raw(statement(transaction, sql, [CHANNEL.into(), payload.into()])).await?;
    }
    Ok(())
}

/// Hears what other nodes tell, and what this one does.
pub struct Listener(PgListener);

impl Listener {
    /// Begins to listen; `None` with SQLite.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn connect(db: &Db) -> Result<Option<Self>> {
        let Pool::Postgres(pool) = db.pool() else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await.map_err(sqlx_error)?;
        listener.listen(CHANNEL).await.map_err(sqlx_error)?;
        Ok(Some(Self(listener)))
    }

    /// The next payload; `None` when the connection was lost and made again, so that some may have been missed.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let notification = self.0.try_recv().await.map_err(sqlx_error)?;
        Ok(notification.map(|notification| notification.payload().to_owned()))
    }
}
