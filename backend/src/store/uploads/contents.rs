//! What an analysis finds in an upload: valid addresses, invalid rows, counts. Only the analysis that claimed the upload
//! last may write.

use super::super::{
    Db, Error, Pool, Result, change_sets::BUILDING, exemptions::in_force, millis, named, sqlx_error, statement, to_json,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use shared::{
    AddressKey,
    upload::{Analysis, Failure, InvalidCause, ReadingRequest, RecordCounts, UploadState},
};
use uuid::Uuid;

/// Rows of one statement on SQLite, which allows 32,766 values.
const ROWS: usize = 500;
/// Places, or lines, whose rows are removed in one statement.
const REMOVED_AT_ONCE: i64 = 50_000;

/// A row with a valid address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidRow {
    /// The address.
    pub key: AddressKey,
    /// How it was written.
    pub address: String,
}

/// A row without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// The line where its record begins, from 1.
    pub line: i64,
    /// What stands there instead of an address.
    pub value: String,
    /// Why it is none.
    pub cause: InvalidCause,
}

/// Rows that are written together.
#[derive(Debug, Default)]
pub struct Batch {
    /// The place of the first row with a valid address among all of the upload; the others follow it.
    pub first: i64,
    /// With a valid address, in the order in which lists take them.
    pub valid: Vec<ValidRow>,
    /// Without one.
    pub invalid: Vec<InvalidRow>,
}

/// How an analysis ended.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The state that follows.
    pub state: UploadState,
    /// What was found.
    pub analysis: Option<&'a Analysis>,
    /// Why the file could not be read.
    pub failure: Option<&'a Failure>,
}

/// Makes `reader` the only analysis that may write, and counts the attempt; false when there is nothing to analyse.
///
/// # Errors
/// The database refused.
pub async fn claim<C: ConnectionTrait>(connection: &C, id: Uuid, reader: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let sql = "UPDATE uploads SET writer = $2, attempts = attempts + 1, progress = 0, rung_at = $3 \
               WHERE id = $1 AND state = 'analysing'";
    let values = [id.into(), reader.into(), millis(now).into()];
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected() == 1)
}

/// Says that an analysis goes on; false when another one took over.
///
/// # Errors
/// The database refused.
pub async fn alive<C: ConnectionTrait>(connection: &C, id: Uuid, reader: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let sql = "UPDATE uploads SET rung_at = $3 WHERE id = $1 AND writer = $2 AND state = 'analysing'";
    let values = [id.into(), reader.into(), millis(now).into()];
    Ok(connection.execute_raw(statement(connection, sql, values)).await?.rows_affected() == 1)
}

/// Also holds the upload's row until the transaction ends.
const PROGRESS: &str = "UPDATE uploads SET progress = $3 WHERE id = $1 AND writer = $2 AND state = 'analysing'";

/// Writes rows, and how far the analysis has come (0 to 1), in a transaction of its own; false when another analysis
/// took over.
///
/// # Errors
/// The database refused; nothing is written.
pub async fn append(db: &Db, id: Uuid, reader: Uuid, batch: &Batch, progress: f64) -> Result<bool> {
    match db.pool() {
        Pool::Sqlite(_) => {
            db.check_room()?;
            let transaction = db.begin().await?;
            let values = [id.into(), reader.into(), progress.into()];
            if transaction.execute_raw(statement(&transaction, PROGRESS, values)).await?.rows_affected() == 0 {
                return Ok(false);
            }
            for (place, rows) in (batch.first..).step_by(ROWS).zip(batch.valid.chunks(ROWS)) {
                insert_valid(&transaction, id, place, rows).await?;
            }
            for rows in batch.invalid.chunks(ROWS) {
                insert_invalid(&transaction, id, rows).await?;
            }
            transaction.commit().await?;
            Ok(true)
        }
        // COPY takes rows twice as fast as INSERT, but sea-orm does not offer it.
        Pool::Postgres(pool) => Ok(copy(pool, id, reader, batch, progress).await.map_err(sqlx_error)?),
    }
}

