//! The database connection: one pool, chosen by the URL, shared by sea-orm and the job queue.

mod temporary;

use super::{
    Error, Result,
    audit::{self, NewAuditEntry},
    journal::{self, Journal},
    turns::{Turn, Turns},
};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, ExecResult, IsolationLevel, QueryResult,
    SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};
use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;
use uuid::Uuid;

/// The pool below the connection, for the job queue.
#[derive(Debug, Clone)]
pub enum Pool {
    /// A SQLite file.
    Sqlite(sqlx::SqlitePool),
    /// A PostgreSQL server.
    Postgres(sqlx::PgPool),
}

/// A connected database.
#[derive(Debug, Clone)]
pub struct Db {
    connection: DatabaseConnection,
    pool: Pool,
    /// SQLite only.
    turns: Option<Turns>,
    /// SQLite only.
    journal: Option<Journal>,
    audited: broadcast::Sender<Audited>,
}

/// Something was done, as the audit log says.
#[derive(Debug, Clone, Copy)]
pub struct Audited {
    /// The account it was done in; `None` outside of all accounts.
    pub account_id: Option<Uuid>,
    /// What was done.
    pub action: &'static str,
}

/// How many entries of the audit log may wait for who hears of them.
const HEARD: usize = 1024;

/// A transaction that writes; dropped without a commit it changes nothing.
#[derive(Debug)]
pub struct DatabaseTransaction {
    transaction: sea_orm::DatabaseTransaction,
    turn: Option<Turn>,
    journal: Option<Journal>,
    /// What the audit log will say of it.
    audit: Mutex<Vec<NewAuditEntry>>,
    audited: broadcast::Sender<Audited>,
}

