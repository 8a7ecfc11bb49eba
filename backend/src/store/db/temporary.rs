//! Where SQLite puts what does not fit into its memory: large sorts, and what undoes one statement of a transaction.

use rustix::fs::{Access, access};
use sqlx::{
    Connection,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use std::{
    env,
    path::{Path, PathBuf},
};

/// The folder that SQLite takes by itself; `None` when it may write in none of those that it knows. Then it would take
/// the one that the process is in, which for a service is `/`.
pub(super) fn folder() -> Option<PathBuf> {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].into_iter().map(PathBuf::from);
    named
        .chain(usual)
        .find(|folder| folder.is_dir() && access(folder.as_path(), Access::WRITE_OK | Access::EXEC_OK).is_ok())
}

/// Gives SQLite the folder of its database where it finds none: without one, statements fail in the middle of a
/// transaction when they need a file. Only there: elsewhere they go on when the disk of the database is full.
pub(super) async fn lend(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    match options.get_filename().parent() {
        Some(beside) if folder().is_none() => {
            tracing::info!(folder = %beside.display(), "no temporary folder can be written: using the database's");
            take(options, beside).await
        }
        _ => Ok(()),
    }
}

/// For all connections of this process, also those that are open. The pragma is deprecated, and there is no other way:
/// a variable cannot be set safely where there are threads, and memory does not hold the sorts of a long list.
async fn take(options: &SqliteConnectOptions, folder: &Path) -> Result<(), sqlx::Error> {
    let quoted = format!("'{}'", folder.display().to_string().replace('\'', "''"));
    let options = options.clone().pragma("temp_store_directory", quoted);
    SqliteConnection::connect_with(&options).await?.close().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn what_does_not_fit_into_memory_goes_into_the_folder_that_is_lent() {
        let folder = tempfile::tempdir().expect("a folder");
        let beside = folder.path().canonicalize().expect("a path").join("it's here");
        fs::create_dir(&beside).expect("a folder");
        let options = SqliteConnectOptions::new().filename(beside.join("a.db")).create_if_missing(true);
        take(&options, &beside).await.expect("a folder to write in");
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a connection");
        let rows = "CREATE TEMP TABLE a AS WITH RECURSIVE n (i) AS \
                    (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT zeroblob(4000) AS b FROM n";
        sqlx::raw_sql(rows).execute(&mut connection).await.expect("rows");
        // It has no name any more, so that nothing of it stays: only this process holds it.
        let held = fs::read_dir("/proc/self/fd").expect("open files");
        let mut held = held.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        let prefix = beside.join("etilqs_").display().to_string();
        assert!(held.any(|path| path.display().to_string().starts_with(&prefix)), "no file in {}", beside.display());
        connection.close().await.expect("a closed connection");
        // The other tests of this process choose by themselves again.
        take(&options, Path::new("")).await.expect("no folder");
    }
}
