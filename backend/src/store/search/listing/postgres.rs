//! What PostgreSQL is told about a search by its trigram index.

use sea_orm::{DbErr, RuntimeErr};

/// What may not take longer on PostgreSQL, in milliseconds: its bitmap scans read all of an index before the first row.
const INDEX_TIME: u32 = 700;

/// PostgreSQL: the trigram index and nothing else, for so long.
pub fn bitmap_scans() -> String {
    format!(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; \
         SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL statement_timeout = {INDEX_TIME}"
    )
}

/// PostgreSQL ended the statement at its time limit (SQLSTATE 57014).
pub fn is_cancelled(error: &DbErr) -> bool {
    let (DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error))) = error else {
        return false;
    };
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "57014")
}
