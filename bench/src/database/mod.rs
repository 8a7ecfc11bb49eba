//! Databases of the service, and statements as a user would type them.

pub mod load;
pub mod rows;

use crate::tools;
use anyhow::Context;
use clap::ValueEnum;
use sqlx::{
    AssertSqlSafe, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use uuid::Uuid;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Where databases are made.
#[derive(Debug, Clone)]
pub enum Server {
    /// Files in a folder.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by the URL of its database `postgres`.
    Postgres(String),
}

impl Server {
    /// Which database it makes.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// An empty database.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn create(&self, name: &str) -> anyhow::Result<Database> {
        let database = self.database(name)?;
        database.discard().await?;
        if let Self::Postgres(url) = self {
            tools::output(psql(url).arg("-c").arg(format!("CREATE DATABASE {name}"))).await?;
        }
        Ok(database)
    }

    fn database(&self, name: &str) -> anyhow::Result<Database> {
        let place = match self {
            Self::Sqlite(folder) => folder.join(format!("{name}.db")).display().to_string(),
            Self::Postgres(url) => {
                let (server, _) = url.rsplit_once('/').context("the URL names no database")?;
                format!("{server}/{name}")
            }
        };
        Ok(Database { server: self.clone(), name: name.to_owned(), place })
    }
}

/// One database. It is removed with the folder of the run, or by [`Database::remove`].
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
    /// The file, or the URL.
    place: String,
}

impl Database {
    /// Which one.
    pub fn kind(&self) -> Kind {
        self.server.kind()
    }

    /// For the service's `--database-url`.
    pub fn url(&self) -> String {
        match self.kind() {
            Kind::Sqlite => format!("sqlite://{}", self.place),
            Kind::Postgres => self.place.clone(),
        }
    }

    /// The same database under another name. Nobody may use it meanwhile.
    ///
    /// # Errors
    /// The disk is full, or the server refuses.
    pub async fn copy(&self, name: &str) -> anyhow::Result<Self> {
        let copy = self.server.database(name)?;
        // A work that failed leaves its databases behind.
        copy.discard().await?;
        match &self.server {
            Server::Sqlite(_) => {
                // Everything into the one file first.
                self.execute("PRAGMA wal_checkpoint(TRUNCATE);").await?;
                tools::output(Command::new("cp").arg(&self.place).arg(&copy.place)).await?;
            }
            Server::Postgres(url) => {
                let sql = format!("CREATE DATABASE {name} TEMPLATE {} STRATEGY file_copy", self.name);
                tools::output(psql(url).arg("-c").arg(sql)).await?;
            }
        }
        Ok(copy)
    }

    /// Gives the disk space back.
    ///
    /// # Errors
    /// The disk or the server refuses.
    pub async fn remove(self) -> anyhow::Result<()> {
        self.discard().await
    }

    async fn discard(&self) -> anyhow::Result<()> {
        match &self.server {
            Server::Sqlite(_) => {
                for ending in ["", "-wal", "-shm"] {
                    let file = format!("{}{ending}", self.place);
                    if Path::new(&file).exists() {
                        std::fs::remove_file(file)?;
                    }
                }
            }
            Server::Postgres(url) => {
                let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
                tools::output(psql(url).arg("-c").arg(sql)).await?;
            }
        }
        Ok(())
    }

    /// `psql` or `sqlite3` on this database, as a user would start it.
    pub fn shell(&self) -> Command {
        match self.kind() {
            Kind::Sqlite => {
                let mut command = Command::new("sqlite3");
                command.args(["-bail", "-batch"]).arg(&self.place);
                command
            }
            Kind::Postgres => psql(&self.place),
        }
    }

    /// The SQLite file, by the very SQLite that the service is built with and with its settings: distributions carry
    /// older ones, which do not know every function that the schema uses.
    async fn sqlite(&self) -> anyhow::Result<SqliteConnection> {
        let options = SqliteConnectOptions::new()
            .filename(&self.place)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(15))
            .foreign_keys(true);
        Ok(SqliteConnection::connect_with(&options).await?)
    }

    /// Runs statements in one session.
    ///
    /// # Errors
    /// A statement fails.
    pub async fn execute(&self, sql: &str) -> anyhow::Result<()> {
        match self.kind() {
            Kind::Sqlite => {
                let mut connection = self.sqlite().await?;
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.with_context(|| sql.to_owned())?;
                Ok(connection.close().await?)
            }
            Kind::Postgres => tools::output(self.shell().arg("-c").arg(sql)).await.map(|_| ()),
        }
    }

    /// The lines that a query for one text answers.
    ///
    /// # Errors
    /// The query fails.
    pub async fn lines(&self, sql: &str) -> anyhow::Result<Vec<String>> {
        match self.kind() {
            Kind::Sqlite => {
                let mut connection = self.sqlite().await?;
                let lines = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await;
                connection.close().await?;
                lines.with_context(|| sql.to_owned())
            }
            Kind::Postgres => {
                let output = tools::output(self.shell().arg("-c").arg(sql)).await?;
                Ok(output.lines().map(str::to_owned).collect())
            }
        }
    }

    /// The number of rows of a table.
    ///
    /// # Errors
    /// There is no such table.
    pub async fn count(&self, table: &str) -> anyhow::Result<u64> {
        let lines = self.lines(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await?;
        lines.first().and_then(|line| line.parse().ok()).with_context(|| format!("{table} has no number: {lines:?}"))
    }

    /// A UUID as a literal of this database.
    pub fn id(&self, id: Uuid) -> String {
        match self.kind() {
            Kind::Sqlite => format!("x'{}'", id.simple()),
            Kind::Postgres => format!("'{id}'::uuid"),
        }
    }
}

/// Unaligned, without headings, stopping at the first error.
fn psql(url: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", url]);
    command
}