impl DatabaseTransaction {
    /// Adds to the audit log what is done in this transaction. It is written by the commit, last of all: who writes to a
    /// log waits for others who do (its entries are a chain), and whoever waits there must hold nothing that is wanted.
    pub fn audit(&self, entry: NewAuditEntry) {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// Makes the changes last, writes them into the audit log, and tells this process of them.
    ///
    /// # Errors
    /// The database refused; nothing changed.
    pub async fn commit(self) -> std::result::Result<(), DbErr> {
        let Self { transaction, turn, journal, audit, audited } = self;
        let entries = audit.into_inner().unwrap_or_else(PoisonError::into_inner);
        let done: Vec<_> =
            entries.iter().map(|entry| Audited { account_id: entry.account_id, action: entry.action }).collect();
        audit::append(&transaction, entries).await.map_err(|error| match error {
            Error::Database(error) => error,
            other => DbErr::Custom(other.to_string()),
        })?;
        let committed = transaction.commit().await;
        drop(turn);
        committed?;
        if let Some(journal) = journal {
            journal.written();
        }
        for one in done {
            // Nobody listening is not an error.
            let _ = audited.send(one);
        }
        Ok(())
    }
}

#[sea_orm::prelude::async_trait::async_trait]
impl ConnectionTrait for DatabaseTransaction {
    fn get_database_backend(&self) -> DatabaseBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> std::result::Result<ExecResult, DbErr> {
        self.transaction.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> std::result::Result<ExecResult, DbErr> {
        self.transaction.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> std::result::Result<Option<QueryResult>, DbErr> {
        self.transaction.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> std::result::Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(statement).await
    }
}

/// To how many bytes SQLite cuts its journal when it is empty again.
const JOURNAL_LIMIT: &str = "67108864";
/// Cuts up to 8 MiB of free pages off a SQLite file. The file itself becomes shorter when the journal is copied into it.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(2048); PRAGMA wal_checkpoint(PASSIVE)";

/// So many bytes of SQLite's disk are left free by what can wait: enough to remove it again, and to go on with the rest.
pub(super) const RESERVE: u64 = 32 << 20;

/// Any number that no other program uses on the same database.
const SCHEMA_LOCK: i64 = 0x5374_6f70_6c69_7374;

/// Held while the schema is brought up to date; the rolled back transaction releases it.
pub struct SchemaLock {
    _transaction: sqlx::Transaction<'static, sqlx::Postgres>,
}

fn failed(error: sqlx::Error) -> Error {
    Error::Database(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))
}

/// Whether a connection may be used again. On a full disk SQLite itself rolls a transaction back, which sqlx does not
/// know: its own roll-back fails, and it would refuse every transaction on this connection from then on.
async fn is_usable(connection: &mut SqliteConnection) -> std::result::Result<bool, sqlx::Error> {
    // Waits for the roll-back.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Makes a file that is missing (or was only begun) so that what deleted uploads held can be given back to the disk.
/// Not in the options of every connection: SQLite writes this setting each time, and on a full disk nobody could read.
async fn make_file(options: &SqliteConnectOptions) -> std::result::Result<(), sqlx::Error> {
    if fs::metadata(options.get_filename()).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    // It holds addresses, password hashes and keys; SQLite gives the files beside it the same mode.
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(options.get_filename())?;
    let options = options.clone().auto_vacuum(SqliteAutoVacuum::Incremental);
    SqliteConnection::connect_with(&options).await?.close().await
}

impl Db {
    /// Connects; makes a SQLite file that is missing, but not its folder.
    ///
    /// # Errors
    /// The URL is not understood or the database cannot be reached.
    pub async fn connect(url: &str) -> Result<Self> {
        let audited = broadcast::channel(HEARD).0;
        if url.starts_with("sqlite:") {
            // Nothing that was acknowledged may be lost: FULL also survives a power cut.
            let options = SqliteConnectOptions::from_str(url)
                .map_err(failed)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(15))
                // KiB: what a batch of events changes stays in memory until its commit.
                .pragma("cache_size", "-16384")
                .foreign_keys(true)
                .pragma("wal_autocheckpoint", journal::TOO_MANY)
                .pragma("journal_size_limit", JOURNAL_LIMIT);
            make_file(&options).await.map_err(failed)?;
            temporary::lend(&options).await.map_err(failed)?;
            let pool = SqlitePoolOptions::new()
                .max_connections(8)
                // There is no line that could break, and whether a connection is usable was seen when it came back.
                .test_before_acquire(false)
                .after_release(|connection, _| Box::pin(is_usable(connection)))
                .connect_with(options)
                .await
                .map_err(failed)?;
            let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.clone());
            let journal = Some(Journal::of(pool.clone()));
            Ok(Self { connection, pool: Pool::Sqlite(pool), turns: Some(Turns::default()), journal, audited })
        } else {
            // Statements here read so few rows that compiling them takes longer than running them.
            // The planner has to know that reading them in the order of an index costs little more than in their own:
            // otherwise it sorts a whole list for each part of it that is asked for.
            let settings = [("jit", "off"), ("random_page_cost", "1.1")];
            let options = PgConnectOptions::from_str(url).map_err(failed)?.options(settings);
            let pool = PgPoolOptions::new()
                .max_connections(20)
                .acquire_timeout(Duration::from_secs(15))
                .connect_with(options)
                .await
                .map_err(failed)?;
            let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.clone());
            Ok(Self { connection, pool: Pool::Postgres(pool), turns: None, journal: None, audited })
        }
    }

    /// The folder that SQLite takes by itself for what does not fit into its memory; `None`: it may write in none of
    /// those that it knows, and gets the one of its database.
    pub fn temporary_folder() -> Option<PathBuf> {
        temporary::folder()
    }

    /// How many connections there are at most.
    pub fn connections(&self) -> u32 {
        match &self.pool {
            Pool::Sqlite(pool) => pool.options().get_max_connections(),
            Pool::Postgres(pool) => pool.options().get_max_connections(),
        }
    }

    /// For statements outside of a transaction.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Which database this is.
    pub fn backend(&self) -> DatabaseBackend {
        match self.pool {
            Pool::Sqlite(_) => DatabaseBackend::Sqlite,
            Pool::Postgres(_) => DatabaseBackend::Postgres,
        }
    }

