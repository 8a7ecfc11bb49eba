//! What happened to one address, from the rows that say so. Every look is by an index that begins with the server
//! configuration and the address.

use super::{
    Result, change_sets::BUILDING, delivery_events::smtp_code, millis, named, optional_reason, optional_time, reason,
    statement, time,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::{Deserialize, Serialize};
use shared::{
    AddressKey, Reason,
    address_history::{AddressError, AddressEvent, AddressEventKind, ListOperationOfEvent},
    list::{Origin, RemovalCause},
    list_operation::ListOperationKind,
};
use uuid::Uuid;

/// The address of a server configuration that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The server configuration.
    pub server_configuration_id: Uuid,
    /// The address.
    pub key: &'a AddressKey,
}

impl Whose<'_> {
    fn values(self) -> Vec<Value> {
        vec![self.server_configuration_id.into(), self.key.as_str().into()]
    }
}

/// The row that an event is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RowId {
    /// A delivery event.
    Event(i64),
    /// A block or exemption.
    Row(Uuid),
}

/// Where an event stands in the history: when it happened (Unix milliseconds), what it is, and its row.
pub type EventPlace = (i64, AddressEventKind, RowId);

/// When a block was made, or an exemption: an undo makes it again with the time of the first one.
fn made_at(at: &str) -> String {
    format!("CASE WHEN o.kind = '{}' THEN o.finished_at ELSE {at} END", ListOperationKind::Undo.as_str())
}

/// The rows of a table that are the address's.
fn of_address(table: &str) -> String {
    format!("{table}.server_configuration_id = $1 AND {table}.address_key = $2")
}

/// Whoever made an exemption released the address.
const RELEASED_BY: &str = "(SELECT r.removed_by FROM removed_blocks r WHERE r.server_configuration_id = $1 \
                           AND r.address_key = $2 AND r.removed_at = e.released_at AND r.removed_by IS NOT NULL LIMIT 1)";

/// The rows of a kind: `id` and `at`, and what [`read`] looks for.
fn rows(kind: AddressEventKind) -> String {
    let operation = "o.id AS operation_id, o.kind AS operation_kind";
    match kind {
        // Written out: otherwise no database chooses the index of errors by address.
        AddressEventKind::Error => "SELECT e.id, e.occurred_at AS at, e.reason, e.smtp_code, e.status, e.reply, \
                                    m.name AS mail_server_name FROM delivery_events e \
                                    LEFT JOIN mail_servers m ON m.id = e.mail_server_id \
                                    WHERE e.server_configuration_id = $1 AND e.address_key = $2 \
                                    AND e.outcome = 'error'"
            .to_owned(),
        AddressEventKind::Blocked => {
            let part = |table: &str, version: &str, joined: &str| {
                format!(
                    "SELECT b.id, {} AS at, b.reason, b.origin, {version}, COALESCE(o.requested_by, s.made_by) AS made_by, \
                     COALESCE(o.comment, s.comment) AS comment, s.run_id, {operation} FROM {table} b \
                     JOIN change_sets s ON s.id = b.added_set_id {joined} \
                     LEFT JOIN list_operations o ON o.change_set_id = s.id WHERE {} AND s.ready",
                    made_at("b.blocked_at"),
                    of_address("b")
                )
            };
            // A block that ended before any version had it took effect with none.
            let held = |column: &str| {
                format!(
                    "CASE WHEN r.version > s.version OR (r.id IS NOT NULL AND r.version IS NULL) THEN s.{column} END \
                     AS {column}"
                )
            };
            let ended = format!("{}, {}", held("version"), held("published_at"));
            let removals = "LEFT JOIN change_sets r ON r.id = b.removed_set_id";
            format!(
                "{} UNION ALL {}",
                part("blocked_addresses", "s.version, s.published_at", ""),
                part("removed_blocks", &ended, removals)
            )
        }
        AddressEventKind::Removed => {
            // What a bulk release or a release took over from a run was ended by the run all the same.
            let by_hand = format!("('{}', '{}')", RemovalCause::Release.as_str(), RemovalCause::Undone.as_str());
            let held = |column: &str| format!("CASE WHEN r.version > s.version THEN r.{column} END AS {column}");
            format!(
                "SELECT b.id, b.removed_at AS at, b.reason, b.cause, {}, {}, \
                 COALESCE(b.removed_by, o.requested_by) AS made_by, COALESCE(b.comment, o.comment) AS comment, r.run_id, \
                 {operation} FROM removed_blocks b JOIN change_sets s ON s.id = b.added_set_id \
                 LEFT JOIN change_sets r ON r.id = b.removed_set_id \
                 LEFT JOIN list_operations o ON o.change_set_id = r.id AND b.removed_by IS NULL AND b.cause IN {by_hand} \
                 WHERE b.server_configuration_id = $1 AND b.address_key = $2 AND (r.id IS NULL OR r.ready)",
                held("version"),
                held("published_at")
            )
        }
        AddressEventKind::Exempted => {
            let part = |table: &str| {
                format!(
                    "SELECT e.id, {} AS at, e.reason, e.comment, COALESCE(o.requested_by, {RELEASED_BY}) AS made_by, \
                     {operation} FROM {table} e LEFT JOIN list_operations o ON o.change_set_id = e.made_set_id \
                     WHERE {} AND (e.made_set_id IS NULL OR e.made_set_id NOT IN {BUILDING})",
                    made_at("e.released_at"),
                    of_address("e")
                )
            };
            format!("{} UNION ALL {}", part("exemptions"), part("ended_exemptions"))
        }
        AddressEventKind::ExemptionEnded => format!(
            "SELECT e.id, o.finished_at AS at, e.reason, o.comment, o.requested_by AS made_by, {operation} \
             FROM exemptions e JOIN list_operations o ON o.change_set_id = e.ended_set_id \
             WHERE e.server_configuration_id = $1 AND e.address_key = $2 AND e.ended_set_id NOT IN {BUILDING} \
             AND o.finished_at IS NOT NULL \
             UNION ALL SELECT e.id, e.ended_at, e.reason, e.ended_comment, e.ended_by, NULL, NULL \
             FROM ended_exemptions e WHERE e.server_configuration_id = $1 AND e.address_key = $2"
        ),
    }
}

