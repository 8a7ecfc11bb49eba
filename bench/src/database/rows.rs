//! Bulk writes: `COPY` for PostgreSQL, large `INSERT` statements for SQLite.

use super::{Database, Kind};
use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::{
    fmt::Write as _,
    io::{BufWriter, Write},
    process::{Child, ChildStdin, Stdio},
};
use tokio::runtime::Handle;
use uuid::Uuid;

/// Rows in one `INSERT`.
const CHUNK: usize = 500;

/// Statements in one transaction: a million rows. All in one would need the disk space twice, for the database and for
/// its log.
const STATEMENTS: usize = 2_000;

/// One value.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    /// A UUID.
    Id(Uuid),
    /// A text.
    Text(&'a str),
    /// A number.
    Number(i64),
}

/// Writes many rows into one table. Blocks: not for the threads of the runtime.
pub enum Rows {
    /// In large transactions.
    Sqlite {
        /// That of the transactions.
        connection: SqliteConnection,
        /// What every statement begins with.
        insert: String,
        /// Rows of the next statement.
        rows: String,
        /// How many.
        count: usize,
        /// Statements since the transaction began.
        statements: usize,
    },
    /// The standard input of `COPY`.
    Postgres {
        /// The shell that copies.
        shell: Child,
        /// Its input.
        input: BufWriter<ChildStdin>,
        /// The next line.
        line: String,
    },
}

impl Rows {
    /// Begins.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub async fn into(database: &Database, table: &str, columns: &[&str]) -> anyhow::Result<Self> {
        let columns = columns.join(", ");
        if database.kind() == Kind::Sqlite {
            let mut connection = database.sqlite().await?;
            // Loading is not measured: what a power cut leaves does not matter.
            let begin = "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; BEGIN IMMEDIATE;";
            sqlx::raw_sql(begin).execute(&mut connection).await?;
            let insert = format!("INSERT INTO {table} ({columns}) VALUES\n");
            return Ok(Self::Sqlite { connection, insert, rows: String::new(), count: 0, statements: 0 });
        }
        let mut shell = database.shell();
        shell.arg("-c").arg(format!("COPY {table} ({columns}) FROM STDIN (FORMAT csv)"));
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("cannot start psql")?;
        let input = BufWriter::with_capacity(1 << 20, shell.stdin.take().context("psql has no input")?);
        Ok(Self::Postgres { shell, input, line: String::new() })
    }

    /// Adds one row.
    ///
    /// # Errors
    /// The database refuses it or one before.
    pub fn push(&mut self, cells: &[Cell<'_>]) -> anyhow::Result<()> {
        match self {
            Self::Sqlite { rows, count, .. } => {
                rows.push_str(if rows.is_empty() { "(" } else { ",\n(" });
                for (n, cell) in cells.iter().enumerate() {
                    let comma = if n == 0 { "" } else { "," };
                    match cell {
                        Cell::Id(id) => write!(rows, "{comma}x'{}'", id.simple())?,
                        Cell::Text(text) => write!(rows, "{comma}'{}'", text.replace('\'', "''"))?,
                        Cell::Number(number) => write!(rows, "{comma}{number}")?,
                    }
                }
                rows.push(')');
                *count += 1;
                if *count == CHUNK { self.flush() } else { Ok(()) }
            }
            Self::Postgres { input, line, .. } => {
                line.clear();
                for (n, cell) in cells.iter().enumerate() {
                    let comma = if n == 0 { "" } else { "," };
                    match cell {
                        Cell::Id(id) => write!(line, "{comma}{id}")?,
                        Cell::Text(text) => write!(line, "{comma}\"{}\"", text.replace('"', "\"\""))?,
                        Cell::Number(number) => write!(line, "{comma}{number}")?,
                    }
                }
                line.push('\n');
                Ok(input.write_all(line.as_bytes())?)
            }
        }
    }

    /// Sends the rows that wait.
    fn flush(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite { connection, insert, rows, count, statements } => {
                if *count == 0 {
                    return Ok(());
                }
                *statements += 1;
                let commit = if *statements == STATEMENTS { ";\nCOMMIT;\nBEGIN IMMEDIATE" } else { "" };
                let sql = AssertSqlSafe(format!("{insert}{rows}{commit}"));
                Handle::current().block_on(sqlx::raw_sql(sql).execute(connection))?;
                rows.clear();
                *count = 0;
                *statements %= STATEMENTS;
                Ok(())
            }
            Self::Postgres { input, .. } => Ok(input.flush()?),
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// The database refuses a row.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        match self {
            Self::Sqlite { mut connection, .. } => Handle::current().block_on(async {
                sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
                Ok(connection.close().await?)
            }),
            Self::Postgres { mut shell, input, .. } => {
                drop(input);
                let status = shell.wait()?;
                ensure!(status.success(), "the rows cannot be loaded ({status})");
                Ok(())
            }
        }
    }
}