    /// The pool, for the job queue.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Begins a transaction that will write. SQLite takes the write lock at once: one that begins with a read and
    /// writes later can fail in the middle.
    ///
    /// # Errors
    /// The database is away, or another writer held SQLite's lock for too long.
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let turn = self.turn().await;
        let transaction = self.connection.begin_with_options(options).await?;
        let (journal, audited) = (self.journal.clone(), self.audited.clone());
        Ok(DatabaseTransaction { transaction, turn, journal, audit: Mutex::default(), audited })
    }

    /// Begins a transaction that only reads: all its statements see the database as it is at one moment.
    ///
    /// # Errors
    /// The database is away.
    pub async fn snapshot(&self) -> Result<sea_orm::DatabaseTransaction> {
        let options = TransactionOptions {
            // SQLite knows no other.
            isolation_level: self.turns.is_none().then_some(IsolationLevel::RepeatableRead),
            ..TransactionOptions::default()
        };
        Ok(self.connection.begin_with_options(options).await?)
    }

    /// Hears of everything that this process adds to the audit log from now on.
    pub fn audited(&self) -> broadcast::Receiver<Audited> {
        self.audited.subscribe()
    }

    /// Adds to the audit log what changed nothing else.
    ///
    /// # Errors
    /// The database refused.
    pub async fn audit(&self, entry: NewAuditEntry) -> Result<()> {
        let transaction = self.begin().await?;
        transaction.audit(entry);
        Ok(transaction.commit().await?)
    }

    async fn turn(&self) -> Option<Turn> {
        match &self.turns {
            Some(turns) => Some(turns.wait().await),
            None => None,
        }
    }

    /// Makes other nodes that start at the same moment wait until the returned guard is dropped. SQLite has one process.
    ///
    /// # Errors
    /// The database is away.
    pub async fn lock_schema(&self) -> Result<Option<SchemaLock>> {
        let Pool::Postgres(pool) = &self.pool else { return Ok(None) };
        let mut transaction = pool.begin().await.map_err(failed)?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(SCHEMA_LOCK)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        Ok(Some(SchemaLock { _transaction: transaction }))
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// A migration failed; the database is as it was before that migration.
    pub async fn migrate(&self) -> Result<()> {
        Ok(Migrator::up(&self.connection, None).await?)
    }

    /// Proves that this process may write: as a change of the schema, which is then undone.
    ///
    /// # Errors
    /// The database refused.
    pub async fn try_to_write(&self) -> Result<()> {
        let transaction = self.begin().await?;
        transaction.execute_unprepared("CREATE TABLE may_be_written (x INTEGER)").await?;
        Ok(())
    }

    /// How many migrations have not run yet.
    ///
    /// # Errors
    /// The schema cannot be read.
    pub async fn pending_migrations(&self) -> Result<usize> {
        Ok(Migrator::get_pending_migrations(&self.connection).await?.len())
    }

    /// Refuses when little room is left on SQLite's disk. For what brings many bytes and can wait: without it, it would
    /// take what events, releases and its own removal need. What is left of PostgreSQL's disk only that server knows.
    ///
    /// # Errors
    /// [`Error::NoRoom`].
    pub fn check_room(&self) -> Result<()> {
        let Pool::Sqlite(pool) = &self.pool else { return Ok(()) };
        let disk = rustix::fs::statvfs(pool.connect_options().get_filename());
        // A disk that does not say how full it is refuses by itself.
        let little = disk.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < RESERVE);
        if little { Err(Error::NoRoom) } else { Ok(()) }
    }

    /// Gives some MiB that are no longer used back to the disk. To be called after each step of a removal: on a full disk
    /// it is what lets the next step write. PostgreSQL uses the room again by itself, and a SQLite file that was made
    /// before this setting does too.
    ///
    /// # Errors
    /// The database refused.
    pub async fn give_back_space(&self) -> Result<()> {
        if let Pool::Sqlite(pool) = &self.pool {
            let _turn = self.turn().await;
            sqlx::raw_sql(GIVE_BACK).execute(pool).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.connection.ping().await?)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}
