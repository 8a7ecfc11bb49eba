//! Distributions, and which mail server acknowledged them.

use super::{
    Result,
    change_sets::{Head, Sum, checksum, placeholders},
    error_cause, is_there, millis, optional_time,
    search::{Conditions, Keyset, newest},
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use shared::{
    ListChecksum,
    run::{Distribution, DistributionKind, DistributionState, FailureCause, Receipt},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A stored distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDistribution {
    /// Its server configuration.
    pub server_configuration_id: Uuid,
    /// How often publishing it was tried.
    pub attempts: i64,
    /// What is shown of it, without receipts.
    pub distribution: Distribution,
}

const COLUMNS: &str = "d.id, d.server_configuration_id, d.kind, d.version, d.added, d.removed, d.count, d.checksum, \
                       d.created_at, d.published_at, d.completed_at, d.attempts, d.error, \
                       d.error_cause";

fn read_kind(row: &QueryResult) -> Result<DistributionKind> {
    let kind: String = row.try_get("", "kind")?;
    let known = DistributionKind::ALL.into_iter().find(|known| known.as_str() == kind);
    known.ok_or(super::Error::Unreadable(kind))
}

fn read(row: &QueryResult) -> Result<StoredDistribution> {
    let published_at = optional_time(row.try_get("", "published_at")?)?;
    let completed_at = optional_time(row.try_get("", "completed_at")?)?;
    let distribution = Distribution {
        id: row.try_get("", "id")?,
        kind: read_kind(row)?,
        state: match (published_at, completed_at) {
            (_, Some(_)) => DistributionState::Complete,
            (Some(_), None) => DistributionState::Published,
            (None, None) => DistributionState::Queued,
        },
        version: row.try_get("", "version")?,
        added: row.try_get("", "added")?,
        removed: row.try_get("", "removed")?,
        count: row.try_get("", "count")?,
        checksum: published_at.is_some().then(|| checksum(row, "checksum")).transpose()?,
        created_at: time(row.try_get("", "created_at")?)?,
        published_at,
        completed_at,
        error: row.try_get("", "error")?,
        error_cause: error_cause(row)?,
        receipts: Vec::new(),
    };
    Ok(StoredDistribution {
        server_configuration_id: row.try_get("", "server_configuration_id")?,
        attempts: row.try_get("", "attempts")?,
        distribution,
    })
}

/// Queues a distribution.
///
/// # Errors
/// The database refused.
pub async fn insert<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    kind: DistributionKind,
    now: DateTime<Utc>,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let sql = "INSERT INTO distributions (id, server_configuration_id, kind, added, removed, created_at, rung_at, \
               attempts) VALUES ($1, $2, $3, 0, 0, $4, $4, 0)";
    let values = [id.into(), server_configuration_id.into(), kind.as_str().into(), millis(now).into()];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(id)
}

/// One distribution, without receipts.
///
/// # Errors
/// The database refused.
pub async fn get<C: ConnectionTrait>(connection: &C, id: Uuid) -> Result<Option<StoredDistribution>> {
    let sql = format!("SELECT {COLUMNS} FROM distributions d WHERE d.id = $1");
    let row = connection.query_one_raw(statement(connection, sql, [id.into()])).await?;
    row.as_ref().map(read).transpose()
}

/// The distributions of a configuration, newest first, without receipts.
///
/// # Errors
/// The database refused.
pub async fn list<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    keyset: Keyset<i64>,
) -> Result<Vec<Distribution>> {
    let mut conditions = Conditions::new();
    conditions.equal("d.server_configuration_id", server_configuration_id);
    let select = format!("SELECT {COLUMNS} FROM distributions d");
    let rows = newest(connection, &select, 'd', conditions, keyset).await?;
    rows.iter().map(|row| Ok(read(row)?.distribution)).collect()
}