async fn copy(
    pool: &sqlx::PgPool,
    id: Uuid,
    reader: Uuid,
    batch: &Batch,
    progress: f64,
) -> std::result::Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let mine = sqlx::query(PROGRESS).bind(id).bind(reader).bind(progress).execute(&mut *transaction).await?;
    if mine.rows_affected() == 0 {
        return Ok(false);
    }
    let valid = (batch.first..).zip(&batch.valid).map(|(place, row)| {
        let key = row.key.as_str().as_bytes();
        (place, [key, row.address.as_bytes(), row.key.domain().as_bytes()])
    });
    let sql = "COPY upload_addresses (upload_id, place, address_key, address, domain) FROM STDIN (FORMAT binary)";
    send(&mut transaction, sql, binary_rows(id, valid)).await?;
    let invalid = batch.invalid.iter().map(|row| (row.line, [row.value.as_bytes(), row.cause.as_str().as_bytes()]));
    let sql = "COPY upload_invalid_rows (upload_id, line, value, cause) FROM STDIN (FORMAT binary)";
    send(&mut transaction, sql, binary_rows(id, invalid)).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn send(connection: &mut sqlx::PgConnection, sql: &str, data: Vec<u8>) -> std::result::Result<(), sqlx::Error> {
    let mut copy = connection.copy_in_raw(sql).await?;
    copy.send(data).await?;
    copy.finish().await?;
    Ok(())
}

/// PostgreSQL's binary format of COPY (its documentation, COPY, "Binary Format"): the upload, the place or line, and texts.
fn binary_rows<'a, const TEXTS: usize>(id: Uuid, rows: impl Iterator<Item = (i64, [&'a [u8]; TEXTS])>) -> Vec<u8> {
    fn field(data: &mut Vec<u8>, bytes: &[u8]) {
        // No text here is longer than a record, which is far below 2 GiB.
        data.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
        data.extend_from_slice(bytes);
    }
    let fields = (2 + TEXTS) as i16;
    let mut data = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    for (number, texts) in rows {
        data.extend_from_slice(&fields.to_be_bytes());
        field(&mut data, id.as_bytes());
        field(&mut data, &number.to_be_bytes());
        for text in texts {
            field(&mut data, text);
        }
    }
    data.extend_from_slice(&(-1_i16).to_be_bytes());
    data
}