/// The newest events of a kind after a place, at most `limit`.
///
/// # Errors
/// The database refused.
pub async fn events<C: ConnectionTrait>(
    connection: &C,
    whose: Whose<'_>,
    kind: AddressEventKind,
    after: Option<&EventPlace>,
    limit: usize,
) -> Result<Vec<(EventPlace, AddressEvent)>> {
    let mut values = whose.values();
    let condition = match after {
        None => "TRUE",
        Some((at, of, row)) => {
            values.push((*at).into());
            if *of == kind {
                values.push(match row {
                    RowId::Event(id) => (*id).into(),
                    RowId::Row(id) => (*id).into(),
                });
                "(x.at, x.id) < ($3, $4)"
            } else if kind < *of {
                "x.at <= $3"
            } else {
                "x.at < $3"
            }
        }
    };
    let sql =
        format!("SELECT x.* FROM ({}) AS x WHERE {condition} ORDER BY x.at DESC, x.id DESC LIMIT {limit}", rows(kind));
    let rows = connection.query_all_raw(statement(connection, sql, values)).await?;
    rows.iter().map(|row| read(row, kind)).collect()
}

fn read(row: &QueryResult, kind: AddressEventKind) -> Result<(EventPlace, AddressEvent)> {
    let at: i64 = row.try_get("", "at")?;
    let mut event = AddressEvent {
        at: time(at)?,
        kind,
        reason: optional_reason(row)?.unwrap_or(Reason::Other),
        error: None,
        origin: None,
        cause: None,
        version: None,
        published_at: None,
        by: None,
        comment: None,
        run_id: None,
        list_operation: None,
    };
    if kind == AddressEventKind::Error {
        let id: i64 = row.try_get("", "id")?;
        event.error = Some(AddressError {
            id,
            counted: false,
            smtp_code: smtp_code(row)?,
            status: row.try_get("", "status")?,
            reply: row.try_get("", "reply")?,
            mail_server_name: row.try_get("", "mail_server_name")?,
        });
        return Ok(((at, kind, RowId::Event(id)), event));
    }
    event.by = row.try_get("", "made_by")?;
    event.comment = row.try_get("", "comment")?;
    if let Some(id) = row.try_get("", "operation_id")? {
        let name: String = row.try_get("", "operation_kind")?;
        let kind = named(&ListOperationKind::ALL, ListOperationKind::as_str, "list operation", &name)?;
        event.list_operation = Some(ListOperationOfEvent { id, kind });
    }
    if matches!(kind, AddressEventKind::Blocked | AddressEventKind::Removed) {
        event.version = row.try_get("", "version")?;
        event.published_at = optional_time(row.try_get("", "published_at")?)?;
        event.run_id = row.try_get("", "run_id")?;
    }
    if kind == AddressEventKind::Blocked {
        let name: String = row.try_get("", "origin")?;
        event.origin = Some(named(&Origin::ALL, Origin::as_str, "origin", &name)?);
    }
    if kind == AddressEventKind::Removed {
        let name: String = row.try_get("", "cause")?;
        event.cause = Some(named(&RemovalCause::ALL, RemovalCause::as_str, "cause", &name)?);
    }
    Ok(((at, kind, RowId::Row(row.try_get("", "id")?)), event))
}