/// Adds each mail server's part: those that acknowledged, and those that are still waited for.
///
/// # Errors
/// The database refused.
pub async fn with_receipts<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    mut distributions: Vec<Distribution>,
) -> Result<Vec<Distribution>> {
    if distributions.is_empty() {
        return Ok(distributions);
    }
    let sql = format!(
        "SELECT d.id AS distribution_id, m.id, m.name, t.acknowledged_at, t.version, t.count, t.checksum \
         FROM distributions d JOIN mail_servers m ON m.server_configuration_id = d.server_configuration_id \
         LEFT JOIN receipts t ON t.distribution_id = d.id AND t.mail_server_id = m.id \
         WHERE m.server_configuration_id = $1 AND d.id IN ({}) \
         AND (t.mail_server_id IS NOT NULL OR (m.active AND d.completed_at IS NULL)) ORDER BY m.name, m.id",
        placeholders(2, distributions.len())
    );
    let mut values: Vec<Value> = vec![server_configuration_id.into()];
    values.extend(distributions.iter().map(|distribution| Value::from(distribution.id)));
    let mut receipts: HashMap<Uuid, Vec<Receipt>> = HashMap::new();
    for row in connection.query_all_raw(statement(connection, sql, values)).await? {
        let acknowledged_at = optional_time(row.try_get("", "acknowledged_at")?)?;
        receipts.entry(row.try_get("", "distribution_id")?).or_default().push(Receipt {
            mail_server_id: row.try_get("", "id")?,
            mail_server_name: row.try_get("", "name")?,
            acknowledged_at,
            version: row.try_get("", "version")?,
            count: row.try_get("", "count")?,
            checksum: acknowledged_at.is_some().then(|| checksum(&row, "checksum")).transpose()?,
        });
    }
    for distribution in &mut distributions {
        distribution.receipts = receipts.remove(&distribution.id).unwrap_or_default();
    }
    Ok(distributions)
}