async fn insert_valid<C: ConnectionTrait>(transaction: &C, id: Uuid, first: i64, rows: &[ValidRow]) -> Result<()> {
    let mut values: Vec<Value> = Vec::with_capacity(1 + rows.len() * 4);
    values.push(id.into());
    for (place, row) in (first..).zip(rows) {
        values.extend([place.into(), row.key.as_str().into(), row.address.as_str().into(), row.key.domain().into()]);
    }
    let sql = format!(
        "INSERT INTO upload_addresses (upload_id, place, address_key, address, domain) VALUES {}",
        tuples(rows.len(), 4)
    );
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

async fn insert_invalid<C: ConnectionTrait>(transaction: &C, id: Uuid, rows: &[InvalidRow]) -> Result<()> {
    let mut values: Vec<Value> = Vec::with_capacity(1 + rows.len() * 3);
    values.push(id.into());
    for row in rows {
        values.extend([row.line.into(), row.value.as_str().into(), row.cause.as_str().into()]);
    }
    let sql =
        format!("INSERT INTO upload_invalid_rows (upload_id, line, value, cause) VALUES {}", tuples(rows.len(), 3));
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// `($1, $2, …), ($1, …), …`: rows that share their first value.
fn tuples(rows: usize, columns: usize) -> String {
    let tuple = |row: usize| {
        let own: Vec<String> = (0..columns).map(|column| format!("${}", 2 + row * columns + column)).collect();
        format!("($1, {})", own.join(", "))
    };
    (0..rows).map(tuple).collect::<Vec<_>>().join(", ")
}

/// How many addresses a file has, each once, and what the lists say of them now.
///
/// # Errors
/// The database refused.
pub async fn count<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    id: Uuid,
) -> Result<RecordCounts> {
    // GROUP BY sorts on SQLite, so that the look-ups walk through the lists' indexes in order.
    let sql = format!(
        "SELECT COUNT(*) AS distinct_count, CAST(COALESCE(SUM(u.n), 0) AS BIGINT) AS valid, COUNT(b.id) AS blocked, \
         COUNT(CASE WHEN b.id IS NULL THEN e.id END) AS exempt \
         FROM (SELECT address_key, COUNT(*) AS n FROM upload_addresses WHERE upload_id = $2 GROUP BY address_key) u \
         LEFT JOIN blocked_addresses b ON b.server_configuration_id = $1 AND b.address_key = u.address_key \
         AND b.added_set_id NOT IN {BUILDING} \
         LEFT JOIN exemptions e ON e.server_configuration_id = $1 AND e.address_key = u.address_key AND {}",
        in_force("e")
    );
    let values = [server_configuration_id.into(), id.into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    let row = row.ok_or_else(|| Error::Unreadable("no counts".to_owned()))?;
    let distinct: i64 = row.try_get("", "distinct_count")?;
    let valid: i64 = row.try_get("", "valid")?;
    let already_blocked: i64 = row.try_get("", "blocked")?;
    let exempt: i64 = row.try_get("", "exempt")?;
    Ok(RecordCounts {
        total: valid,
        new: distinct - already_blocked - exempt,
        already_blocked,
        exempt,
        duplicate: valid - distinct,
        ..RecordCounts::default()
    })
}

/// Ends an analysis; false when another one took over.
///
/// # Errors
/// The database refused.
pub async fn finish<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    reader: Uuid,
    outcome: Outcome<'_>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE uploads SET state = $3, analysis = $4, failure = $5, progress = 1, attempts = 0, writer = NULL, \
               updated_at = $6, expires_at = $7 WHERE id = $1 AND writer = $2 AND state = 'analysing'";
    let values = [
        id.into(),
        reader.into(),
        outcome.state.as_str().into(),
        outcome.analysis.map(to_json).transpose()?.into(),
        outcome.failure.map(to_json).transpose()?.into(),
        millis(now).into(),
        millis(expires_at).into(),
    ];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Notes why an attempt to analyse failed.
///
/// # Errors
/// The database refused.
pub async fn note<C: ConnectionTrait>(connection: &C, id: Uuid, failure: &Failure) -> Result<()> {
    let sql = "UPDATE uploads SET failure = $2 WHERE id = $1 AND state = 'analysing'";
    connection.execute_raw(statement(connection, sql, [id.into(), to_json(failure)?.into()])).await?;
    Ok(())
}

/// Asks for another reading: the upload is analysed again. False when its bytes are not all here, or it is being
/// registered or was.
///
/// # Errors
/// The database refused.
pub async fn read_again<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    wanted: &ReadingRequest,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let sql = "UPDATE uploads SET state = 'analysing', reading = $2, analysis = NULL, failure = NULL, progress = 0, \
               attempts = 0, writer = NULL, rung_at = $3, updated_at = $3, expires_at = $4 \
               WHERE id = $1 AND state IN ('analysing', 'ready', 'failed')";
    let values = [id.into(), to_json(wanted)?.into(), millis(now).into(), millis(expires_at).into()];
    Ok(transaction.execute_raw(statement(transaction, sql, values)).await?.rows_affected() == 1)
}

/// Invalid rows after a line, in order, at most `limit`.
///
/// # Errors
/// The database refused; a row has a cause that is none.
pub async fn invalid_rows<C: ConnectionTrait>(
    connection: &C,
    id: Uuid,
    after: i64,
    limit: usize,
) -> Result<Vec<InvalidRow>> {
    let sql = format!(
        "SELECT line, value, cause FROM upload_invalid_rows WHERE upload_id = $1 AND line > $2 ORDER BY line LIMIT {limit}"
    );
    let rows = connection.query_all_raw(statement(connection, sql, [id.into(), after.into()])).await?;
    let read = |row: &QueryResult| {
        let cause: String = row.try_get("", "cause")?;
        let cause = named(&InvalidCause::ALL, InvalidCause::as_str, "cause", &cause)?;
        Ok(InvalidRow { line: row.try_get("", "line")?, value: row.try_get("", "value")?, cause })
    };
    rows.iter().map(read).collect()
}

/// Removes what an analysis found, some thousand rows after the place and line `after`. Answers where to go on after,
/// `None` at the end.
///
/// # Errors
/// The database refused.
pub async fn remove<C: ConnectionTrait>(connection: &C, id: Uuid, after: i64) -> Result<Option<i64>> {
    let mut more = false;
    let until = after + REMOVED_AT_ONCE;
    for (table, number) in [("upload_addresses", "place"), ("upload_invalid_rows", "line")] {
        let sql = format!("DELETE FROM {table} WHERE upload_id = $1 AND {number} > $2 AND {number} <= $3");
        connection.execute_raw(statement(connection, sql, [id.into(), after.into(), until.into()])).await?;
        let sql = format!("SELECT 1 AS one FROM {table} WHERE upload_id = $1 AND {number} > $2 LIMIT 1");
        more |= connection.query_one_raw(statement(connection, sql, [id.into(), until.into()])).await?.is_some();
    }
    Ok(more.then_some(until))
}