/// Errors of an address with one reason that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The reason.
    pub reason: Reason,
    /// The address as it was first seen.
    pub address: String,
    /// How many since the count was last reset.
    pub count: i64,
    /// When the first of these happened.
    pub first_at: DateTime<Utc>,
}

/// What is counted of an address, the first that was seen before the others; also where the count is zero.
///
/// # Errors
/// The database refused.
pub async fn counted<C: ConnectionTrait>(connection: &C, whose: Whose<'_>) -> Result<Vec<Counted>> {
    let sql = format!(
        "SELECT reason, address, count, first_at FROM error_tallies t WHERE {} ORDER BY first_at, reason",
        of_address("t")
    );
    let rows = connection.query_all_raw(statement(connection, sql, whose.values())).await?;
    rows.iter()
        .map(|row| {
            Ok(Counted {
                reason: reason(row)?,
                address: row.try_get("", "address")?,
                count: row.try_get("", "count")?,
                first_at: time(row.try_get("", "first_at")?)?,
            })
        })
        .collect()
}

/// Which list versions have the address: from one up to the one before another, or still.
///
/// # Errors
/// The database refused.
pub async fn versions<C: ConnectionTrait>(connection: &C, whose: Whose<'_>) -> Result<Vec<(i64, Option<i64>)>> {
    let sql = "SELECT s.version AS added, NULL AS removed FROM blocked_addresses b \
               JOIN change_sets s ON s.id = b.added_set_id \
               WHERE b.server_configuration_id = $1 AND b.address_key = $2 AND s.version IS NOT NULL \
               UNION ALL SELECT s.version, r.version FROM removed_blocks b \
               JOIN change_sets s ON s.id = b.added_set_id JOIN change_sets r ON r.id = b.removed_set_id \
               WHERE b.server_configuration_id = $1 AND b.address_key = $2 AND s.version IS NOT NULL \
               AND (r.version IS NULL OR r.version > s.version)";
    let rows = connection.query_all_raw(statement(connection, sql, whose.values())).await?;
    rows.iter().map(|row| Ok((row.try_get("", "added")?, row.try_get("", "removed")?))).collect()
}

/// When a mail server first acknowledged a version or a later one; `None` where no distribution waited for it since.
///
/// # Errors
/// The database refused.
pub async fn acknowledged_since<C: ConnectionTrait>(
    connection: &C,
    server_configuration_id: Uuid,
    mail_server_id: Uuid,
    version: i64,
) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT t.acknowledged_at FROM distributions d \
               JOIN receipts t ON t.distribution_id = d.id AND t.mail_server_id = $3 \
               WHERE d.server_configuration_id = $1 AND d.version >= $2 ORDER BY d.version LIMIT 1";
    let values = [server_configuration_id.into(), version.into(), mail_server_id.into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    optional_time(row.map(|row| row.try_get("", "acknowledged_at")).transpose()?)
}

/// Remembers exemptions that are about to be deleted; `which` is a condition on them whose values follow `$4`.
pub(super) async fn remember_exemptions<C: ConnectionTrait>(
    transaction: &C,
    server_configuration_id: Uuid,
    ended: &ExemptionEnd<'_>,
    which: &str,
    which_values: impl IntoIterator<Item = Value>,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO ended_exemptions (id, server_configuration_id, address_key, reason, released_at, comment, \
         made_set_id, ended_at, ended_by, ended_comment) SELECT id, server_configuration_id, address_key, reason, \
         released_at, comment, made_set_id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT) FROM exemptions \
         WHERE server_configuration_id = $1 AND {which}"
    );
    let mut values: Vec<Value> = vec![
        server_configuration_id.into(),
        millis(ended.at).into(),
        ended.by.into(),
        ended.comment.map(str::to_owned).into(),
    ];
    values.extend(which_values);
    transaction.execute_raw(statement(transaction, sql, values)).await?;
    Ok(())
}

/// Who ends an exemption.
#[derive(Debug, Clone, Copy)]
pub struct ExemptionEnd<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// Who: the address of a person, the name of a token.
    pub by: &'a str,
    /// Why.
    pub comment: Option<&'a str>,
}