/// Says that publishing was tried once more.
///
/// # Errors
/// The database refused.
pub async fn begin<C: ConnectionTrait>(transaction: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE distributions SET attempts = attempts + 1, rung_at = $2 WHERE id = $1";
    transaction.execute_raw(statement(transaction, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}

/// Says what a distribution published: a version that adds and removes so much.
///
/// # Errors
/// The database refused.
pub async fn publish<C: ConnectionTrait>(
    transaction: &C,
    id: Uuid,
    head: &Head,
    added: i64,
    removed: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let sql = "UPDATE distributions SET version = $2, count = $3, checksum = $4, added = $5, removed = $6, \
               published_at = $7, error = NULL, error_cause = NULL WHERE id = $1";
    let values = [
        id.into(),
        head.version.into(),
        head.sum.count.into(),
        head.sum.checksum.to_string().into(),
        added.into(),
        removed.into(),
        millis(now).into(),
    ];
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Says what went wrong.
///
/// # Errors
/// The database refused.
pub async fn fail<C: ConnectionTrait>(transaction: &C, id: Uuid, error: &str, cause: FailureCause) -> Result<()> {
    let sql = "UPDATE distributions SET error = $2, error_cause = $3 WHERE id = $1 AND published_at IS NULL";
    transaction.execute_raw(statement(transaction, sql, [id.into(), error.into(), cause.as_str().into()])).await?;
    Ok(())
}

/// Distributions that are not published and of which the queue was last told before `before`.
///
/// # Errors
/// The database refused.
pub async fn waiting<C: ConnectionTrait>(connection: &C, before: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let sql = "SELECT id FROM distributions WHERE published_at IS NULL AND rung_at <= $1 ORDER BY created_at, id";
    let rows = connection.query_all_raw(statement(connection, sql, [millis(before).into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

/// Says that the queue was told of a distribution.
///
/// # Errors
/// The database refused.
pub async fn rung<C: ConnectionTrait>(connection: &C, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE distributions SET rung_at = $2 WHERE id = $1";
    connection.execute_raw(statement(connection, sql, [id.into(), millis(now).into()])).await?;
    Ok(())
}

/// What a published version of the list holds; `None` when no distribution published it.
///
/// # Errors
/// The database refused.
pub async fn sum_at<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    version: i64,
) -> Result<Option<Sum>> {
    if version == 0 {
        return Ok(Some(Sum { count: 0, checksum: ListChecksum::EMPTY }));
    }
    let sql = "SELECT count, checksum FROM distributions WHERE server_configuration_id = $1 AND version = $2 LIMIT 1";
    let values = [server_configuration_id.into(), version.into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    row.map(|row| Ok(Sum { count: row.try_get("", "count")?, checksum: checksum(&row, "checksum")? })).transpose()
}

/// What [`settle`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The newest distributions that got a receipt or are complete now, oldest first.
    pub changed: Vec<Uuid>,
    /// Of those that are complete now: the kind, and when it was asked for.
    pub completed: Vec<(DistributionKind, DateTime<Utc>)>,
}

/// How many changed distributions [`settle`] names: a mail server that was away for months completes tens of thousands
/// when it comes back, more than whoever follows them can hear.
const NAMED: usize = 100;

/// What the mail server `m` held when it got its newest receipt. Whatever is of an older version was there, and has its
/// receipt. What is of this version may have come later, from a run that changed nothing.
const RECEIPTED: &str = "COALESCE((SELECT MAX(t.version) FROM receipts t WHERE t.mail_server_id = m.id), 0)";

/// Gives every incomplete distribution the receipts of the mail servers that hold its version or a later one, rightly,
/// and completes those that no active mail server is missing for. The caller holds the lock of the configuration.
///
/// This costs what has changed, however many distributions wait for a mail server that is gone.
///
/// # Errors
/// The database refused.
pub async fn settle<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Settled> {
    let mut changed: Vec<Uuid> = Vec::new();
    for (mail_server_id, from, to) in without_receipts(transaction, server_configuration_id).await? {
        let sql = "INSERT INTO receipts (distribution_id, mail_server_id, acknowledged_at, version, count, checksum) \
                   SELECT d.id, m.id, m.acknowledged_at, m.version, m.count, m.checksum \
                   FROM distributions d JOIN mail_servers m ON m.id = $2 WHERE d.server_configuration_id = $1 \
                   AND d.completed_at IS NULL AND d.published_at IS NOT NULL AND d.version >= $3 AND d.version <= $4 \
                   ON CONFLICT (distribution_id, mail_server_id) DO NOTHING RETURNING distribution_id";
        let values = [server_configuration_id.into(), mail_server_id.into(), from.into(), to.into()];
        for row in transaction.query_all_raw(statement(transaction, sql, values)).await? {
            changed.push(row.try_get("", "distribution_id")?);
        }
    }
    let sql = format!(
        "SELECT MIN({RECEIPTED}) AS least FROM mail_servers m WHERE m.server_configuration_id = $1 AND m.active"
    );
    let row = transaction.query_one_raw(statement(transaction, sql, [server_configuration_id.into()])).await?;
    let least: Option<i64> = row.map(|row| row.try_get("", "least")).transpose()?.flatten();
    // Older ones have all receipts, and newer ones lack one.
    let sql = "UPDATE distributions SET completed_at = $2 WHERE server_configuration_id = $1 AND completed_at IS NULL \
               AND published_at IS NOT NULL AND version <= $3 AND (version < $3 OR NOT EXISTS (SELECT 1 \
               FROM mail_servers m WHERE m.server_configuration_id = $1 AND m.active AND NOT EXISTS (SELECT 1 \
               FROM receipts t WHERE t.distribution_id = distributions.id AND t.mail_server_id = m.id))) \
               RETURNING id, kind, created_at";
    // Without any active mail server none is missing.
    let values = [server_configuration_id.into(), millis(now).into(), least.unwrap_or(i64::MAX).into()];
    let mut completed = Vec::new();
    for row in transaction.query_all_raw(statement(transaction, sql, values)).await? {
        changed.push(row.try_get("", "id")?);
        completed.push((read_kind(&row)?, time(row.try_get("", "created_at")?)?));
    }
    changed.sort_unstable();
    changed.dedup();
    changed.drain(..changed.len().saturating_sub(NAMED));
    Ok(Settled { changed, completed })
}

/// The active mail servers that hold rightly what they have no receipt for, each with the versions among which that is:
/// from one up to another.
async fn without_receipts<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
) -> Result<Vec<(Uuid, i64, i64)>> {
    let receipt = is_there("FROM receipts t WHERE t.distribution_id = d.id AND t.mail_server_id = h.id");
    let waiting = is_there(&format!(
        "FROM distributions d WHERE d.server_configuration_id = $1 AND d.completed_at IS NULL \
         AND d.published_at IS NOT NULL AND d.version >= h.receipted AND d.version <= h.version AND NOT {receipt}"
    ));
    let sql = format!(
        "WITH holders (id, version, receipted) AS MATERIALIZED (SELECT m.id, m.version, {RECEIPTED} \
         FROM mail_servers m JOIN server_configurations c ON c.id = m.server_configuration_id \
         WHERE m.server_configuration_id = $1 AND m.active AND m.matches AND m.epoch = c.epoch) \
         SELECT h.id, h.receipted, h.version FROM holders h WHERE {waiting}"
    );
    let rows = transaction.query_all_raw(statement(transaction, sql, [server_configuration_id.into()])).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "id")?, row.try_get("", "receipted")?, row.try_get("", "version")?)))
        .collect()
}

/// What distributions published in a quarter of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// When it began, Unix milliseconds: every time zone's days begin with one.
    pub at: i64,
    /// Addresses put on the list.
    pub added: i64,
    /// Addresses that releases took off the list.
    pub released: i64,
    /// Addresses that runs and undos took off the list.
    pub cancelled: i64,
}

