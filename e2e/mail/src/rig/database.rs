//! A database of its own for each test.

use anyhow::Context;
use sqlx::{Connection, PgConnection};
use std::path::Path;

/// Where a PostgreSQL is on which tests may make databases; unset: the tests use SQLite files.
pub const VARIABLE: &str = "STOPLIST_TEST_DATABASE_URL";

/// The database of one test; a PostgreSQL one is dropped with this value.
pub struct Database {
    url: String,
    /// The server and the name of the database, if it has to be dropped.
    made: Option<(String, String)>,
}

impl Database {
    /// A new, empty database: on the PostgreSQL that [`VARIABLE`] names, else a SQLite file in `folder`.
    ///
    /// # Errors
    /// The PostgreSQL cannot be reached.
    pub async fn fresh(folder: &Path) -> anyhow::Result<Self> {
        let Some(server) = postgres() else {
            let url = format!("sqlite://{}", folder.join("stoplist.db").display());
            return Ok(Self { url, made: None });
        };
        let name = format!("stoplist_mail_{}", uuid::Uuid::new_v4().simple());
        execute(&server, format!("CREATE DATABASE {name}")).await?;
        let (base, options) = server.split_once('?').unwrap_or((&server, ""));
        let (scheme, rest) = base.split_once("://").context("not a database URL")?;
        let host = rest.split('/').next().unwrap_or_default();
        let separator = if options.is_empty() { "" } else { "?" };
        let url = format!("{scheme}://{host}/{name}{separator}{options}");
        Ok(Self { url, made: Some((server, name)) })
    }

    /// For `--database-url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether several processes can share a test's database: on PostgreSQL.
    pub fn is_shared() -> bool {
        postgres().is_some()
    }
}

fn postgres() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| url.starts_with("postgres"))
}

async fn execute(server: &str, statement: String) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(server)
        .await
        .with_context(|| format!("cannot reach the PostgreSQL that {VARIABLE} names"))?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = self.made.take() else { return };
        // A thread with its own runtime, because a drop cannot wait inside the test's runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute(&server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")))
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a test database stays behind: {error:#}");
        }
    }
}
