//! SQLite's write-ahead log, copied into the database file beside the writers. SQLite itself has the writer do it whose
//! commit makes the log too long, and everybody behind waits for that.

use sqlx::{Row, SqliteConnection, SqlitePool};
use tokio::sync::mpsc;

/// From how many pages (of 4 KiB) that are not copied yet it is worth it: what batch after batch changes is copied once for
/// all of them.
const ENOUGH: i64 = 1_024;
/// At how many pages in the log a writer copies what is left after all: SQLite begins the log anew only when it is copied
/// to the end, which nobody else comes to while writers follow each other. Not more: the disk has to hold them twice.
pub(super) const TOO_MANY: &str = "4096";

/// Tells that something was written. The copying goes on until the last of them is dropped.
#[derive(Debug, Clone)]
pub(super) struct Journal(mpsc::Sender<()>);

impl Journal {
    /// Starts to look after the log of a database.
    pub(super) fn of(pool: SqlitePool) -> Self {
        let (written, mut told) = mpsc::channel(1);
        tokio::spawn(async move {
            while told.recv().await.is_some() {
                // What could not be copied stays in the log, and is tried again after the next write.
                if let Err(error) = copy(&pool).await {
                    tracing::debug!(%error, "the journal was not copied into the database file");
                }
            }
        });
        Self(written)
    }

    /// Something was written.
    pub(super) fn written(&self) {
        // Full: it is going to look anyway.
        let _ = self.0.try_send(());
    }
}

async fn copy(pool: &SqlitePool) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    let (pages, copied) = progress(&mut connection).await?;
    if pages - copied >= ENOUGH {
        sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *connection).await?;
    }
    Ok(())
}

/// How many pages the log has, and how many of them are copied.
async fn progress(connection: &mut SqliteConnection) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query("PRAGMA wal_checkpoint(NOOP)").fetch_one(connection).await?;
    Ok((row.try_get(1)?, row.try_get(2)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ConnectionTrait, Db, db::Pool};
    use std::time::{Duration, Instant};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_long_log_is_copied_though_no_writer_has_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::connect(&format!("sqlite://{}", folder.path().join("a.db").display())).await.expect("a database");
        db.connection().execute_unprepared("CREATE TABLE a (b)").await.expect("a table");
        let transaction = db.begin().await.expect("a transaction");
        let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
                    INSERT INTO a SELECT zeroblob(4000) FROM n";
        transaction.execute_unprepared(rows).await.expect("rows");
        transaction.commit().await.expect("a commit");
        let Pool::Sqlite(pool) = db.pool() else { panic!("not SQLite") };
        let too_many: i64 = TOO_MANY.parse().expect("a number");
        let begun = Instant::now();
        loop {
            let mut connection = pool.acquire().await.expect("a connection");
            let (pages, copied) = progress(&mut connection).await.expect("how far it is");
            assert!(pages > ENOUGH && pages < too_many, "{pages} pages prove nothing");
            if copied == pages {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{copied} of {pages}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