/// What was published since a time, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedSince {
    /// Addresses on the published list now.
    pub count: i64,
    /// What led there.
    pub parts: Vec<Published>,
}

/// What was published since a time. One statement, so that both fit together.
///
/// # Errors
/// The database refused.
pub async fn published_since<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    from: DateTime<Utc>,
) -> Result<PublishedSince> {
    let release = DistributionKind::Release.as_str();
    let sum = |what: &str| format!("CAST(SUM({what}) AS BIGINT)");
    // Versions are published in order, so one that was published before tells where to begin.
    let sql = format!(
        "SELECT c.list_count, d.quarter, d.added, d.released, d.cancelled FROM server_configurations c LEFT JOIN \
         (SELECT published_at / 900000 AS quarter, {} AS added, {} AS released, {} AS cancelled FROM distributions \
         WHERE server_configuration_id = $1 AND published_at >= $2 AND version > COALESCE((SELECT p.version \
         FROM distributions p WHERE p.server_configuration_id = $1 AND p.created_at < $2 AND p.published_at < $2 \
         ORDER BY p.created_at DESC, p.id DESC LIMIT 1), 0) GROUP BY 1) AS d ON TRUE WHERE c.id = $1",
        sum("added"),
        sum(&format!("CASE WHEN kind = '{release}' THEN removed ELSE 0 END")),
        sum(&format!("CASE WHEN kind = '{release}' THEN 0 ELSE removed END")),
    );
    let values = [server_configuration_id.into(), millis(from).into()];
    let mut since = PublishedSince { count: 0, parts: Vec::new() };
    for row in connection.query_all_raw(statement(connection, sql, values)).await? {
        since.count = row.try_get("", "list_count")?;
        if let Some(quarter) = row.try_get::<Option<i64>>("", "quarter")? {
            since.parts.push(Published {
                at: quarter * 900_000,
                added: row.try_get("", "added")?,
                released: row.try_get("", "released")?,
                cancelled: row.try_get("", "cancelled")?,
            });
        }
    }
    Ok(since)
}
